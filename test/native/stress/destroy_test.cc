// Destroy from anywhere, callbacks of the very loop included. A failure here is a use after free, a
// thread that joins itself, or a uv_loop that is left behind: the sanitizers are half of each test.
#include <gtest/gtest.h>

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

TEST(Destroy, InsideAJobAcceptedJobsStillRun) {
  const auto loop = StartLoop();
  ThreadEnd end;
  int ran = 0;
  {
    Barrier barrier(*loop);
    ASSERT_TRUE(loop->Post([&] {
      end.WatchThisThread();
      loop->Destroy();
      EXPECT_FALSE(loop->Post([] {}));
    }));
    for (int i = 0; i < 2000; ++i) ASSERT_TRUE(loop->Post([&ran] { ++ran; }));
  }
  ASSERT_TRUE(end.Wait());
  EXPECT_EQ(ran, 2000);
}

TEST(Destroy, ALoopThatIsDeletedInsideItsOwnJobRunsWhatItAccepted) {
  for (int round = 0; round < 50; ++round) {
    auto loop = StartLoop();
    EventLoop& borrowed = *loop;
    ThreadEnd end;
    std::atomic<int> ran = 0;
    Event posted;
    ASSERT_TRUE(borrowed.Post([&, owned = std::move(loop)]() mutable {
      end.WatchThisThread();
      ASSERT_TRUE(posted.Wait());
      owned.reset();
    }));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(borrowed.Post([&ran] { ++ran; }));
    posted.Set();
    ASSERT_TRUE(end.Wait());
    ASSERT_EQ(ran, 100);
  }
}

TEST(Destroy, AJobThatHoldsTheLastShareLetsGoOfItSafely) {
  for (int round = 0; round < 50; ++round) {
    ThreadEnd end;
    std::shared_ptr<EventLoop> loop = StartLoop();
    ASSERT_TRUE(loop->Post([&end, share = loop] { end.WatchThisThread(); }));
    loop.reset();  // the job's share dies with the job, before, during or after this
    ASSERT_TRUE(end.Wait());
  }
}

TEST(Destroy, InsideATimersCallback) {
  const auto loop = StartLoop();
  ThreadEnd end;
  std::unique_ptr<Timer> timer;
  RunOn(*loop, [&] {
    end.WatchThisThread();
    timer = std::make_unique<Timer>(loop->loop(), [&] {
      loop->Destroy();
      timer.reset();
    });
    timer->Start(1);
  });
  ASSERT_TRUE(end.Wait());
}

TEST(Destroy, DeletingTheLoopInsideATimersCallback) {
  auto loop = StartLoop();
  Loop& uv_side = loop->loop();
  ThreadEnd end;
  std::unique_ptr<Timer> timer;
  RunOn(*loop, [&] {
    end.WatchThisThread();
    timer = std::make_unique<Timer>(uv_side, [&] {
      loop.reset();
      timer.reset();
    });
    timer->Start(1);
  });
  ASSERT_TRUE(end.Wait());
  EXPECT_EQ(loop, nullptr);
}

TEST(Destroy, FromTheEndedHookOfAStop) {
  auto loop = StartLoop();
  EventLoop& borrowed = *loop;
  ThreadEnd end;
  RunOn(*loop, [&] { end.WatchThisThread(); });
  ASSERT_TRUE(borrowed.StopThen(5000, [owned = std::move(loop)]() mutable { owned.reset(); }));
  ASSERT_TRUE(end.Wait());
}

TEST(Destroy, FromSeveralThreadsAtOnceAndFromTheLoop) {
  for (int round = 0; round < 30; ++round) {
    const auto loop = StartLoop();
    ThreadEnd end;
    RunOn(*loop, [&] { end.WatchThisThread(); });
    // Refused where the others were quicker.
    const bool from_inside = loop->Post([&] { loop->Destroy(); });
    (void)from_inside;
    std::vector<std::thread> others;
    for (int i = 0; i < 3; ++i) {
      others.emplace_back([&, i] { i == 0 ? (void)loop->Stop() : loop->Destroy(); });
    }
    for (std::thread& other : others) other.join();
    ASSERT_TRUE(end.Wait());
  }
}

TEST(Destroy, ALoopThatDidNothingEndsCleanly) {
  for (int round = 0; round < 100; ++round) ASSERT_NE(StartLoop(), nullptr);
}

TEST(Destroy, ARefusedJobMayPostWhileItIsDestroyed) {
  // The mailbox's lock is not held then, or this would be a deadlock.
  const auto loop = StartLoop();
  EXPECT_TRUE(loop->Stop());
  struct PostsWhenDestroyed {
    explicit PostsWhenDestroyed(EventLoop& l) : loop(&l) {}
    PostsWhenDestroyed(PostsWhenDestroyed&& other) noexcept
        : loop(std::exchange(other.loop, nullptr)) {}
    ~PostsWhenDestroyed() {
      if (loop == nullptr) return;
      EXPECT_FALSE(loop->Post([] {}));
    }
    void operator()() {}
    EventLoop* loop;
  };
  EXPECT_FALSE(loop->Post(PostsWhenDestroyed(*loop)));
  EXPECT_EQ(loop->counts().rejected, 2u);
}

// What ends inside its own callback is handed to ReleaseLater, and may do the same with its parts.
TEST(ReleaseLater, WhatIsReleasedMayReleaseMore) {
  const auto loop = StartLoop();
  auto released = std::make_shared<int>(0);
  struct Nested {
    Nested(Loop& l, std::shared_ptr<int> c, int d) : loop(l), count(std::move(c)), depth(d) {}
    ~Nested() {
      ++*count;
      for (int i = 0; i < 2 && depth > 0; ++i) {
        loop.ReleaseLater(std::make_shared<Nested>(loop, count, depth - 1));
      }
    }
    Loop& loop;
    std::shared_ptr<int> count;
    int depth;
  };
  RunOn(*loop,
        [&] { loop->loop().ReleaseLater(std::make_shared<Nested>(loop->loop(), released, 6)); });
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(*released, 127);
  EXPECT_EQ(released.use_count(), 1);
}

TEST(ReleaseLater, ATimerAmongTheLastThingsReleasedIsClosedWithTheLoop) {
  const auto loop = StartLoop();
  class Owner final : public Resource {
   public:
    Owner(Loop& loop, std::shared_ptr<Timer> timer) : loop_(loop), timer_(std::move(timer)) {}
    bool Busy() override { return false; }
    void CloseBecause(const Error&) override { loop_.ReleaseLater(std::move(timer_)); }

   private:
    Loop& loop_;
    std::shared_ptr<Timer> timer_;
  };
  std::unique_ptr<Owner> owner;
  RunOn(*loop, [&] {
    owner = std::make_unique<Owner>(loop->loop(),
                                    std::make_shared<Timer>(loop->loop(), [] { FAIL(); }));
    ASSERT_TRUE(loop->loop().TryAdd(*owner));
  });
  EXPECT_TRUE(loop->Stop());
}

}  // namespace
}  // namespace sideloop::test
