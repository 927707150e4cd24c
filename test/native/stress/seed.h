// Thread: any. The seed of a stress test: printed, so that a failure can be had again with
// SIDELOOP_SEED=<seed>.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace sideloop::test {

inline std::uint64_t Seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("SIDELOOP_SEED");
    const std::uint64_t value =
        given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
    std::cout << "SIDELOOP_SEED=" << value << std::endl;
    return value;
  }();
  return seed;
}

// A generator for one thread of one test: `stream` tells the threads apart.
inline std::mt19937_64 RandomOf(std::uint64_t stream) {
  std::seed_seq sequence{Seed(), Seed() >> 32, stream};
  return std::mt19937_64(sequence);
}

}  // namespace sideloop::test
