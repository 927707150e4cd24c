// A job carries a caller's closure from thread to thread. A failure here means that posts leak what
// they captured, destroy it twice, or allocate where the fast path promises not to.
#include "base/job.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>

namespace sideloop {
namespace {

struct Counts {
  int alive = 0;
  int destroyed_live = 0;  // destructions of an instance that still held the payload
  int runs = 0;
  const void* ran_at = nullptr;
};

// A closure of `Padding` bytes more than it needs. Only the instance that holds the payload counts
// as live: what was moved from is a shell.
template <std::size_t Padding, bool NothrowMove = true>
class Closure {
 public:
  explicit Closure(Counts& counts) : counts_(&counts) { ++counts_->alive; }
  Closure(Closure&& other) noexcept(NothrowMove)
      : counts_(other.counts_), live_(std::exchange(other.live_, false)) {
    ++counts_->alive;
  }
  Closure& operator=(Closure&&) = delete;
  ~Closure() {
    --counts_->alive;
    if (live_) ++counts_->destroyed_live;
  }
  void operator()() {
    ++counts_->runs;
    counts_->ran_at = this;
  }

 private:
  Counts* counts_;
  bool live_ = true;
  std::array<char, Padding> padding_{};
};

using Small = Closure<1>;
using Large = Closure<Job::kInlineSize>;
using Reluctant = Closure<1, false>;

bool IsInside(const Job& job, const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto* begin = reinterpret_cast<const std::byte*>(&job);
  return at >= begin && at < begin + sizeof(Job);
}

template <typename Fn>
class JobOf : public testing::Test {};
using AllKinds = testing::Types<Small, Large, Reluctant>;
TYPED_TEST_SUITE(JobOf, AllKinds);

TYPED_TEST(JobOf, DestroysItsClosureOnceHoweverOftenItMoves) {
  Counts counts;
  {
    Job job{TypeParam(counts)};
    Job moved(std::move(job));
    Job assigned;
    assigned = std::move(moved);
    EXPECT_FALSE(job);    // NOLINT(bugprone-use-after-move): empty is what a moved job must be
    EXPECT_FALSE(moved);  // NOLINT(bugprone-use-after-move)
    ASSERT_TRUE(assigned);
    assigned();
    EXPECT_EQ(counts.alive, 1);
    EXPECT_EQ(counts.destroyed_live, 0);
  }
  EXPECT_EQ(counts.alive, 0);
  EXPECT_EQ(counts.destroyed_live, 1);
  EXPECT_EQ(counts.runs, 1);
}

TYPED_TEST(JobOf, ResetDestroysAtOnceAndOnlyOnce) {
  Counts counts;
  Job job{TypeParam(counts)};
  job.Reset();
  EXPECT_FALSE(job);
  EXPECT_EQ(counts.destroyed_live, 1);
  job.Reset();
  EXPECT_EQ(counts.alive, 0);
  EXPECT_EQ(counts.destroyed_live, 1);
  EXPECT_EQ(counts.runs, 0);
}

TYPED_TEST(JobOf, AssignmentDestroysWhatWasHeldBefore) {
  Counts first;
  Counts second;
  Job job{TypeParam(first)};
  job = Job{TypeParam(second)};
  EXPECT_EQ(first.alive, 0);
  EXPECT_EQ(first.destroyed_live, 1);
  EXPECT_EQ(second.alive, 1);
  job();
  EXPECT_EQ(second.runs, 1);
}

TYPED_TEST(JobOf, AssignmentToItselfKeepsTheClosure) {
  Counts counts;
  Job job{TypeParam(counts)};
  Job& same = job;
  job = std::move(same);
  ASSERT_TRUE(job);
  job();
  EXPECT_EQ(counts.runs, 1);
  EXPECT_EQ(counts.destroyed_live, 0);
}

TEST(Job, KeepsSmallClosuresInsideItself) {
  static_assert(sizeof(Small) <= Job::kInlineSize);
  Counts counts;
  Job job{Small(counts)};
  job();
  EXPECT_TRUE(IsInside(job, counts.ran_at));
}

TEST(Job, KeepsLargeClosuresOnTheHeap) {
  static_assert(sizeof(Large) > Job::kInlineSize);
  Counts counts;
  Job job{Large(counts)};
  job();
  EXPECT_FALSE(IsInside(job, counts.ran_at));
}

TEST(Job, KeepsClosuresWhoseMoveMayThrowOnTheHeap) {
  Counts counts;
  Job job{Reluctant(counts)};
  job();
  EXPECT_FALSE(IsInside(job, counts.ran_at));
}

TEST(Job, TakesClosuresThatCanOnlyBeMoved) {
  int result = 0;
  Job job{[value = std::make_unique<int>(7), &result] { result = *value; }};
  Job moved(std::move(job));
  moved();
  EXPECT_EQ(result, 7);
}

TEST(Job, AnEmptyOneSaysSo) {
  Job job;
  EXPECT_FALSE(job);
  Job moved(std::move(job));
  EXPECT_FALSE(moved);
}

}  // namespace
}  // namespace sideloop
