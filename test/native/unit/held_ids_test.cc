// Which entry is held by its id. A failure here is a job that a consumer runs beside itself, or one
// that it takes for another.
#include "lease/held_ids.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sideloop::lease {
namespace {

std::string IdOf(std::uint32_t number) { return "1700000000000-" + std::to_string(number); }

TEST(HeldIds, FindsWhatItHoldsAndNothingElse) {
  constexpr std::uint32_t kSize = 50;
  constexpr std::uint32_t kIds = 80;
  constexpr std::uint32_t kSeed = 7;
  HeldIds table(kSize);
  std::vector<std::uint32_t> held(kSize, HeldIds::kNone);  // the id, by handle
  std::mt19937 random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t handle = random() % kSize;
    const std::uint32_t id = random() % kIds;
    const auto find = [&](std::uint32_t level) {
      return table.Find(level, IdOf(id), [&](std::uint32_t at) { return held[at] == id; });
    };
    std::uint32_t expected = HeldIds::kNone;
    for (std::uint32_t at = 0; at < kSize; ++at) {
      if (held[at] == id) expected = at;
    }
    ASSERT_EQ(find(1), expected) << "seed " << kSeed << ", step " << i;
    if (held[handle] != HeldIds::kNone) {
      table.Remove(handle);
      held[handle] = HeldIds::kNone;
    } else if (expected == HeldIds::kNone) {
      table.Add(handle, 1, IdOf(id));
      held[handle] = id;
    }
  }
}

TEST(HeldIds, HasRoomForNothing) {
  HeldIds table(0);
  EXPECT_EQ(table.Find(0, "1-1", [](std::uint32_t) { return true; }), HeldIds::kNone);
}

}  // namespace
}  // namespace sideloop::lease
