// Stop means one thing from any thread: the door closes, what was accepted runs, resources get
// until the deadline, and then the thread ends. A failure here means work that is lost in silence,
// a caller that hangs, or a thread that outlives its loop.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "cross/event_loop.h"
#include "loop/resource.h"
#include "stress/event.h"
#include "stress/loop_thread.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using Clock = std::chrono::steady_clock;

// A resource that is busy until it is told otherwise, and notes how it was closed.
class Work final : public Resource {
 public:
  bool Busy() override { return busy; }
  void CloseBecause(const Error& why) override {
    EXPECT_FALSE(closed_because) << "closed twice";
    closed_because = why;
  }

  bool busy = true;
  std::optional<Error> closed_because;
};

TEST(Stop, DrainsWhatWasAccepted) {
  const auto loop = StartLoop();
  std::uint32_t ran = 0;
  {
    Barrier barrier(*loop);
    for (int i = 0; i < 5000; ++i) {
      ASSERT_TRUE(loop->Post([&ran] { ++ran; }, static_cast<Lane>(i % kLanes)));
    }
  }
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(ran, 5000u);
}

TEST(Stop, ClosesTheDoorForJobsAsWell) {
  const auto loop = StartLoop();
  bool accepted = true;
  bool second_ran = false;
  Barrier barrier(*loop);
  ASSERT_TRUE(loop->Post([&] { accepted = loop->Post([&second_ran] { second_ran = true; }); }));
  ASSERT_TRUE(loop->StopThen(5000, [] {}));
  EXPECT_FALSE(loop->Accepts());
  barrier.Open();
  EXPECT_TRUE(loop->Stop());
  EXPECT_FALSE(accepted);
  EXPECT_FALSE(second_ran);
}

TEST(Stop, RacingPostEveryJobRunsOrIsRefusedAndDestroyedAtOnce) {
  constexpr int kRounds = 60;
  constexpr int kProducers = 3;
  struct Tally {
    std::atomic<std::uint32_t> ran = 0;
    std::atomic<std::uint32_t> alive = 0;
    std::atomic<std::uint32_t> destroyed_elsewhere = 0;
  };
  // Knows where it was destroyed, and whether it had run.
  class Probe {
   public:
    explicit Probe(Tally& tally) : tally_(&tally), home_(std::this_thread::get_id()) {
      ++tally_->alive;
    }
    Probe(Probe&& other) noexcept
        : tally_(std::exchange(other.tally_, nullptr)), home_(other.home_), ran_(other.ran_) {}
    Probe& operator=(Probe&&) = delete;
    ~Probe() {
      if (tally_ == nullptr) return;
      if (!ran_ && std::this_thread::get_id() != home_) ++tally_->destroyed_elsewhere;
      --tally_->alive;
    }
    void operator()() {
      EXPECT_FALSE(ran_) << "a job ran twice";
      ran_ = true;
      ++tally_->ran;
    }

   private:
    Tally* tally_;
    std::thread::id home_;
    bool ran_ = false;
  };

  std::mt19937_64 random = RandomOf(100);
  for (int round = 0; round < kRounds; ++round) {
    const auto loop = StartLoop();
    Tally tally;
    std::atomic<std::uint32_t> accepted = 0;
    std::vector<std::thread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p] {
        while (loop->Post(Probe(tally), static_cast<Lane>(p))) ++accepted;
      });
    }
    const std::uint64_t enough = random() % 2000;
    while (loop->counts().accepted < enough) std::this_thread::yield();
    // Half of the rounds Stop, half Destroy: accepted jobs run either way.
    if (round % 2 == 0) {
      EXPECT_TRUE(loop->Stop());
    } else {
      loop->Destroy();
    }
    for (std::thread& producer : producers) producer.join();
    ASSERT_EQ(tally.ran, accepted);
    ASSERT_EQ(loop->counts().accepted, accepted);
    ASSERT_EQ(loop->counts().rejected, static_cast<std::uint64_t>(kProducers));
    ASSERT_EQ(tally.alive, 0u);
    ASSERT_EQ(tally.destroyed_elsewhere, 0u) << "a refused job died on another thread";
  }
}

TEST(Stop, MayBeCalledAgainAndAgain) {
  const auto loop = StartLoop();
  EXPECT_TRUE(loop->Stop());
  EXPECT_TRUE(loop->Stop());
  EXPECT_TRUE(loop->Stop(0));
  EXPECT_FALSE(loop->Post([] {}));
  loop->Destroy();
  EXPECT_TRUE(loop->Stop());
}

TEST(Stop, FromSeveralThreadsAtOnceEndsForAllOfThem) {
  for (int round = 0; round < 30; ++round) {
    const auto loop = StartLoop();
    std::atomic<int> ran = 0;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(loop->Post([&ran] { ++ran; }));
    std::vector<std::thread> stoppers;
    for (int i = 0; i < 4; ++i) {
      stoppers.emplace_back([&] {
        EXPECT_TRUE(loop->Stop());
        EXPECT_EQ(ran, 100) << "Stop returned before what was accepted had run";
      });
    }
    for (std::thread& stopper : stoppers) stopper.join();
  }
}

TEST(Stop, FromTheLoopThreadDrainsAndDetaches) {
  const auto loop = StartLoop();
  ThreadEnd end;
  bool later_ran = false;
  {
    Barrier barrier(*loop);
    ASSERT_TRUE(loop->Post([&] {
      end.WatchThisThread();
      EXPECT_FALSE(loop->Stop()) << "it can't have ended under the one who asks";
      EXPECT_FALSE(loop->Post([] {}));
    }));
    ASSERT_TRUE(loop->Post([&] { later_ran = true; }));
  }
  ASSERT_TRUE(end.Wait());
  EXPECT_TRUE(later_ran);
  EXPECT_TRUE(loop->Stop()) << "it has ended, and says so";
}

