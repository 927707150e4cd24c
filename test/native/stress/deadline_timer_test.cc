// The timer of a deadline, in both of its precisions. A failure here means deadlines that come
// early, although they were taken back, or not at all.
#include "timers/deadline_timer.h"

#include <gtest/gtest.h>

#include <memory>

#include "cross/event_loop.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

using timers::DeadlineTimer;
using Precision = DeadlineTimer::Precision;

constexpr std::uint64_t kMs = 1'000'000;

class DeadlineTimers : public testing::TestWithParam<Precision> {
 protected:
  void TearDown() override { EXPECT_TRUE(event_loop_->Stop()); }
  Loop& loop() { return event_loop_->loop(); }
  std::unique_ptr<DeadlineTimer> Make(Job callback) {
    return std::make_unique<DeadlineTimer>(loop(), std::move(callback), GetParam());
  }

  std::unique_ptr<EventLoop> event_loop_ = StartLoop();
};

TEST_P(DeadlineTimers, AreNeverEarly) {
  Event over;
  int left = 200;
  std::uint64_t due = 0;
  std::unique_ptr<DeadlineTimer> timer;
  const auto set = [&] {
    due = Loop::Now() + static_cast<std::uint64_t>(left % 7) * 300'000;
    timer->StartAt(due);
  };
  RunOn(*event_loop_, [&] {
    timer = Make([&] {
      EXPECT_GE(Loop::Now(), due);
      if (--left > 0) return set();
      timer.reset();
      over.Set();
    });
    set();
  });
  ASSERT_TRUE(over.Wait());
}

TEST_P(DeadlineTimers, ThatAreStoppedOrSetAnewForgetTheirFirstDeadline) {
  Event over;
  int stopped_fired = 0;
  int moved_fired = 0;
  std::unique_ptr<DeadlineTimer> stopped;
  std::unique_ptr<DeadlineTimer> moved;
  std::unique_ptr<DeadlineTimer> last;
  RunOn(*event_loop_, [&] {
    stopped = Make([&] { ++stopped_fired; });
    moved = Make([&] { ++moved_fired; });
    last = Make([&] { over.Set(); });
    const std::uint64_t now = Loop::Now();
    // Due in this very pass: the kernel may have reported them when they are taken back.
    stopped->StartAt(now);
    moved->StartAt(now);
    while (Loop::Now() < now + 2 * kMs) {
    }
    stopped->Stop();
    moved->StartAt(now + 10 * kMs);
    last->StartAt(now + 30 * kMs);
  });
  ASSERT_TRUE(over.Wait());
  RunOn(*event_loop_, [&] {
    stopped.reset();
    moved.reset();
    last.reset();
  });
  EXPECT_EQ(stopped_fired, 0);
  EXPECT_EQ(moved_fired, 1);
}

TEST_P(DeadlineTimers, AnIdleOneDoesNotWakeItsLoop) {
  Event fired;
  std::unique_ptr<DeadlineTimer> timer;
  RunOn(*event_loop_, [&] {
    timer = Make([&] { fired.Set(); });
    timer->StartAt(Loop::Now() + kMs);
  });
  ASSERT_TRUE(fired.Wait());
  RunOn(*event_loop_, [] {});
  const std::uint64_t iterations = event_loop_->stats().iterations;
  // Not a wait for something to happen, but for something not to.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_LE(event_loop_->stats().iterations, iterations + 1);
  RunOn(*event_loop_, [&] { timer.reset(); });
}

TEST_P(DeadlineTimers, MayBeDestroyedInTheirOwnCallback) {
  Event fired;
  std::unique_ptr<DeadlineTimer> timer;
  auto held = std::make_shared<int>(7);
  RunOn(*event_loop_, [&] {
    timer = Make([&timer, &fired, held] {
      timer.reset();
      // The closure must still be alive here.
      EXPECT_EQ(*held, 7);
      fired.Set();
    });
    timer->StartAt(0);
  });
  ASSERT_TRUE(fired.Wait());
}

INSTANTIATE_TEST_SUITE_P(Both, DeadlineTimers,
                         testing::Values(Precision::kBest, Precision::kMilliseconds),
                         [](const auto& info) {
                           return info.param == Precision::kBest ? "Best" : "Milliseconds";
                         });

}  // namespace
}  // namespace sideloop::test
