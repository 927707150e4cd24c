// The heap of deadlines. A failure here means a timer that fires out of order, one that was cleared
// and fires, or one that is forgotten.
#include "base/deadline_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "stress/seed.h"

namespace sideloop::timers {
namespace {

std::vector<std::uint32_t> PopAll(DeadlineHeap& heap) {
  std::vector<std::uint32_t> slots;
  while (!heap.empty()) slots.push_back(heap.Pop().slot);
  return slots;
}

TEST(DeadlineHeap, PopsByDueTimeAndThenBySerialNumber) {
  DeadlineHeap heap;
  heap.Set({30, 0, 1});
  heap.Set({10, 1, 4});
  heap.Set({20, 2, 3});
  heap.Set({10, 3, 2});
  EXPECT_EQ(heap.top().slot, 3u);
  EXPECT_EQ(PopAll(heap), (std::vector<std::uint32_t>{3, 1, 2, 0}));
}

TEST(DeadlineHeap, KeepsTheOrderOfSerialNumbersWhereTheyWrapAround) {
  DeadlineHeap heap;
  heap.Set({10, 0, 1});
  heap.Set({10, 1, 0xffff'ffff});
  heap.Set({10, 2, 0});
  EXPECT_EQ(PopAll(heap), (std::vector<std::uint32_t>{1, 2, 0}));
}

TEST(DeadlineHeap, SettingASlotAgainMovesIt) {
  DeadlineHeap heap;
  for (std::uint32_t slot = 0; slot < 10; ++slot) heap.Set({slot, slot, slot});
  heap.Set({100, 0, 10});
  heap.Set({0, 9, 11});
  EXPECT_EQ(heap.size(), 10u);
  EXPECT_EQ(PopAll(heap), (std::vector<std::uint32_t>{9, 1, 2, 3, 4, 5, 6, 7, 8, 0}));
}

TEST(DeadlineHeap, ErasingWhatIsNotThereSaysSo) {
  DeadlineHeap heap;
  EXPECT_FALSE(heap.Erase(0));
  EXPECT_FALSE(heap.Erase(1'000'000));
  heap.Set({1, 5, 1});
  EXPECT_FALSE(heap.Erase(4));
  EXPECT_TRUE(heap.Contains(5));
  EXPECT_TRUE(heap.Erase(5));
  EXPECT_FALSE(heap.Erase(5));
  EXPECT_TRUE(heap.empty());
}

TEST(DeadlineHeap, GivesABurstsMemoryBack) {
  DeadlineHeap heap;
  constexpr std::uint32_t kBurst = 100'000;
  for (std::uint32_t slot = 0; slot < kBurst; ++slot) heap.Set({slot, slot, slot});
  EXPECT_GE(heap.bytes(), kBurst * 20u);
  EXPECT_LE(heap.bytes(), 2 * kBurst * 20u);
  for (std::uint32_t slot = 0; slot < kBurst; ++slot) heap.Erase(slot);
  EXPECT_LE(heap.bytes(), DeadlineHeap::kKept * 20);
}

// The same, done by a sorted map.
class Model {
 public:
  void Set(const Deadline& deadline) {
    Erase(deadline.slot);
    by_slot_[deadline.slot] = {deadline.due, deadline.serial};
    order_[{deadline.due, deadline.serial}] = deadline.slot;
  }
  bool Erase(std::uint32_t slot) {
    const auto found = by_slot_.find(slot);
    if (found == by_slot_.end()) return false;
    order_.erase(found->second);
    by_slot_.erase(found);
    return true;
  }
  std::uint32_t Pop() {
    const std::uint32_t slot = order_.begin()->second;
    Erase(slot);
    return slot;
  }
  std::size_t size() const { return by_slot_.size(); }

 private:
  using Key = std::pair<std::uint64_t, std::uint32_t>;
  std::map<std::uint32_t, Key> by_slot_;
  std::map<Key, std::uint32_t> order_;
};

TEST(DeadlineHeap, DoesWhatASortedMapDoes) {
  auto random = test::RandomOf(0);
  DeadlineHeap heap;
  Model model;
  std::uint32_t serial = 0;
  for (int step = 0; step < 200'000; ++step) {
    // Grows to some thousands, shrinks to nothing, and again.
    const bool grows = step / 20'000 % 2 == 0;
    const auto slot = static_cast<std::uint32_t>(random() % 5000);
    switch (random() % 8) {
      case 0:
      case 1:
        ASSERT_EQ(heap.Erase(slot), model.Erase(slot));
        break;
      case 2:
      case 3:
      case 4:
        if (grows) {
          const Deadline deadline = {random() % 1000, slot, ++serial};
          heap.Set(deadline);
          model.Set(deadline);
          break;
        }
        [[fallthrough]];
      default:
        if (grows && random() % 2 == 0) break;
        if (heap.empty()) break;
        ASSERT_EQ(heap.Pop().slot, model.Pop());
    }
    ASSERT_EQ(heap.size(), model.size());
  }
  while (!heap.empty()) ASSERT_EQ(heap.Pop().slot, model.Pop());
}

}  // namespace
}  // namespace sideloop::timers
