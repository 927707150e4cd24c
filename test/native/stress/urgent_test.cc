// What has a deadline goes before bulk: between jobs, between callbacks, between writes. A failure
// here means leases that are renewed late because somebody else on the loop is busy. No test looks
// at how long anything took: they count what ran between a moment and its deadline's callback.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "cross/event_loop.h"
#include "stress/event.h"
#include "stress/loop_thread.h"
#include "timers/deadline_timer.h"

namespace sideloop::test {
namespace {

using timers::DeadlineTimer;

constexpr std::uint64_t kMs = 1'000'000;

// Counts what begins after a moment and before the deadline set for that moment.
class Overtaken {
 public:
  explicit Overtaken(std::uint64_t due) : due_(due) {}
  void Began() {
    if (!over_ && Loop::Now() > due_) ++count_;
  }
  void Over() { over_ = true; }
  bool over() const { return over_; }
  int count() const { return count_; }

 private:
  const std::uint64_t due_;
  bool over_ = false;
  int count_ = 0;
};

class Urgent : public testing::TestWithParam<DeadlineTimer::Precision> {
 protected:
  void TearDown() override { EXPECT_TRUE(event_loop_->Stop()); }
  Loop& loop() { return event_loop_->loop(); }

  // In `ms`, tells `overtaken` that it is over.
  void Set(Overtaken& overtaken, std::uint64_t due) {
    timer_ = std::make_unique<DeadlineTimer>(
        loop(),
        [this, &overtaken] {
          overtaken.Over();
          timer_.reset();
        },
        GetParam());
    timer_->StartAt(due);
  }

  std::unique_ptr<EventLoop> event_loop_ = StartLoop();
  std::unique_ptr<DeadlineTimer> timer_;
};

TEST_P(Urgent, ADeadlineGoesBeforeTheJobsThatWait) {
  std::unique_ptr<Overtaken> overtaken;
  Event all;
  // One job, so that all that follow wait already when the first of them runs.
  ASSERT_TRUE(event_loop_->Post([&] {
    const std::uint64_t due = Loop::Now() + 20 * kMs;
    overtaken = std::make_unique<Overtaken>(due);
    Set(*overtaken, due);
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(event_loop_->Post([&, i] {
        overtaken->Began();
        SpinFor(kMs);
        if (i == 99) all.Set();
      }));
    }
  }));
  ASSERT_TRUE(all.Wait());
  EXPECT_TRUE(overtaken->over());
  EXPECT_LE(overtaken->count(), Loop::kJobsPerLook);
}

TEST_P(Urgent, ADeadlineGoesBeforeCallbacksOfTheSamePass) {
  std::unique_ptr<Overtaken> overtaken;
  std::vector<std::unique_ptr<Timer>> bulk;
  Event all;
  RunOn(*event_loop_, [&] {
    const std::uint64_t due = Loop::Now() + 20 * kMs;
    overtaken = std::make_unique<Overtaken>(due);
    Set(*overtaken, due);
    // libuv runs all timers that are due in a row.
    for (int i = 0; i < 100; ++i) {
      bulk.push_back(std::make_unique<Timer>(loop(), [&, i] {
        overtaken->Began();
        SpinFor(kMs);
        if (i == 99) all.Set();
      }));
      bulk.back()->Start(1);
    }
  });
  ASSERT_TRUE(all.Wait());
  EXPECT_TRUE(overtaken->over());
  EXPECT_LE(overtaken->count(), 1);
  RunOn(*event_loop_, [&] { bulk.clear(); });
}

// Writes for a while at each flush, and has always more to write.
class Bulk final : public Resource {
 public:
  Bulk(Loop& loop, std::uint64_t each_ns) : loop_(loop), each_ns_(each_ns) {
    EXPECT_TRUE(loop_.TryAdd(*this));
  }
  // What is told of each flush.
  Job on_flush;
  int flushes = 0;
  bool ending = false;

  void End() {
    ending = true;
    loop_.Remove(*this);
  }

