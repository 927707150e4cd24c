// The time that a loop says it slept. A failure here means a figure that counts work as sleep, or
// sleep as work: whoever watches the loop by it is misled.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/nanoseconds.h"
#include "cross/event_loop.h"
#include "loop/timer.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

#ifdef __linux__
#include <time.h>
#endif

namespace sideloop::test {
namespace {

#ifdef __linux__
std::uint64_t ThreadCpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

struct Moment {
  std::uint64_t at = 0;
  std::uint64_t idle = 0;
  std::uint64_t cpu = 0;
};

Moment Look(EventLoop& event_loop) {
  Moment moment;
  RunOn(event_loop, [&] { moment = {Loop::Now(), event_loop.idle_time(), ThreadCpuTime()}; });
  return moment;
}

// The kernel's count of the thread's CPU time is the judge: a thread that computes is not idle,
// whether it computes in a job or in a callback of I/O's.
TEST(IdleTime, IsNoneOfWhatCallbacksAndJobsTake) {
  const auto event_loop = StartLoop();
  const Moment before = Look(*event_loop);
  std::vector<std::unique_ptr<Timer>> timers;
  Event all;
  RunOn(*event_loop, [&] {
    for (int i = 0; i < 20; ++i) {
      timers.push_back(std::make_unique<Timer>(event_loop->loop(), [&, i] {
        SpinFor(10 * kNsPerMs);
        if (i == 19) all.Set();
      }));
      timers.back()->Start(static_cast<std::uint64_t>(i) * 12);
    }
  });
  ASSERT_TRUE(all.Wait());
  RunOn(*event_loop, [&] {
    SpinFor(50 * kNsPerMs);
    timers.clear();
  });
  const Moment after = Look(*event_loop);
  EXPECT_TRUE(event_loop->Stop());
  const std::uint64_t uptime = after.at - before.at;
  const std::uint64_t idle = after.idle - before.idle;
  const std::uint64_t cpu = after.cpu - before.cpu;
  EXPECT_GT(cpu, 20 * kNsPerMs);
  // What going to sleep and waking up cost is the kernel's, and counts as idle.
  EXPECT_LE(idle + cpu, uptime + uptime / 50);
}

TEST(IdleTime, CountsTheSleepUnderWay) {
  const auto event_loop = StartLoop();
  // What was posted before the thread ran has been run, and its wake-up heard.
  while (event_loop->stats().wakeups < 2) RunOn(*event_loop, [] {});
  // Asked by another thread while the loop sleeps, and nobody wakes it.
  const std::uint64_t first = event_loop->idle_time();
  const std::uint64_t until = first + 30 * kNsPerMs;
  const std::uint64_t wakeups = event_loop->stats().wakeups;
  while (event_loop->idle_time() < until) std::this_thread::yield();
  EXPECT_EQ(event_loop->stats().wakeups, wakeups);
  EXPECT_TRUE(event_loop->Stop());
  const std::uint64_t last = event_loop->idle_time();
  EXPECT_GE(last, until);
  EXPECT_LE(last, event_loop->stats().ended_at - event_loop->stats().started_at);
}
#endif

}  // namespace
}  // namespace sideloop::test
