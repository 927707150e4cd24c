// Thread: any. The times of the loop's clock are in nanoseconds; those that users give, in ms.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sideloop {

inline constexpr std::uint64_t kNsPerMs = 1'000'000;
// A moment that does not come.
inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// Times beyond a century are one, so that none overflows that is added to the clock.
constexpr std::uint64_t ToNs(std::uint64_t ms) {
  constexpr std::uint64_t kMost = std::uint64_t{100} * 365 * 24 * 3600 * 1000;
  return std::min(ms, kMost) * kNsPerMs;
}

}  // namespace sideloop
