// The blocks in which accepted jobs wait. A failure here means jobs that are lost, run twice or in
// another order, and blocks that leak (LeakSanitizer) or are allocated anew for ever.
#include "base/job_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace sideloop {
namespace {

// Pushes and pops numbered jobs, and checks that they come in order.
class Numbered {
 public:
  void Push(JobList& list, int count, JobList::Pool& pool) {
    for (int i = 0; i < count; ++i) {
      list.PushBack([this, number = pushed_++] { last_ = number; }, pool);
    }
  }
  void Pop(JobList& list, int count, JobList::Pool& pool) {
    for (int i = 0; i < count; ++i) {
      list.Front()();
      ASSERT_EQ(last_, popped_++);
      list.PopFront(pool);
    }
  }

 private:
  int pushed_ = 0;
  int popped_ = 0;
  int last_ = -1;
};

TEST(JobList, KeepsTheOrderThroughBlocksAndAppends) {
  std::mt19937_64 random(10);
  JobList::Pool producers;
  JobList::Pool consumers;
  JobList incoming;
  JobList list;
  Numbered numbered;
  std::size_t in_list = 0;
  for (int step = 0; step < 3000; ++step) {
    numbered.Push(incoming, static_cast<int>(random() % 300), producers);
    const std::size_t moved = incoming.size();
    list.Append(incoming);
    EXPECT_TRUE(incoming.empty());
    in_list += moved;
    ASSERT_EQ(list.size(), in_list);
    const std::size_t popped = random() % (in_list + 1);
    numbered.Pop(list, static_cast<int>(popped), consumers);
    in_list -= popped;
    producers.Absorb(consumers);
  }
  numbered.Pop(list, static_cast<int>(in_list), consumers);
  EXPECT_TRUE(list.empty());
}

TEST(JobList, WorksAtTheEdgesOfABlock) {
  for (const int count : {1, 126, 127, 128, 254, 255}) {
    JobList::Pool pool;
    JobList list;
    JobList other;
    Numbered numbered;
    numbered.Push(list, count, pool);
    numbered.Pop(list, count, pool);
    EXPECT_TRUE(list.empty());
    numbered.Push(list, count, pool);
    numbered.Push(other, count, pool);
    list.Append(other);
    numbered.Push(other, 1, pool);
    list.Append(other);
    numbered.Pop(list, 2 * count + 1, pool);
    EXPECT_TRUE(list.empty());
  }
}

TEST(JobList, AppendingAnEmptyListChangesNothing) {
  JobList::Pool pool;
  JobList list;
  JobList empty;
  list.Append(empty);
  EXPECT_TRUE(list.empty());
  Numbered numbered;
  numbered.Push(list, 3, pool);
  list.Append(empty);
  numbered.Push(list, 3, pool);
  numbered.Pop(list, 6, pool);
}

TEST(JobList, AJobStaysWhereItWasPut) {
  JobList::Pool pool;
  JobList list;
  list.PushBack([] {}, pool);
  const Job* const first = &list.Front();
  for (int i = 0; i < 1000; ++i) list.PushBack([] {}, pool);
  JobList other;
  other.Append(list);
  EXPECT_EQ(&other.Front(), first);
}

TEST(JobList, DestroysTheJobsLeftInIt) {
  auto held = std::make_shared<int>(0);
  {
    JobList::Pool pool;
    JobList list;
    for (int i = 0; i < 300; ++i) list.PushBack([held] { ++*held; }, pool);
    list.PopFront(pool);
    EXPECT_EQ(held.use_count(), 300);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0) << "a job that was only to be destroyed ran";
}

TEST(JobList, ReusesItsBlocksInASteadyState) {
  JobList::Pool pool;
  JobList list;
  list.PushBack([] {}, pool);
  const Job* const first = &list.Front();
  for (int i = 0; i < 10; ++i) {
    list.PopFront(pool);
    list.PushBack([] {}, pool);
    EXPECT_EQ(&list.Front(), first) << "the block that was given back is the one to use next";
  }
}

}  // namespace
}  // namespace sideloop
