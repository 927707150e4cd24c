// Thread: any one at a time with plain cells; one writer and any number of readers with
// metrics/counter.h's cells. A latency histogram of fixed size: log-linear buckets, 16 to an
// octave, so that a percentile is at most 1/16 (6.25 %) above the true value, whatever was recorded
// and for however long. Source of the bucketing: G. Tene's HdrHistogram.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sideloop {

template <typename Cell>
class BasicHistogram {
 public:
  static constexpr unsigned kSubBits = 4;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  // The largest value told apart: 2^40 ns, 18 minutes. Larger ones count as that.
  static constexpr unsigned kMaxBits = 40;
  static constexpr std::size_t kBuckets = (kMaxBits - kSubBits + 1) * kSub;

  BasicHistogram() = default;

  // A snapshot of a histogram with other cells.
  template <typename Other>
  explicit BasicHistogram(const BasicHistogram<Other>& other)
      : count_(other.count_), sum_(other.sum_), min_(other.min_), max_(other.max_) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] = other.buckets_[i];
  }

  // Records `count` times `nanoseconds`.
  void Record(std::uint64_t nanoseconds, std::uint64_t count = 1) {
    buckets_[IndexOf(nanoseconds)] += count;
    count_ += count;
    sum_ += nanoseconds * count;
    if (nanoseconds < min_) min_ = nanoseconds;
    if (nanoseconds > max_) max_ = nanoseconds;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : std::uint64_t{min_}; }
  std::uint64_t max() const { return max_; }
  double mean() const {
    const std::uint64_t count = count_;
    const std::uint64_t sum = sum_;
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
  }

  // The value that a share `q` (0 to 1) of all records does not exceed: the upper edge of its
  // bucket, and never more than the maximum.
  std::uint64_t Percentile(double q) const {
    const std::uint64_t count = count_;
    const std::uint64_t max = max_;
    if (count == 0) return 0;
    const auto rank = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(q * static_cast<double>(count) + 0.999999));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::min(UpperEdge(i), max);
    }
    return max;
  }

 private:
  template <typename Other>
  friend class BasicHistogram;

  static std::size_t IndexOf(std::uint64_t value) {
    if (value < kSub) return static_cast<std::size_t>(value);
    const unsigned bits = static_cast<unsigned>(std::bit_width(value));
    if (bits > kMaxBits) return kBuckets - 1;
    const unsigned shift = bits - kSubBits - 1;
    return (shift + 1) * kSub + static_cast<std::size_t>((value >> shift) - kSub);
  }

  static std::uint64_t UpperEdge(std::size_t index) {
    if (index < kSub) return index;
    const std::size_t shift = index / kSub - 1;
    return ((kSub + index % kSub + 1) << shift) - 1;
  }

  std::array<Cell, kBuckets> buckets_{};
  Cell count_{0};
  Cell sum_{0};
  Cell min_{~std::uint64_t{0}};
  Cell max_{0};
};

using Histogram = BasicHistogram<std::uint64_t>;

}  // namespace sideloop
