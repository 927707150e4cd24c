// What a coroutine waits for, without a server, and how the wait ends: by itself, by a cancel, by
// the loop's end. A failure means a task that waits for ever, resumes twice, or is told the wrong
// reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "coro/post.h"
#include "coro/redis.h"
#include "coro/sleep.h"
#include "coro_runner.h"
#include "loop/timer.h"

namespace sideloop {
namespace {

using coro::AssertOnLoop;
using coro::CancelSource;
using coro::CancelToken;
using coro::Sleep;
using coro::Task;
using test::PostForValue;
using test::ValueOf;

constexpr std::uint64_t kForEver = 3'600'000;

Task<ErrorCode> SleepFor(std::uint64_t ms, CancelToken cancel) {
  AssertOnLoop();
  const Error error = co_await Sleep(ms, std::move(cancel));
  co_return error.code;
}

// A job that holds the loop's thread until timers of 1 ms, started in the same pass, are all due.
void SpinPastTimers() {
  for (const std::uint64_t until = Loop::Now() + 5'000'000; Loop::Now() < until;) {
  }
}

class CoroWait : public testing::Test {
 protected:
  // Returns when all that was posted before has run.
  void Settle() {
    test::RunOn(*loop_, [] {});
  }

  void Cancel(CancelSource source) {
    test::RunOn(*loop_, [&source] {
      AssertOnLoop();
      source.Cancel();
    });
  }

