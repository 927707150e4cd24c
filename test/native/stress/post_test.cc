// Post from many threads: every accepted job runs exactly once, in order within its lane, and no
// lane, timer or socket is starved by the others. A failure here means lost, doubled or reordered
// work, or a loop that is deaf while it is busy.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cross/event_loop.h"
#include "loop/timer.h"
#include "stress/event.h"
#include "stress/loop_thread.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

TEST(Post, EveryProducersJobsRunOnceAndInOrderWithinEachLane) {
  constexpr std::size_t kProducers = 4;
  constexpr std::uint32_t kEach = 10'000;
  const auto loop = StartLoop();
  // Touched on the loop thread only, read when it has ended.
  std::array<std::array<std::uint32_t, kLanes>, kProducers> seen{};
  std::uint32_t out_of_order = 0;

  std::array<std::array<std::uint32_t, kLanes>, kProducers> posted{};
  std::vector<std::thread> producers;
  for (std::size_t p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      std::mt19937_64 random = RandomOf(p);
      for (std::uint32_t i = 0; i < kEach; ++i) {
        const std::size_t lane = random() % kLanes;
        const std::uint32_t number = posted[p][lane]++;
        const auto job = [&seen, &out_of_order, p, lane, number] {
          if (seen[p][lane]++ != number) ++out_of_order;
        };
        // Now and then one that does not fit into a job's own memory.
        const bool accepted = random() % 64 == 0
                                  ? loop->Post([job, ballast = std::array<char, 100>{}] { job(); },
                                               static_cast<Lane>(lane))
                                  : loop->Post(job, static_cast<Lane>(lane));
        ASSERT_TRUE(accepted);
        if (random() % 512 == 0) std::this_thread::yield();
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(seen, posted);
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(loop->counts().accepted, kProducers * kEach);
  EXPECT_EQ(loop->counts().rejected, 0u);
  EXPECT_EQ(loop->counts().waiting, 0u);
  EXPECT_EQ(loop->stats().jobs_run, kProducers * kEach);
}

TEST(Post, NeverRunsAJobInline) {
  const auto loop = StartLoop();
  RunOn(*loop, [&] {
    auto ran = std::make_shared<bool>(false);
    EXPECT_TRUE(loop->Post([ran] { *ran = true; }, Lane::kCritical));
    EXPECT_FALSE(*ran);
  });
  EXPECT_TRUE(loop->Stop());
}

TEST(Post, AFullMailboxRefusesExactlyWhatIsTooMuch) {
  constexpr std::size_t kCapacity = 100;
  const auto loop = StartLoop({.name = "full", .mailbox_capacity = kCapacity});
  Barrier barrier(*loop);  // taken out of the mailbox already
  std::uint32_t ran = 0;
  for (std::size_t i = 0; i < kCapacity; ++i) {
    ASSERT_TRUE(loop->Post([&ran] { ++ran; }, static_cast<Lane>(i % kLanes)));
  }
  EXPECT_EQ(loop->counts().waiting, kCapacity);
  auto held = std::make_shared<int>(0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(loop->Post([held] { ++*held; }, Lane::kCritical));
    EXPECT_EQ(held.use_count(), 1) << "a refused job outlived its Post";
  }
  EXPECT_EQ(loop->counts().rejected, 3u);
  barrier.Open();
  // Behind all of them, in the lowest lane's order.
  Event drained;
  while (!loop->Post([&drained] { drained.Set(); }, Lane::kLow)) std::this_thread::yield();
  ASSERT_TRUE(drained.Wait());
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(ran, kCapacity);
  EXPECT_EQ(*held, 0);
}

// Posts itself again and again until it is told to end.
class EndlessLoad {
 public:
  EndlessLoad(EventLoop& loop, Lane lane, int chains) : loop_(loop), lane_(lane) {
    for (int i = 0; i < chains; ++i) Again();
  }
  void End() { ending_ = true; }
  std::uint64_t ran() const { return ran_; }

 private:
  void Again() {
    const bool accepted = loop_.Post(
        [this] {
          ++ran_;
          if (!ending_) Again();
        },
        lane_);
    // A job that looked before End() may post after the Stop that follows it.
    EXPECT_TRUE(accepted || ending_);
  }

  EventLoop& loop_;
  const Lane lane_;
  std::atomic<std::uint64_t> ran_ = 0;
  std::atomic<bool> ending_ = false;
};

TEST(Post, ALowJobRunsWithinItsBoundUnderEndlessCriticalLoad) {
  const auto loop = StartLoop();
  EndlessLoad load(*loop, Lane::kCritical, 64);
  for (int round = 0; round < 20; ++round) {
    std::uint64_t waited = 0;
    Event ran;
    // Posted from the loop thread, so that the load is counted from the very moment.
    ASSERT_TRUE(loop->Post([&] {
      const std::uint64_t before = load.ran();
      EXPECT_TRUE(loop->Post(
          [&, before] {
            waited = load.ran() - before;
            ran.Set();
          },
          Lane::kLow));
    }));
    ASSERT_TRUE(ran.Wait()) << "the low lane was starved";
    // A pass looks into the mailbox once, and the lane's own bound counts from there.
    EXPECT_LE(waited, Loop::kJobsPerPass + LaneQueue::kWaitBound);
  }
  load.End();
  EXPECT_TRUE(loop->Stop());
}

TEST(Post, TimersFireWhilePostsNeverEnd) {
  const auto loop = StartLoop();
  EndlessLoad load(*loop, Lane::kCritical, 4);
  Event fired;
  std::unique_ptr<Timer> timer;
  RunOn(*loop, [&] {
    timer = std::make_unique<Timer>(loop->loop(), [&] {
      timer.reset();
      fired.Set();
    });
    timer->Start(1);
  });
  EXPECT_TRUE(fired.Wait());
  load.End();
  EXPECT_TRUE(loop->Stop());
}

TEST(Post, SocketsAreServedWhilePostsNeverEnd) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const auto loop = StartLoop();
  EndlessLoad load(*loop, Lane::kCritical, 4);
  struct Watch {
    uv_poll_t poll;
    Event readable;
    Event closed;
  } watch;
  RunOn(*loop, [&] {
    ASSERT_EQ(uv_poll_init(loop->loop().uv(), &watch.poll, ends[0]), 0);
    watch.poll.data = &watch;
    uv_poll_start(&watch.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      static_cast<Watch*>(poll->data)->readable.Set();
      uv_close(reinterpret_cast<uv_handle_t*>(poll),
               [](uv_handle_t* handle) { static_cast<Watch*>(handle->data)->closed.Set(); });
    });
  });
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  EXPECT_TRUE(watch.readable.Wait());
  EXPECT_TRUE(watch.closed.Wait());
  load.End();
  EXPECT_TRUE(loop->Stop());
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace sideloop::test
