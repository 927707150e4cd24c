// How long a lost connection waits before it tries again. A failure here means clients that hammer
// a server that is down, wait longer than promised, or come back all in the same millisecond.
#include "base/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>

namespace sideloop {
namespace {

constexpr std::uint64_t kMin = 50;
constexpr std::uint64_t kMax = 2000;

std::uint64_t CeilingOf(std::uint32_t attempt) {
  std::uint64_t ceiling = kMin;
  for (std::uint32_t i = 0; i < attempt && ceiling < kMax; ++i) ceiling *= 2;
  return std::min(ceiling, kMax);
}

TEST(Backoff, EachDelayIsBetweenHalfOfItsCeilingAndAllOfIt) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Backoff backoff(kMin, kMax, seed);
    for (std::uint32_t attempt = 0; attempt < 12; ++attempt) {
      ASSERT_EQ(backoff.attempts(), attempt);
      const std::uint64_t delay = backoff.NextDelay();
      ASSERT_GE(delay, CeilingOf(attempt) / 2) << "seed " << seed << ", attempt " << attempt;
      ASSERT_LE(delay, CeilingOf(attempt)) << "seed " << seed << ", attempt " << attempt;
    }
  }
}

TEST(Backoff, TheJitterReachesBothEndsOfItsRange) {
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
  Backoff backoff(kMin, kMax, 3);
  for (int i = 0; i < 8; ++i) backoff.NextDelay();
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t delay = backoff.NextDelay();
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LE(least, kMax / 2 + 5);
  EXPECT_GE(most, kMax - 5);
}

TEST(Backoff, ClientsWithOtherSeedsComeBackAtOtherTimes) {
  std::set<std::uint64_t> delays;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(1 << 20, 1 << 20, seed * 2654435761u);
    delays.insert(backoff.NextDelay());
  }
  EXPECT_GT(delays.size(), 190u);
}

TEST(Backoff, BeginsAnewAfterASuccess) {
  Backoff backoff(kMin, kMax, 4);
  for (int i = 0; i < 10; ++i) backoff.NextDelay();
  backoff.Reset();
  EXPECT_EQ(backoff.attempts(), 0u);
  EXPECT_LE(backoff.NextDelay(), kMin);
}

TEST(Backoff, StaysAtTheMostHoweverOftenItFails) {
  Backoff backoff(kMin, kMax, 5);
  for (int i = 0; i < 1000; ++i) backoff.NextDelay();
  const std::uint64_t delay = backoff.NextDelay();
  EXPECT_GE(delay, kMax / 2);
  EXPECT_LE(delay, kMax);
}

TEST(Backoff, TheSmallestRangeWorks) {
  Backoff backoff(1, 1, 6);
  for (int i = 0; i < 10; ++i) EXPECT_LE(backoff.NextDelay(), 1u);
}

}  // namespace
}  // namespace sideloop