 private:
  bool Busy() override { return false; }
  void CloseBecause(const Error&) override {}
  void Flush() override {
    ++flushes;
    if (on_flush) on_flush();
    SpinFor(each_ns_);
    if (!ending) loop_.FlushAfterPoll(*this);
  }

  Loop& loop_;
  const std::uint64_t each_ns_;
};

TEST_P(Urgent, ADeadlineGoesBeforeWhatManyHaveToWrite) {
  std::unique_ptr<Overtaken> overtaken;
  std::vector<std::unique_ptr<Bulk>> bulk;
  Event over;
  RunOn(*event_loop_, [&] {
    const std::uint64_t due = Loop::Now() + 20 * kMs;
    overtaken = std::make_unique<Overtaken>(due);
    Set(*overtaken, due);
    for (int i = 0; i < 100; ++i) {
      bulk.push_back(std::make_unique<Bulk>(loop(), kMs));
      bulk.back()->on_flush = [&] {
        overtaken->Began();
        if (overtaken->over()) over.Set();
      };
      loop().FlushLater(*bulk.back());
    }
  });
  ASSERT_TRUE(over.Wait());
  EXPECT_LE(overtaken->count(), 1);
  RunOn(*event_loop_, [&] {
    for (const auto& one : bulk) one->End();
  });
}

TEST_P(Urgent, WhatADeadlineWritesGoesOutBeforeTheNextJob) {
  std::unique_ptr<Bulk> urgent;
  std::unique_ptr<DeadlineTimer> timer;
  bool asked = false;
  int jobs_between = 0;
  Event all;
  ASSERT_TRUE(event_loop_->Post([&] {
    urgent = std::make_unique<Bulk>(loop(), 0);
    // It waits for the end of the pass already: that must not keep it from going out now.
    loop().FlushLater(*urgent);
    timer = std::make_unique<DeadlineTimer>(
        loop(),
        [&] {
          asked = true;
          loop().FlushLater(*urgent);
          timer.reset();
        },
        GetParam());
    timer->StartAt(Loop::Now() + kMs / 10);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(event_loop_->Post([&, i] {
        if (asked && urgent->flushes == 0) ++jobs_between;
        SpinFor(kMs / 5);
        if (i == 19) all.Set();
      }));
    }
  }));
  ASSERT_TRUE(all.Wait());
  RunOn(*event_loop_, [&] { urgent->End(); });
  EXPECT_TRUE(asked);
  EXPECT_EQ(jobs_between, 0);
}

TEST_P(Urgent, DeadlinesMaySetThemselvesAnewAndTakeOthersBack) {
  constexpr int kTimers = 50;
  std::vector<std::unique_ptr<DeadlineTimer>> timers(kTimers);
  std::vector<int> fired(kTimers);
  Event all;
  RunOn(*event_loop_, [&] {
    const std::uint64_t due = Loop::Now() + 2 * kMs;
    for (int i = 0; i < kTimers; ++i) {
      timers[i] = std::make_unique<DeadlineTimer>(
          loop(),
          [&, i] {
            ++fired[i];
            // Each even one takes the next one back, and sets itself anew twice.
            if (i % 2 == 0) {
              timers[i + 1].reset();
              if (fired[i] < 3) timers[i]->StartAt(Loop::Now());
            }
          },
          GetParam());
      timers[i]->StartAt(due + static_cast<std::uint64_t>(i));
    }
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(event_loop_->Post([&, i] {
        SpinFor(kMs / 2);
        if (i == 19) all.Set();
      }));
    }
  });
  ASSERT_TRUE(all.Wait());
  RunOn(*event_loop_, [&] { timers.clear(); });
  for (int i = 0; i < kTimers; ++i) EXPECT_EQ(fired[i], i % 2 == 0 ? 3 : 0) << i;
}

INSTANTIATE_TEST_SUITE_P(Both, Urgent,
                         testing::Values(DeadlineTimer::Precision::kBest,
                                         DeadlineTimer::Precision::kMilliseconds),
                         [](const auto& info) {
                           return info.param == DeadlineTimer::Precision::kBest ? "Best"
                                                                                : "Milliseconds";
                         });

