// Thread: any one at a time. How long to wait before the next attempt to connect: exponential with
// "equal jitter" (half fixed, half random), so that a thousand clients of a restarted server do not
// come back in the same millisecond.
// Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sideloop {

class Backoff {
 public:
  // `seed` decides the jitter. Requires: 0 < min_ms <= max_ms.
  Backoff(std::uint64_t min_ms, std::uint64_t max_ms, std::uint64_t seed)
      : min_ms_(min_ms), max_ms_(max_ms), state_(seed | 1) {}

  // A seed for the Backoff of `owner`, made at `now`: no two of a process have the same, nor two
  // processes that start at the same moment, as addresses differ between them.
  static std::uint64_t SeedOf(const void* owner, std::uint64_t now) {
    return now ^ (reinterpret_cast<std::uintptr_t>(owner) * 0x9e3779b97f4a7c15);
  }

  // The delay in ms before attempt `attempts() + 1`; counts the attempt.
  std::uint64_t NextDelay() {
    const std::uint32_t doublings = std::min<std::uint32_t>(attempts_, 32);
    ++attempts_;
    const std::uint64_t ceiling = std::min(max_ms_, min_ms_ << doublings);
    const std::uint64_t half = ceiling / 2;
    return half + Random() % (ceiling - half + 1);
  }

  // Attempts since the last success.
  std::uint32_t attempts() const { return attempts_; }
  void Reset() { attempts_ = 0; }

 private:
  // xorshift64: statistical quality is beside the point here, being different per client is not.
  std::uint64_t Random() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  std::uint64_t min_ms_;
  std::uint64_t max_ms_;
  std::uint64_t state_;
  std::uint32_t attempts_ = 0;
};

}  // namespace sideloop
