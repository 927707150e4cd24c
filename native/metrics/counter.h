// Thread: crosses: one writer, any number of readers.
#pragma once

#include <atomic>
#include <cstdint>

#include "metrics/histogram.h"

namespace sideloop {

// A figure that one thread keeps and any thread may read. Relaxed on both sides, with no partner: a
// reader gets a value that was true at some moment, and nothing is ordered by it. A load and a
// store instead of fetch_add, because there is one writer: it compiles to a plain add.
class Counter {
 public:
  Counter() = default;
  explicit Counter(std::uint64_t value) : value_(value) {}
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  operator std::uint64_t() const { return value_.load(std::memory_order_relaxed); }
  Counter& operator=(std::uint64_t value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }
  Counter& operator+=(std::uint64_t n) { return *this = *this + n; }
  Counter& operator-=(std::uint64_t n) { return *this = *this - n; }
  Counter& operator++() { return *this += 1; }

 private:
  std::atomic<std::uint64_t> value_{0};
};

using SharedHistogram = BasicHistogram<Counter>;

}  // namespace sideloop
