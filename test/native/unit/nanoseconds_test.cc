// Times that users give become times of the loop's clock. A failure here means a deadline of a very
// long time that has passed already.
#include "base/nanoseconds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace sideloop::test {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kCentury = kMostMs * kNsPerMs;

TEST(Nanoseconds, OfVeryLongTimesAreACentury) {
  for (const std::uint64_t ms : {kMostMs, kMostMs + 1, std::uint64_t{1} << 53, kMax / 2, kMax}) {
    EXPECT_EQ(ToNs(ms), kCentury);
    EXPECT_EQ(FractionToNs(static_cast<double>(ms)), kCentury);
  }
  EXPECT_EQ(FractionToNs(std::numeric_limits<double>::infinity()), kCentury);
  // A machine that has been up for another century.
  EXPECT_GT(kCentury + ToNs(kMax), kCentury);
}

TEST(Nanoseconds, OfOrdinaryTimesAreExact) {
  EXPECT_EQ(ToNs(0), 0U);
  EXPECT_EQ(ToNs(1500), 1'500'000'000U);
  EXPECT_EQ(FractionToNs(0.0000004), 0U);
  EXPECT_EQ(FractionToNs(0.0000006), 1U);
  EXPECT_EQ(FractionToNs(1.5), 1'500'000U);
}

TEST(Nanoseconds, OfWhatIsNoTimeAreNone) {
  EXPECT_EQ(FractionToNs(-1), 0U);
  EXPECT_EQ(FractionToNs(std::nan("")), 0U);
  EXPECT_EQ(FractionToNs(-std::numeric_limits<double>::infinity()), 0U);
}

TEST(Nanoseconds, BecomeMsThatAreNoShorter) {
  EXPECT_EQ(CeilToMs(0), 0U);
  EXPECT_EQ(CeilToMs(1), 1U);
  EXPECT_EQ(CeilToMs(kNsPerMs), 1U);
  EXPECT_EQ(CeilToMs(kNsPerMs + 1), 2U);
  EXPECT_EQ(CeilToMs(kMax), kMax / kNsPerMs + 1);
}

TEST(Nanoseconds, BetweenTwoMomentsHaveASign) {
  EXPECT_EQ(MsBetween(1'000'000, 3'500'000), 2.5);
  EXPECT_EQ(MsBetween(3'500'000, 1'000'000), -2.5);
}

}  // namespace
}  // namespace sideloop::test
