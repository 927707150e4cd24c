// Coroutines that wait for Redis and are told not to: by a cancel, by a stop, by the loop's
// destruction, while other threads still post. A failure means that a reply meets the wrong
// command, or that a task is lost or ends twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coro/post.h"
#include "coro/redis.h"
#include "coro/sleep.h"
#include "coro_runner.h"
#include "stress/event.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop {
namespace {

using coro::AssertOnLoop;
using coro::CancelSource;
using coro::CancelToken;
using coro::Outcome;
using coro::Redis;
using coro::Result;
using coro::Task;
using test::PostForValue;
using test::ValueOf;

using Client = std::shared_ptr<Redis>;

// The text or number of the reply, or the name of the error, with a '?' where the command may have
// run.
std::string TextOf(const Result<resp::Reply>& reply) {
  if (reply.ok()) {
    return reply->kind == resp::Reply::Kind::kInteger ? std::to_string(reply->integer)
                                                      : reply->text;
  }
  return std::string(NameOf(reply.error().code)) + (reply.error().may_have_run ? "?" : "");
}

Task<std::string> Call(Client redis, std::vector<std::string> command, CancelToken cancel = {}) {
  AssertOnLoop();
  const std::vector<std::string_view> views(command.begin(), command.end());
  co_return TextOf(co_await redis->Send(std::move(cancel), views, 0));
}

class CoroEnd : public testing::Test {
 protected:
  Client Connect(EventLoop& loop) { return Redis::Make(loop.loop(), server_.options()); }

  // Has the server hold back the answers to commands that write, until another connection ends it.
  void Pause() {
    EXPECT_EQ(ValueOf(*other_loop_, Call(other_, {"CLIENT", "PAUSE", "100000", "WRITE"})), "OK");
  }
  void Unpause() { EXPECT_EQ(ValueOf(*other_loop_, Call(other_, {"CLIENT", "UNPAUSE"})), "OK"); }