  std::unique_ptr<EventLoop> loop_ = test::StartLoop();
};

// ---- Sleep and cancel ----

TEST_F(CoroWait, SleepsForItsTime) {
  const auto nap = [](std::uint64_t ms) -> Task<std::uint64_t> {
    AssertOnLoop();
    const std::uint64_t began_at = Loop::Now();
    const Error error = co_await Sleep(ms);
    EXPECT_EQ(error.code, ErrorCode::kOk);
    co_return Loop::Now() - began_at;
  };
  // libuv's clock counts whole milliseconds: the first may have been under way.
  EXPECT_GE(ValueOf(*loop_, nap(20)), 19'000'000u);
}

TEST_F(CoroWait, DoesNotWaitWithATokenThatWasCancelledBefore) {
  CancelSource source;
  Cancel(source);
  EXPECT_EQ(ValueOf(*loop_, SleepFor(kForEver, source.token())), ErrorCode::kCancelled);
}

TEST_F(CoroWait, CancelWakesAllWhoWaitWithItsTokenAndNobodyElse) {
  CancelSource source;
  CancelSource other;
  std::vector<std::future<ErrorCode>> sleepers;
  for (int i = 0; i < 3; ++i) {
    sleepers.push_back(PostForValue(*loop_, SleepFor(kForEver, source.token())));
  }
  std::future<ErrorCode> bystander = PostForValue(*loop_, SleepFor(kForEver, other.token()));
  Settle();
  Cancel(source);
  Cancel(source);
  for (std::future<ErrorCode>& sleeper : sleepers) {
    EXPECT_EQ(sleeper.get(), ErrorCode::kCancelled);
  }
  loop_->Destroy();
  EXPECT_EQ(bystander.get(), ErrorCode::kDestroyed);
}

TEST_F(CoroWait, CancelReachesWhatAChildWaitsFor) {
  const auto parent = [](CancelToken cancel) -> Task<ErrorCode> {
    AssertOnLoop();
    co_return co_await SleepFor(kForEver, cancel);
  };
  CancelSource source;
  std::future<ErrorCode> code = PostForValue(*loop_, parent(source.token()));
  Settle();
  Cancel(source);
  EXPECT_EQ(code.get(), ErrorCode::kCancelled);
}

TEST_F(CoroWait, CancelAfterTheEndChangesNothing) {
  CancelSource source;
  EXPECT_EQ(ValueOf(*loop_, SleepFor(0, source.token())), ErrorCode::kOk);
  Cancel(source);
  Settle();
}

// Two timers are due in one pass. The first sleeper to resume cancels the second, whose timer has
// fired too: what has settled keeps its result.
TEST_F(CoroWait, CancelBetweenTheEventAndTheResumptionComesTooLate) {
  const auto canceller = [](CancelSource source) -> Task<void> {
    AssertOnLoop();
    co_await Sleep(1);
    source.Cancel();
  };
  CancelSource source;
  test::Barrier barrier(*loop_);
  std::future<void> first = PostForValue(*loop_, canceller(source));
  std::future<ErrorCode> second = PostForValue(*loop_, SleepFor(1, source.token()));
  ASSERT_TRUE(loop_->Post(&SpinPastTimers));
  barrier.Open();
  first.get();
  EXPECT_EQ(second.get(), ErrorCode::kOk);
}

// The canceller's timer and the sleeper's are due in one pass, the canceller's first: the sleeper's
// must not fire any more.
TEST_F(CoroWait, CancelStopsATimerThatIsDue) {
  CancelSource source;
  std::unique_ptr<Timer> timer;
  test::Barrier barrier(*loop_);
  ASSERT_TRUE(loop_->Post([&] {
    AssertOnLoop();
    timer = std::make_unique<Timer>(loop_->loop(), [&] {
      AssertOnLoop();
      source.Cancel();
      timer.reset();
    });
    timer->Start(1);
  }));
  std::future<ErrorCode> sleeper = PostForValue(*loop_, SleepFor(1, source.token()));
  ASSERT_TRUE(loop_->Post(&SpinPastTimers));
  barrier.Open();
  EXPECT_EQ(sleeper.get(), ErrorCode::kCancelled);
}

// ---- The loop's end ----

TEST_F(CoroWait, StopWaitsForASleepingTask) {
  std::future<ErrorCode> code = PostForValue(*loop_, SleepFor(20, {}));
  EXPECT_TRUE(loop_->Stop(60'000));
  EXPECT_EQ(code.get(), ErrorCode::kOk);
}

// Three waits, as a task may have that ignores errors.
Task<std::vector<ErrorCode>> SleepThrice() {
  AssertOnLoop();
  std::vector<ErrorCode> codes;
  for (int i = 0; i < 3; ++i) codes.push_back(co_await SleepFor(kForEver, {}));
  co_return codes;
}

TEST_F(CoroWait, StopsDeadlineTellsEveryAwaitFromThenOn) {
  std::future<std::vector<ErrorCode>> codes = PostForValue(*loop_, SleepThrice());
  EXPECT_TRUE(loop_->Stop(10));
  EXPECT_EQ(codes.get(), std::vector<ErrorCode>(3, ErrorCode::kStopped));
}

TEST_F(CoroWait, DestroyTellsEveryAwaitFromThenOn) {
  std::future<std::vector<ErrorCode>> codes = PostForValue(*loop_, SleepThrice());
  loop_->Destroy();
  EXPECT_EQ(codes.get(), std::vector<ErrorCode>(3, ErrorCode::kDestroyed));
}

TEST_F(CoroWait, ATaskMayDestroyTheLoopThatRunsIt) {
  const auto destroyer = [](EventLoop& loop) -> Task<ErrorCode> {
    AssertOnLoop();
    loop.Destroy();
    co_return co_await SleepFor(kForEver, {});
  };
  EXPECT_EQ(ValueOf(*loop_, destroyer(*loop_)), ErrorCode::kDestroyed);
}

// At the loop's end one task closes the others' doors: the cancelled ones are settled already, and
// are each told only once.
TEST_F(CoroWait, ATaskMayCancelOthersWhileTheLoopEnds) {
  const auto canceller = [](CancelSource source) -> Task<ErrorCode> {
    AssertOnLoop();
    const ErrorCode code = co_await SleepFor(kForEver, {});
    source.Cancel();
    co_return code;
  };
  CancelSource source;
  std::vector<std::future<ErrorCode>> sleepers;
  std::vector<std::future<ErrorCode>> cancellers;
  for (int i = 0; i < 3; ++i) {
    sleepers.push_back(PostForValue(*loop_, SleepFor(kForEver, source.token())));
    cancellers.push_back(PostForValue(*loop_, canceller(source)));
  }
  loop_->Destroy();
  for (std::future<ErrorCode>& canceller : cancellers) {
    EXPECT_EQ(canceller.get(), ErrorCode::kDestroyed);
  }
  for (std::future<ErrorCode>& sleeper : sleepers) {
    EXPECT_THAT(sleeper.get(), testing::AnyOf(ErrorCode::kDestroyed, ErrorCode::kCancelled));
  }
}

// ---- Redis calls that never reach a server ----

Task<Error> CallNobody(std::shared_ptr<coro::Redis> redis, CancelToken cancel) {
  AssertOnLoop();
  const coro::Result<resp::Reply> reply = co_await redis->Call(cancel, "GET", "key");
  co_return reply.ok() ? Error() : reply.error();
}

std::shared_ptr<coro::Redis> MakeUnreachable(EventLoop& loop) {
  redis::Options options;
  options.path = "/nonexistent/redis.sock";
  options.reconnect = false;
  return coro::Redis::Make(loop.loop(), options);
}

TEST_F(CoroWait, CallFailsByTheConnectionsOwnError) {
  const auto redis = MakeUnreachable(*loop_);
  Error error = ValueOf(*loop_, CallNobody(redis, {}));
  EXPECT_THAT(error.code, testing::AnyOf(ErrorCode::kRefused, ErrorCode::kConnect));
  EXPECT_FALSE(error.may_have_run);
  // The connection has ended: the next call fails inside Send.
  error = ValueOf(*loop_, CallNobody(redis, {}));
  EXPECT_EQ(error.code, ErrorCode::kClosed);
}

TEST_F(CoroWait, CallWithACancelledTokenSendsNothing) {
  const auto redis = MakeUnreachable(*loop_);
  CancelSource source;
  Cancel(source);
  const Error error = ValueOf(*loop_, CallNobody(redis, source.token()));
  EXPECT_EQ(error.code, ErrorCode::kCancelled);
  EXPECT_FALSE(error.may_have_run);
  EXPECT_EQ(redis->stats().failed, 0u);
}

}  // namespace
}  // namespace sideloop
