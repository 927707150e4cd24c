// Thread: any, one at a time. Whether the server's wall clock was put forward or back, by what it
// said and when. HeldEntries are idle by that clock, leases count on one of this machine's that is
// never put anywhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "base/nanoseconds.h"

namespace sideloop::lease {

// The difference of the two clocks is known within the time that the server took to answer; the
// lower bound of it is kept, so that what is derived from it errs to the side of waiting longer.
class ServerClock {
 public:
  // Steps are remembered for `memory_ns` from when they are seen: after so long a step concerns
  // nothing that is alive.
  explicit ServerClock(std::uint64_t memory_ns) : memory_(static_cast<std::int64_t>(memory_ns)) {}

  // The server's clock stood at `server_ms` between the two moments (ns). What took long to be
  // answered says too little.
  void Add(std::int64_t server_ms, std::uint64_t sent_at, std::uint64_t received_at) {
    const auto received = static_cast<std::int64_t>(received_at);
    const std::int64_t took = received - static_cast<std::int64_t>(sent_at);
    if (took > memory_ / 4) return;
    std::int64_t least = server_ms * kNs - received;
    // Where it does not contradict what is known, it makes that no vaguer.
    if (!spans_.empty() && least + took >= spans_.back().least) {
      least = std::max(least, spans_.back().least);
    }
    if (least_ && least + took < *least_ - memory_ / 10) was_put_back_ = true;
    least_ = least;
    Keep(least, received);
  }

  // True once after it was seen to be put back, by more than a tenth of the memory.
  bool TakePutBack() { return std::exchange(was_put_back_, false); }

  // Where the server's clock stands in ms, at least, unless it was put forward. Nothing where it
  // has not been asked.
  std::optional<std::int64_t> Expected(std::uint64_t now_ns) {
    const auto now = static_cast<std::int64_t>(now_ns);
    Forget(now);
    if (spans_.empty()) return std::nullopt;
    return (spans_.front().least + now) / kNs;
  }

 private:
  static constexpr auto kNs = static_cast<std::int64_t>(kNsPerMs);
  static constexpr std::int64_t kMostSpans = 64;  // of one memory

  // A difference of the clocks: since when, and until when it is remembered, the newest one for as
  // long as no other has come. Invariant: they grow, so the first is the least.
  struct Span {
    std::int64_t least;
    std::int64_t since;
    std::int64_t until;
  };

  void Keep(std::int64_t least, std::int64_t at) {
    Forget(at);
    if (!spans_.empty()) {
      // The lower one stands for both, so that there are no more than kMostSpans.
      const bool is_soon = at - spans_.back().since < memory_ / kMostSpans;
      if (is_soon && least >= spans_.back().least) return;
      spans_.back().until = at + memory_;
    }
    while (!spans_.empty() && spans_.back().least >= least) spans_.pop_back();
    spans_.push_back({least, at, std::numeric_limits<std::int64_t>::max()});
  }

  void Forget(std::int64_t now) {
    while (spans_.size() > 1 && spans_.front().until <= now) spans_.pop_front();
  }

  const std::int64_t memory_;  // ns
  std::deque<Span> spans_;
  std::optional<std::int64_t> least_;  // of the last sample
  bool was_put_back_ = false;
};

}  // namespace sideloop::lease
