// Timers on the loop thread. A failure here means deadlines that are early, out of order, or fire
// after they were stopped.
#include "loop/timer.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "cross/event_loop.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

class Timers : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(event_loop_->Stop()); }
  Loop& loop() { return event_loop_->loop(); }

  std::unique_ptr<EventLoop> event_loop_ = StartLoop();
};

TEST_F(Timers, FireInTheOrderOfTheirDeadlines) {
  const std::vector<std::uint64_t> delays = {30, 5, 20, 5, 1, 30, 10};
  std::vector<std::uint64_t> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  Event all;
  RunOn(*event_loop_, [&] {
    for (const std::uint64_t delay : delays) {
      timers.push_back(std::make_unique<Timer>(loop(), [&, delay] {
        fired.push_back(delay);
        if (fired.size() == delays.size()) all.Set();
      }));
    }
    for (std::size_t i = 0; i < delays.size(); ++i) timers[i]->Start(delays[i]);
  });
  ASSERT_TRUE(all.Wait());
  RunOn(*event_loop_, [&] { timers.clear(); });
  EXPECT_EQ(fired, (std::vector<std::uint64_t>{1, 5, 5, 10, 20, 30, 30}));
}

TEST_F(Timers, AreNeverEarlyEvenAfterALongJob) {
  Event fired;
  std::uint64_t started_at = 0;
  std::uint64_t fired_at = 0;
  std::unique_ptr<Timer> timer;
  RunOn(*event_loop_, [&] {
    // The loop's own notion of now grows old while a job holds it.
    const std::uint64_t until = Loop::Now() + 30'000'000;
    while (Loop::Now() < until) {
    }
    timer = std::make_unique<Timer>(loop(), [&] {
      fired_at = Loop::Now();
      timer.reset();
      fired.Set();
    });
    started_at = Loop::Now();
    timer->Start(20);
  });
  ASSERT_TRUE(fired.Wait());
  // libuv counts in whole milliseconds: up to one of them may have begun already.
  EXPECT_GE(fired_at - started_at, 19'000'000u);
}

TEST_F(Timers, StoppedOnesStaySilentAndStartedOnesBeginAnew) {
  Event over;
  int stopped_fired = 0;
  int restarted_fired = 0;
  std::unique_ptr<Timer> stopped;
  std::unique_ptr<Timer> restarted;
  std::unique_ptr<Timer> last;
  RunOn(*event_loop_, [&] {
    stopped = std::make_unique<Timer>(loop(), [&] { ++stopped_fired; });
    restarted = std::make_unique<Timer>(loop(), [&] { ++restarted_fired; });
    last = std::make_unique<Timer>(loop(), [&] { over.Set(); });
    EXPECT_FALSE(stopped->active());
    stopped->Start(1);
    EXPECT_TRUE(stopped->active());
    stopped->Stop();
    EXPECT_FALSE(stopped->active());
    restarted->Start(1);
    restarted->Start(10);
    last->Start(30);
  });
  ASSERT_TRUE(over.Wait());
  RunOn(*event_loop_, [&] {
    stopped.reset();
    restarted.reset();
    last.reset();
  });
  EXPECT_EQ(stopped_fired, 0);
  EXPECT_EQ(restarted_fired, 1);
}

TEST_F(Timers, MayBeDestroyedInTheirOwnCallback) {
  Event fired;
  std::unique_ptr<Timer> timer;
  auto held = std::make_shared<int>(7);
  RunOn(*event_loop_, [&] {
    timer = std::make_unique<Timer>(loop(), [&timer, &fired, held] {
      timer.reset();
      // The closure must still be alive here.
      EXPECT_EQ(*held, 7);
      fired.Set();
    });
    timer->Start(1);
  });
  ASSERT_TRUE(fired.Wait());
}

TEST_F(Timers, ADestroyedOneNeverFires) {
  Event over;
  bool fired = false;
  std::unique_ptr<Timer> last;
  RunOn(*event_loop_, [&] {
    Timer gone(loop(), [&] { fired = true; });
    gone.Start(1);
    last = std::make_unique<Timer>(loop(), [&] { over.Set(); });
    last->Start(10);
  });
  ASSERT_TRUE(over.Wait());
  RunOn(*event_loop_, [&] { last.reset(); });
  EXPECT_FALSE(fired);
}

TEST_F(Timers, OneMayRestartItselfFromItsCallback) {
  Event over;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  RunOn(*event_loop_, [&] {
    timer = std::make_unique<Timer>(loop(), [&] {
      if (++fired < 5) return timer->Start(1);
      timer.reset();
      over.Set();
    });
    timer->Start(0);
  });
  ASSERT_TRUE(over.Wait());
  EXPECT_EQ(fired, 5);
}

}  // namespace
}  // namespace sideloop::test
