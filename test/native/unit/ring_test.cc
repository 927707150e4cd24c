// The queue of commands in flight and of job segments. A failure here means that replies pair with
// the wrong commands, or jobs run in the wrong order.
#include "base/ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace sideloop {
namespace {

TEST(Ring, AgreesWithADequeOverManyWrapsAndGrowths) {
  std::mt19937_64 random(1);
  Ring<std::uint64_t> ring;
  std::deque<std::uint64_t> model;
  for (int step = 0; step < 20'000; ++step) {
    // Fills in the first half of each thousand steps, drains in the second: it wraps at all sizes.
    const bool filling = step % 1000 < 500;
    if (model.empty() || random() % 10 < (filling ? 6u : 4u)) {
      const std::uint64_t value = random();
      ring.push_back(value);
      model.push_back(value);
    } else {
      ASSERT_EQ(ring.pop_front(), model.front());
      model.pop_front();
    }
    ASSERT_EQ(ring.size(), model.size());
    ASSERT_EQ(ring.empty(), model.empty());
    if (model.empty()) continue;
    ASSERT_EQ(ring.front(), model.front());
    ASSERT_EQ(ring.back(), model.back());
    const std::size_t i = random() % model.size();
    ASSERT_EQ(ring[i], model[i]);
  }
}

TEST(Ring, GrowingInTheMiddleOfAWrapKeepsTheOrder) {
  Ring<int> ring;
  for (int i = 0; i < 16; ++i) ring.push_back(i);
  for (int i = 0; i < 9; ++i) ring.pop_front();
  for (int i = 16; i < 16 + 40; ++i) ring.push_back(i);  // wraps at 16 slots, then grows twice
  for (int i = 9; i < 16 + 40; ++i) ASSERT_EQ(ring.pop_front(), i);
  EXPECT_TRUE(ring.empty());
}

TEST(Ring, LetsGoOfWhatWasTakenOut) {
  Ring<std::shared_ptr<int>> ring;
  auto value = std::make_shared<int>(1);
  ring.push_back(value);
  EXPECT_EQ(value.use_count(), 2);
  ring.pop_front();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace sideloop
