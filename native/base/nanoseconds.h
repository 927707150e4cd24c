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
inline constexpr std::uint64_t kMostMs = std::uint64_t{100} * 365 * 24 * 3600 * 1000;

constexpr std::uint64_t ToNs(std::uint64_t ms) { return std::min(ms, kMostMs) * kNsPerMs; }

// The nearest whole number of them. What is less than 0, or no number, is 0.
constexpr std::uint64_t FractionToNs(double ms) {
  if (!(ms > 0)) return 0;
  if (ms >= static_cast<double>(kMostMs)) return kMostMs * kNsPerMs;
  return static_cast<std::uint64_t>(ms * static_cast<double>(kNsPerMs) + 0.5);
}

// The first whole millisecond that is no earlier than `ns`.
constexpr std::uint64_t CeilToMs(std::uint64_t ns) {
  return ns / kNsPerMs + (ns % kNsPerMs != 0 ? 1 : 0);
}

constexpr double ToMs(std::uint64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerMs);
}

// From `begin` to `end`, of the loop's clock. Negative where the end is the earlier one.
constexpr double MsBetween(std::uint64_t begin, std::uint64_t end) {
  return end >= begin ? ToMs(end - begin) : -ToMs(begin - end);
}

}  // namespace sideloop
