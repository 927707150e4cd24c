// The order among the four lanes. A failure here means that a job overtakes one of its own lane,
// that urgent work waits behind idle work, or that the low lane is starved beyond the stated bound.
#include "loop/lane_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>

namespace sideloop {
namespace {

// A LaneQueue whose jobs note which of them ran.
class NotedQueue {
 public:
  struct Ran {
    Lane lane;
    std::uint32_t number;  // within its lane
  };

  void Append(Lane lane, std::uint32_t count) {
    JobList jobs;
    for (std::uint32_t i = 0; i < count; ++i) {
      jobs.PushBack(
          [this, lane, number = appended_[Index(lane)]++] {
            last_ = {lane, number};
          },
          pool_);
    }
    queue_.Append(lane, jobs);
    EXPECT_TRUE(jobs.empty());
  }

  Ran RunNext() {
    queue_.RunNext();
    ++ran_[Index(last_.lane)];
    EXPECT_EQ(last_.number, ran_[Index(last_.lane)] - 1) << "a job overtook one of its own lane";
    return last_;
  }

  std::uint32_t waiting(Lane lane) const { return appended_[Index(lane)] - ran_[Index(lane)]; }
  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }

  static std::size_t Index(Lane lane) { return static_cast<std::size_t>(lane); }

 private:
  JobList::Pool pool_;
  LaneQueue queue_;
  std::array<std::uint32_t, kLanes> appended_{};
  std::array<std::uint32_t, kLanes> ran_{};
  Ran last_{};
};

constexpr std::array kAllLanes = {Lane::kCritical, Lane::kHigh, Lane::kNormal, Lane::kLow};

// How often the job at the front of each lane was overtaken since it came there.
class WaitMeter {
 public:
  void Ran(const NotedQueue& queue, Lane ran) {
    for (const Lane lane : kAllLanes) {
      std::uint32_t& wait = waits_[NotedQueue::Index(lane)];
      if (lane == ran || queue.waiting(lane) == 0) {
        wait = 0;
      } else {
        longest_ = std::max(longest_, ++wait);
      }
    }
  }
  std::uint32_t longest() const { return longest_; }

 private:
  std::array<std::uint32_t, kLanes> waits_{};
  std::uint32_t longest_ = 0;
};

TEST(LaneQueue, RunsALaneInItsOrderAcrossBlocksAndAppends) {
  NotedQueue queue;
  for (const std::uint32_t count : {1u, 100u, 1u, 0u, 5000u, 3u}) queue.Append(Lane::kHigh, count);
  EXPECT_EQ(queue.size(), 5105u);
  while (!queue.empty()) queue.RunNext();  // which checks the numbers
  EXPECT_EQ(queue.waiting(Lane::kHigh), 0u);
}

TEST(LaneQueue, AHigherLaneGoesFirst) {
  NotedQueue queue;
  for (const Lane lane : {Lane::kLow, Lane::kNormal, Lane::kHigh, Lane::kCritical}) {
    queue.Append(lane, 1);
  }
  for (const Lane lane : kAllLanes) EXPECT_EQ(queue.RunNext().lane, lane);
}

TEST(LaneQueue, SharesTheTurnsByCreditWhenAllLanesAreFull) {
  NotedQueue queue;
  for (const Lane lane : kAllLanes) queue.Append(lane, 10'000);
  std::array<std::uint32_t, kLanes> ran{};
  for (int i = 0; i < 85 * 20; ++i) ++ran[NotedQueue::Index(queue.RunNext().lane)];
  EXPECT_EQ(ran, (std::array<std::uint32_t, kLanes>{64 * 20, 16 * 20, 4 * 20, 1 * 20}));
}

TEST(LaneQueue, NoJobWaitsLongerThanTheBoundWhereverItComesIn) {
  // The victim lane runs alone until it has spent `alone` of its credit; then the other lanes are
  // never empty again, and its job comes in at every phase of their credits.
  std::uint32_t longest = 0;
  for (const Lane victim : kAllLanes) {
    for (const std::uint32_t alone : {0u, 1u, 4u, 16u, 64u}) {
      for (std::uint32_t phase = 0; phase <= LaneQueue::kWaitBound; ++phase) {
        NotedQueue queue;
        WaitMeter meter;
        if (alone > 0) queue.Append(victim, alone);
        for (std::uint32_t i = 0; i < alone; ++i) meter.Ran(queue, queue.RunNext().lane);
        for (std::uint32_t i = 0; i < phase + LaneQueue::kWaitBound + 1; ++i) {
          for (const Lane lane : kAllLanes) {
            if (lane != victim && queue.waiting(lane) == 0) queue.Append(lane, 7);
          }
          if (i == phase) queue.Append(victim, 1);
          meter.Ran(queue, queue.RunNext().lane);
        }
        ASSERT_EQ(queue.waiting(victim), 0u) << "alone " << alone << ", phase " << phase;
        longest = std::max(longest, meter.longest());
      }
    }
  }
  EXPECT_LE(longest, LaneQueue::kWaitBound);
  EXPECT_GE(longest, 2 * (64 + 16 + 4u)) << "the fill was not adversarial enough for the bound";
}

TEST(LaneQueue, NoJobWaitsLongerThanTheBoundUnderRandomLoad) {
  std::mt19937_64 random(8);
  NotedQueue queue;
  WaitMeter meter;
  for (int step = 0; step < 200'000; ++step) {
    // Bursts for one lane, by turns: each lane is empty, full, and anything between.
    if (random() % 8 == 0) {
      const Lane lane = kAllLanes[random() % kLanes];
      queue.Append(lane, static_cast<std::uint32_t>(random() % 40));
    }
    if (!queue.empty()) meter.Ran(queue, queue.RunNext().lane);
  }
  EXPECT_LE(meter.longest(), LaneQueue::kWaitBound);
  while (!queue.empty()) queue.RunNext();
  for (const Lane lane : kAllLanes) EXPECT_EQ(queue.waiting(lane), 0u);
}

TEST(LaneQueue, DestroysAJobAsSoonAsItRan) {
  LaneQueue queue;
  JobList::Pool pool;
  JobList jobs;
  auto held = std::make_shared<int>(0);
  for (int i = 0; i < 3; ++i) jobs.PushBack([held] { ++*held; }, pool);
  queue.Append(Lane::kLow, jobs);
  queue.RunNext();
  EXPECT_EQ(held.use_count(), 3);
  EXPECT_EQ(*held, 1);
}

TEST(LaneQueue, JobsLeftInItAreDestroyedWithIt) {
  auto held = std::make_shared<int>(0);
  {
    LaneQueue queue;
    JobList::Pool pool;
    JobList jobs;
    for (int i = 0; i < 3; ++i) jobs.PushBack([held] {}, pool);
    queue.Append(Lane::kLow, jobs);
    queue.RunNext();
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace sideloop
