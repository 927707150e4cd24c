// The latency histogram behind every percentile that the product reports. A failure here means that
// it reports latencies that nobody had.
#include "metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "metrics/counter.h"

namespace sideloop {
namespace {

constexpr double kShares[] = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};

// The value at rank ceil(q * n), as in the definition of the nearest-rank percentile.
std::uint64_t ExactPercentile(const std::vector<std::uint64_t>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(
      std::max(1.0, std::ceil(q * static_cast<double>(sorted.size()) - 1e-9)));
  return sorted[rank - 1];
}

void ExpectWithinBound(const Histogram& histogram, std::vector<std::uint64_t> values) {
  std::sort(values.begin(), values.end());
  for (const double q : kShares) {
    const std::uint64_t exact = ExactPercentile(values, q);
    const std::uint64_t reported = histogram.Percentile(q);
    EXPECT_GE(reported, exact) << "share " << q;
    EXPECT_LE(reported, exact + exact / Histogram::kSub) << "share " << q;
  }
}

TEST(Histogram, PercentilesAreNeverMoreThanASixteenthTooHigh) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(11, 2);
  std::uniform_int_distribution<unsigned> bits(0, 39);
  for (int round = 0; round < 20; ++round) {
    Histogram histogram;
    std::vector<std::uint64_t> values;
    const std::size_t size = 1 + random() % 5000;
    for (std::size_t i = 0; i < size; ++i) {
      // Half like latencies, half evenly over all octaves.
      std::uint64_t value = random() >> (63 - bits(random));
      if (round % 2 == 0) value = static_cast<std::uint64_t>(latency(random));
      value = std::min(value, (std::uint64_t{1} << 40) - 1);
      histogram.Record(value);
      values.push_back(value);
    }
    ExpectWithinBound(histogram, values);
  }
}

TEST(Histogram, SmallValuesAreExact) {
  for (std::uint64_t value = 0; value < 32; ++value) {
    Histogram histogram;
    histogram.Record(value);
    EXPECT_EQ(histogram.Percentile(0.5), value);
  }
}

TEST(Histogram, EveryOctavesEdgeIsWithinTheBound) {
  for (unsigned bit = 1; bit < 40; ++bit) {
    for (const int off : {-1, 0, 1}) {
      const std::uint64_t value = (std::uint64_t{1} << bit) + static_cast<std::uint64_t>(off);
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(~std::uint64_t{0} >> 1);  // so that the maximum does not hide the edge
      const std::uint64_t reported = histogram.Percentile(0.5);
      EXPECT_GE(reported, value);
      EXPECT_LE(reported, value + value / Histogram::kSub);
    }
  }
}

TEST(Histogram, ValuesBeyondTheLastBucketCountAsTheLargestToldApart) {
  Histogram histogram;
  const std::uint64_t huge = ~std::uint64_t{0};
  histogram.Record(huge);
  histogram.Record(5);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.max(), huge);
  EXPECT_EQ(histogram.min(), 5u);
  EXPECT_EQ(histogram.Percentile(0.5), 5u);
  EXPECT_EQ(histogram.Percentile(1), (std::uint64_t{1} << 40) - 1);
}

TEST(Histogram, AnEmptyOneReportsZeros) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.min(), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.Percentile(0.99), 0u);
}

TEST(Histogram, RecordingACountIsRecordingOneByOne) {
  Histogram at_once;
  Histogram one_by_one;
  at_once.Record(1000, 99);
  at_once.Record(5000);
  for (int i = 0; i < 99; ++i) one_by_one.Record(1000);
  one_by_one.Record(5000);
  EXPECT_EQ(at_once.count(), one_by_one.count());
  EXPECT_EQ(at_once.mean(), one_by_one.mean());
  for (const double q : kShares) EXPECT_EQ(at_once.Percentile(q), one_by_one.Percentile(q));
}

TEST(Histogram, ASnapshotOfSharedCellsSaysTheSame) {
  SharedHistogram shared;
  for (std::uint64_t i = 1; i <= 1000; ++i) shared.Record(i * 1000);
  const Histogram snapshot(shared);
  EXPECT_EQ(snapshot.count(), 1000u);
  EXPECT_EQ(snapshot.min(), 1000u);
  EXPECT_EQ(snapshot.max(), 1'000'000u);
  EXPECT_EQ(snapshot.mean(), 500'500);
  for (const double q : kShares) EXPECT_EQ(snapshot.Percentile(q), shared.Percentile(q));
}

}  // namespace
}  // namespace sideloop