TEST_P(Urgent, LatenessIsCountedFromTheMomentThatWasSet) {
  std::uint64_t due = 0;
  std::uint64_t held_until = 0;
  std::uint64_t ran_at = 0;
  Event over;
  RunOn(*event_loop_, [&] {
    due = Loop::Now() + kMs;
    timer_ = std::make_unique<DeadlineTimer>(
        loop(),
        [&] {
          ran_at = Loop::Now();
          timer_.reset();
          over.Set();
        },
        GetParam());
    timer_->StartAt(due);
    SpinFor(20 * kMs);
    held_until = Loop::Now();
  });
  ASSERT_TRUE(over.Wait());
  const SharedHistogram& lateness = event_loop_->stats().lateness;
  EXPECT_EQ(lateness.count(), 1u);
  EXPECT_GE(lateness.max(), held_until - due);
  EXPECT_LE(lateness.max(), ran_at - due);
}

TEST(Pass, EndsAfterAMillisecondWhateverItsJobsCost) {
  const auto event_loop = StartLoop();
  Loop& loop = event_loop->loop();
  struct PerPass {
    std::uint64_t first_at = 0;
    int beyond = 0;  // jobs begun when the pass's time was over
  };
  std::map<std::uint64_t, PerPass> passes;
  Event all;
  // The first pass goes before the first look at I/O, and has no number of its own.
  while (event_loop->stats().iterations == 0) RunOn(*event_loop, [] {});
  ASSERT_TRUE(event_loop->Post([&] {
    for (int i = 0; i < 400; ++i) {
      ASSERT_TRUE(event_loop->Post([&, i] {
        const std::uint64_t now = Loop::Now();
        PerPass& pass = passes[loop.passes()];
        if (pass.first_at == 0) pass.first_at = now;
        if (now > pass.first_at + Loop::kPassNs) ++pass.beyond;
        // Every fifth is heavy: those between two looks at the clock are light and heavy ones.
        SpinFor(i % 5 == 0 ? kMs : 1'000);
        if (i == 399) all.Set();
      }));
    }
  }));
  ASSERT_TRUE(all.Wait());
  EXPECT_TRUE(event_loop->Stop());
  EXPECT_GT(passes.size(), 20u);
  for (const auto& [number, pass] : passes) {
    EXPECT_LE(pass.beyond, Loop::kJobsPerLook) << "in pass " << number;
  }
}

TEST(FlushAfterPoll, LetsJobsAndTimersHaveTheirTurnInBetween) {
  const auto event_loop = StartLoop();
  Loop& loop = event_loop->loop();
  std::unique_ptr<Bulk> bulk;
  std::unique_ptr<Timer> timer;
  Event fired;
  std::vector<std::uint64_t> flushed_in;
  RunOn(*event_loop, [&] {
    bulk = std::make_unique<Bulk>(loop, 1'000);
    bulk->on_flush = [&] { flushed_in.push_back(loop.passes()); };
    loop.FlushLater(*bulk);
    timer = std::make_unique<Timer>(loop, [&] { fired.Set(); });
    timer->Start(2);
  });
  EXPECT_TRUE(fired.Wait());
  for (int i = 0; i < 100; ++i) RunOn(*event_loop, [] {});
  RunOn(*event_loop, [&] {
    bulk->End();
    timer.reset();
  });
  EXPECT_TRUE(event_loop->Stop());
  ASSERT_GT(flushed_in.size(), 10u);
  for (std::size_t i = 1; i < flushed_in.size(); ++i) {
    EXPECT_GT(flushed_in[i], flushed_in[i - 1]) << "no poll between two flushes";
  }
}

TEST(FlushAfterPoll, OfWhatIsRemovedMeanwhileDoesNotCome) {
  const auto event_loop = StartLoop();
  std::unique_ptr<Bulk> bulk;
  RunOn(*event_loop, [&] {
    bulk = std::make_unique<Bulk>(event_loop->loop(), 0);
    event_loop->loop().FlushAfterPoll(*bulk);
    bulk->End();
    bulk.reset();
  });
  RunOn(*event_loop, [] {});
  EXPECT_TRUE(event_loop->Stop());
}

}  // namespace
}  // namespace sideloop::test
