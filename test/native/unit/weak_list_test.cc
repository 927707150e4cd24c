// The books of what others own: of an environment's attachments, of the process's handles. A
// failure here means that a program with many of them takes the longer over each, or that the books
// grow for ever.
#include "base/weak_list.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cross/registry.h"

namespace sideloop::test {
namespace {

constexpr std::size_t kMany = 100'000;

TEST(WeakList, LooksAtFewThingsForEachThatIsAdded) {
  WeakList<int> list;
  std::vector<std::shared_ptr<int>> owners;
  for (std::size_t i = 0; i < kMany; ++i) list.Add(owners.emplace_back(std::make_shared<int>(0)));
  EXPECT_LE(list.looked_at(), 2 * kMany);
  EXPECT_EQ(list.Take().size(), kMany);
  EXPECT_EQ(list.size(), 0U);
}

TEST(WeakList, HoldsLittleOfWhatIsGone) {
  WeakList<int> list;
  const auto kept = std::make_shared<int>(0);
  list.Add(kept);
  for (std::size_t i = 0; i < kMany; ++i) {
    list.Add(std::make_shared<int>(0));
    ASSERT_LE(list.size(), 2 * 1 + WeakList<int>::kSmall);
  }
  EXPECT_LE(list.looked_at(), 2 * kMany);
  const auto living = list.Take();
  ASSERT_EQ(living.size(), 1U);
  EXPECT_EQ(living[0], kept);
}

TEST(WeakList, KeepsTheOrder) {
  WeakList<int> list;
  std::vector<std::shared_ptr<int>> owners;
  for (int i = 0; i < 100; ++i) {
    list.Add(owners.emplace_back(std::make_shared<int>(i)));
    list.Add(std::make_shared<int>(-1));
  }
  const auto living = list.Take();
  EXPECT_EQ(living, owners);
}

TEST(Registry, LooksAtFewThingsForEachThatIsAdded) {
  Registry<int> registry;
  std::vector<std::shared_ptr<int>> owners;
  for (std::size_t i = 0; i < kMany; ++i) {
    registry.Add(std::to_string(i), owners.emplace_back(std::make_shared<int>(0)));
  }
  EXPECT_LE(registry.looked_at(), 2 * kMany);
  EXPECT_EQ(registry.Find("77777"), owners[77'777]);
}

TEST(Registry, HoldsLittleOfWhatIsGone) {
  Registry<int> registry;
  const auto kept = std::make_shared<int>(0);
  registry.Add("kept", kept);
  for (std::size_t i = 0; i < kMany; ++i) {
    registry.Add(std::to_string(i), std::make_shared<int>(0));
    ASSERT_LE(registry.size(), 100U);
  }
  EXPECT_EQ(registry.Find("kept"), kept);
  EXPECT_EQ(registry.Find("5"), nullptr);
}

}  // namespace
}  // namespace sideloop::test