TEST(Stop, StopThenRunsItsHookLastAndOnce) {
  const auto loop = StartLoop();
  Barrier barrier(*loop);
  int jobs = 0;
  int hooks = 0;
  auto held = std::make_shared<int>(0);
  for (int i = 0; i < 3000; ++i) ASSERT_TRUE(loop->Post([&jobs] { ++jobs; }, Lane::kLow));
  EXPECT_TRUE(loop->StopThen(5000, [&] {
    EXPECT_TRUE(loop->OnLoopThread());
    EXPECT_EQ(jobs, 3000);
    ++hooks;
  }));
  EXPECT_FALSE(loop->StopThen(5000, [held] { ++*held; }));
  EXPECT_EQ(held.use_count(), 1) << "a hook that will not run was kept";
  barrier.Open();
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(hooks, 1);
  EXPECT_EQ(*held, 0);
}

TEST(Stop, WaitsForBusyResourcesAndNoLonger) {
  const auto loop = StartLoop();
  Work work;
  RunOn(*loop, [&] { ASSERT_TRUE(loop->loop().TryAdd(work)); });
  Barrier barrier(*loop);
  ASSERT_TRUE(loop->Post([&] { work.busy = false; }));
  std::thread opener([&] { barrier.Open(); });
  const auto began = Clock::now();
  EXPECT_TRUE(loop->Stop(60'000));
  EXPECT_LT(Clock::now() - began, kHang);
  opener.join();
  ASSERT_TRUE(work.closed_because) << "an idle resource is closed with its loop";
}

TEST(Stop, FailsWhatIsBusyAtTheDeadlineByName) {
  const auto loop = StartLoop();
  Work work;
  RunOn(*loop, [&] { ASSERT_TRUE(loop->loop().TryAdd(work)); });
  const auto began = Clock::now();
  EXPECT_TRUE(loop->Stop(100));
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(100));
  ASSERT_TRUE(work.closed_because);
  EXPECT_EQ(work.closed_because->code, ErrorCode::kStopped);
}

// Somebody waits for `loop` to stop in its own good time, and has begun to.
class PatientStop {
 public:
  explicit PatientStop(EventLoop& loop)
      : thread_([&loop] { EXPECT_TRUE(loop.Stop(600'000)) << "the loop never ended"; }) {
    while (loop.Accepts()) std::this_thread::yield();
  }
  ~PatientStop() { thread_.join(); }

 private:
  std::thread thread_;
};

TEST(Stop, ANearerDeadlineCountsALaterOneDoesNot) {
  const auto loop = StartLoop();
  Work work;
  RunOn(*loop, [&] { ASSERT_TRUE(loop->loop().TryAdd(work)); });
  PatientStop patient(*loop);
  const PatientStop later(*loop);
  EXPECT_TRUE(loop->Stop(100));
  ASSERT_TRUE(work.closed_because);
  EXPECT_EQ(work.closed_because->code, ErrorCode::kStopped);
}

TEST(Stop, DestroyCutsItShort) {
  const auto loop = StartLoop();
  Work work;
  RunOn(*loop, [&] { ASSERT_TRUE(loop->loop().TryAdd(work)); });
  PatientStop patient(*loop);
  loop->Destroy();
  ASSERT_TRUE(work.closed_because);
  EXPECT_EQ(work.closed_because->code, ErrorCode::kDestroyed);
}

TEST(Stop, AResourceThatComesTooLateIsRefusedWithTheReason) {
  const auto loop = StartLoop();
  class Late final : public Resource {
   public:
    explicit Late(Loop& loop) : loop_(loop) {}
    bool Busy() override { return false; }
    void CloseBecause(const Error&) override {
      refused = !loop_.TryAdd(second);
      reason = loop_.close_reason();
    }
    Loop& loop_;
    Work second;
    bool refused = false;
    Error reason;
  } late(loop->loop());
  RunOn(*loop, [&] { ASSERT_TRUE(loop->loop().TryAdd(late)); });
  EXPECT_TRUE(loop->Stop());
  EXPECT_TRUE(late.refused);
  EXPECT_EQ(late.reason.code, ErrorCode::kStopped);
  EXPECT_FALSE(late.second.closed_because);
}

TEST(Stop, GivesUpOnAJobThatHoldsTheThreadBeyondDeadlineAndGrace) {
  const auto loop = StartLoop();
  ThreadEnd end;
  RunOn(*loop, [&] { end.WatchThisThread(); });
  Barrier barrier(*loop);
  const auto began = Clock::now();
  EXPECT_FALSE(loop->Stop(50));
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(50 + EventLoop::kGraceMs));
  barrier.Open();
  ASSERT_TRUE(end.Wait()) << "the detached thread must end by itself";
  EXPECT_TRUE(loop->Stop());
}

TEST(Stop, RightAfterTheStartLosesNothing) {
  for (int round = 0; round < 100; ++round) {
    const auto loop = StartLoop();
    bool ran = false;
    ASSERT_TRUE(loop->Post([&ran] { ran = true; }));
    ASSERT_TRUE(loop->Stop());
    ASSERT_TRUE(ran);
  }
}

}  // namespace
}  // namespace sideloop::test