  // Before the loops: it forks.
  test::RedisServer server_;
  std::unique_ptr<EventLoop> loop_ = test::StartLoop();
  std::unique_ptr<EventLoop> other_loop_ = test::StartLoop();
  Client redis_ = Connect(*loop_);
  Client other_ = Connect(*other_loop_);
};

TEST_F(CoroEnd, ACancelledCallResumesAtOnceAndItsReplyLaterMeetsNobodyElse) {
  ValueOf(*loop_, Call(redis_, {"MSET", "a", "value of a", "b", "value of b"}));
  Pause();
  CancelSource source;
  auto cancelled = PostForValue(*loop_, Call(redis_, {"GETDEL", "a"}, source.token()));
  auto kept = PostForValue(*loop_, Call(redis_, {"GETDEL", "b"}));
  test::RunOn(*loop_, [&source] {
    AssertOnLoop();
    source.Cancel();
  });
  // The server is still paused: no reply can have helped.
  EXPECT_EQ(cancelled.get(), "CANCELLED?");
  Unpause();
  EXPECT_EQ(kept.get(), "value of b");
  EXPECT_EQ(ValueOf(*loop_, Call(redis_, {"EXISTS", "a"})), "0") << "the cancelled command ran";
  EXPECT_EQ(ValueOf(*loop_, Call(redis_, {"ECHO", "own"})), "own");
  EXPECT_EQ(redis_->stats().in_flight, 0u);
}

TEST_F(CoroEnd, OneTaskHasSeveralCallsUnderWayAndMayDropOne) {
  const auto three = [](Client redis) -> Task<std::string> {
    AssertOnLoop();
    coro::RedisCall first = redis->Call("ECHO", "first");
    { const coro::RedisCall dropped = redis->Call("ECHO", "dropped"); }
    coro::RedisCall last = redis->Call("ECHO", "last");
    const std::string text = TextOf(co_await last);
    co_return TextOf(co_await first) + " " + text;
  };
  EXPECT_EQ(ValueOf(*loop_, three(redis_)), "first last");
}

TEST_F(CoroEnd, AnErrorReplyIsAnErrorWithTheServersWords) {
  const auto wrong = [](Client redis) -> Task<Error> {
    AssertOnLoop();
    EXPECT_EQ(TextOf(co_await redis->Call("SET", "text", "value")), "OK");
    const Result<resp::Reply> reply = co_await redis->Call("LPUSH", "text", "value");
    co_return reply.ok() ? Error() : reply.error();
  };
  const Error error = ValueOf(*loop_, wrong(redis_));
  EXPECT_EQ(error.code, ErrorCode::kReply);
  EXPECT_THAT(error.message, testing::StartsWith("WRONGTYPE"));
}

// A task may end the connection that woke it.
TEST_F(CoroEnd, ATaskMayCloseItsConnectionUnderOthersThatWait) {
  const auto closer = [](Client redis) -> Task<std::string> {
    AssertOnLoop();
    const std::string text = TextOf(co_await redis->Call("ECHO", "last"));
    redis->Close();
    co_return text + " " + TextOf(co_await redis->Call("ECHO", "late"));
  };
  test::Barrier barrier(*loop_);
  auto closing = PostForValue(*loop_, closer(redis_));
  auto waiting = PostForValue(*loop_, Call(redis_, {"BLPOP", "nothing", "0"}));
  barrier.Open();
  EXPECT_EQ(closing.get(), "last REDIS_CLOSED");
  EXPECT_EQ(waiting.get(), "REDIS_CLOSED?");
}

TEST_F(CoroEnd, StopWaitsForTheRepliesThatTasksWaitFor) {
  auto waiting = PostForValue(*loop_, Call(redis_, {"GET", "key"}));
  waiting.get();
  auto popped = PostForValue(*loop_, [](Client redis) -> Task<std::string> {
    AssertOnLoop();
    const Result<resp::Reply> reply = co_await redis->CallBlocking({}, "BLPOP", "list", "0");
    co_return reply.ok() ? reply->elements.at(1).text : TextOf(reply);
  }(redis_));
  test::Event ended;
  ASSERT_TRUE(loop_->StopThen(60'000, [&ended] { ended.Set(); }));
  EXPECT_FALSE(coro::Post(*loop_, Call(redis_, {"PING"}), [](Outcome<std::string>) {}));
  ValueOf(*other_loop_, Call(other_, {"RPUSH", "list", "late but in time"}));
  EXPECT_EQ(popped.get(), "late but in time");
  EXPECT_TRUE(ended.Wait());
}

class CoroEndBy : public CoroEnd, public testing::WithParamInterface<ErrorCode> {};

TEST_P(CoroEndBy, TellsAllWhoWaitForAReply) {
  ValueOf(*loop_, Call(redis_, {"PING"}));
  Pause();
  std::vector<std::future<std::string>> waiting;
  for (int i = 0; i < 50; ++i) {
    waiting.push_back(PostForValue(*loop_, Call(redis_, {"SET", "key", std::to_string(i)})));
  }
  if (GetParam() == ErrorCode::kStopped) {
    EXPECT_TRUE(loop_->Stop(10));
  } else {
    loop_->Destroy();
  }
  for (auto& text : waiting) EXPECT_EQ(text.get(), std::string(NameOf(GetParam())) + "?");
}

INSTANTIATE_TEST_SUITE_P(StopAndDestroy, CoroEndBy,
                         testing::Values(ErrorCode::kStopped, ErrorCode::kDestroyed),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

// ---- Everything at once ----

constexpr int kProducers = 3;
constexpr int kTasksPerProducer = 400;
constexpr int kSources = 256;  // so many that most tasks are not cancelled

struct Tally {
  int accepted = 0;           // the producer's
  std::atomic<int> ended{0};  // written on the loop thread, read after it ended
};

// A few waits of either kind; each reply must be what was asked for.
Task<std::string> Wander(Client redis, std::uint32_t seed, CancelToken cancel) {
  AssertOnLoop();
  std::minstd_rand random(seed);
  for (int step = 0; step < 3; ++step) {
    if (random() % 2 == 0) {
      const Error error = co_await coro::Sleep(random() % 3, cancel);
      if (error) co_return NameOf(error.code);
    } else {
      const std::string word = std::to_string(random());
      const Result<resp::Reply> reply = co_await redis->Call(cancel, "ECHO", word);
      if (!reply.ok()) co_return NameOf(reply.error().code);
      if (reply->text != word) co_return "mixed up";
    }
  }
  co_return "OK";
}

TEST_F(CoroEnd, EveryAcceptedTaskEndsOnceWhileOthersCancelAndStop) {
  std::mt19937_64 random = test::RandomOf(0);
  for (int round = 0; round < 10; ++round) {
    const std::unique_ptr<EventLoop> loop = test::StartLoop();
    const Client redis = Connect(*loop);
    std::array<CancelSource, kSources> sources;
    std::array<Tally, kProducers> tallies;
    std::atomic<int> ended{0};
    test::Event enough_ended;
    const int enough = static_cast<int>(1 + random() % (kProducers * kTasksPerProducer / 2));
    std::vector<std::thread> producers;
    for (Tally& tally : tallies) {
      producers.emplace_back([&, producer_seed = static_cast<std::uint32_t>(random())] {
        std::minstd_rand pick(producer_seed);
        for (int i = 0; i < kTasksPerProducer; ++i) {
          CancelSource& source = sources[pick() % kSources];
          if (pick() % 8 == 0) {
            // Refused where the stop came first: then nobody waits any more.
            (void)loop->Post([source]() mutable {
              AssertOnLoop();
              source.Cancel();
            });
          }
          if (!coro::Post(*loop, Wander(redis, static_cast<std::uint32_t>(pick()), source.token()),
                          [&](Outcome<std::string> text) {
                            EXPECT_THAT(std::move(text).Get(),
                                        testing::AnyOf("OK", "CANCELLED", "STOPPED", "DESTROYED"));
                            ++tally.ended;
                            if (++ended == enough) enough_ended.Set();
                          })) {
            break;
          }
          ++tally.accepted;
        }
      });
    }
    EXPECT_TRUE(enough_ended.Wait());
    if (random() % 2 == 0) {
      EXPECT_TRUE(loop->Stop(random() % 10));
    } else {
      loop->Destroy();
      EXPECT_TRUE(loop->Stop()) << "the thread holds references to what this round owns";
    }
    for (std::thread& producer : producers) producer.join();
    for (const Tally& tally : tallies) EXPECT_EQ(tally.ended, tally.accepted);
  }
}

}  // namespace
}  // namespace sideloop
