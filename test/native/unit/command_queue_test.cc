// The commands of a connection without a connection: no server, no socket, no clock. A failure here
// means a command that is never settled or settled twice, a reply that meets another command, or a
// stream of bytes in which a command is torn.
#include "redis/command_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "unit/queue_fixture.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::Queue;
using test::QueueTarget;
using test::StageOf;
using testing::ElementsAre;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint64_t kMs = kNsPerMs;
constexpr std::size_t kAll = resp::StageEncoder::kNoLimit;
const Error kLost = {ErrorCode::kDisconnected, "lost"};
// The server of this test answers each command with its number.
TEST_F(Queue, AnySlicesMakeTheSameStreamAndEachReplyMeetsItsCommand) {
  std::mt19937_64 random(20261129);
  for (int round = 0; round < 200; ++round) {
    CommandQueue queue({});
    QueueTarget targets[3];
    std::vector<std::string> expected[3];
    Commands commands;
    std::string stream;
    std::size_t begun = 0;
    std::size_t answered = 0;
    const auto write = [&](std::size_t most) {
      ByteBuffer out;
      begun += queue.Encode(out, most, 0);
      stream += out.view();
    };
    for (int step = 0; step < 60; ++step) {
      const std::size_t which = random() % 3;
      switch (random() % 3) {
        case 0: {
          Commands more;
          for (std::size_t i = 0; i <= random() % 5; ++i) {
            // Some are longer than what is never divided.
            const std::size_t size = random() % 8 == 0 ? 20'000 + random() % 50'000 : random() % 40;
            const std::string number = std::to_string(commands.size());
            more.push_back({"ECHO", number, std::string(size, 'x')});
            commands.push_back(more.back());
            expected[which].push_back(number);
          }
          queue.Add(StageOf(more), static_cast<std::uint32_t>(more.size()), targets[which], 0);
          break;
        }
        case 1:
          write(1 + random() % 9'000);
          break;
        case 2:
          if (!queue.is_quiet()) Answer(queue, std::to_string(answered++));
          break;
      }
    }
    while (queue.has_unsent()) write(1 + random() % 30'000);
    while (!queue.is_quiet()) Answer(queue, std::to_string(answered++));
    ASSERT_EQ(begun, commands.size());
    ASSERT_EQ(stream, test::Resp(commands)) << "round " << round;
    for (std::size_t i = 0; i < 3; ++i) ASSERT_EQ(targets[i].outcomes, expected[i]);
  }
}

TEST_F(Queue, WhatFailsInPlaceKeepsItsTurnAndLeavesTheUnsentAlone) {
  target_.keeps_turns = true;
  Add(queue_, target_, {"GET", "a"});
  Add(queue_, other_, {"GET", "b"});
  Add(queue_, target_, {"GET", "c"});
  Write(queue_);
  Add(queue_, target_, {"GET", "d"});
  queue_.FailInPlace(target_, kLost);
  EXPECT_EQ(target_.settled, 2u);
  EXPECT_EQ(queue_.TakeFailed(), 2u);
  EXPECT_EQ(queue_.in_flight(), 3u);
  queue_.FailInPlace(target_, kLost);
  EXPECT_EQ(target_.settled, 2u) << "once for each";
  Write(queue_);
  for (const char* text : {"a", "b", "c", "d"}) Answer(queue_, text);
  EXPECT_EQ(target_.settled, 3u);
  EXPECT_EQ(target_.outcomes.back(), "d");
  EXPECT_THAT(other_.outcomes, ElementsAre("b"));
  EXPECT_FALSE(queue_.HasPending(target_));
}

TEST_F(Queue, NoSliceIsMuchLargerThanAskedFor) {
  const std::string value(10'000'000, 'v');
  queue_.Add(StageOf({{"SET", "k", value}, {"GET", "k"}}), 2, target_, 0);
  std::string stream;
  while (queue_.has_unsent()) {
    const std::string slice = Write(queue_, 128 << 10);
    EXPECT_LE(slice.size(), (128u << 10) + resp::StageEncoder::kUndivided + 100);
    stream += slice;
    EXPECT_GE(queue_.in_flight(), 1u) << "a command is in flight from its first byte";
  }
  EXPECT_EQ(stream, test::Resp({{"SET", "k", value}, {"GET", "k"}}));
}

TEST_F(Queue, TextThatIsNotAsciiIsDividedBetweenCharacters) {
  auto stage = std::make_shared<resp::Stage>();
  stage->is_wide = true;
  std::string utf8;
  for (int i = 0; i < 200'000; ++i) {
    stage->wide += u"a\u00e9\u20ac\xd83d\xde00";
    utf8 += "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  }
  const std::u16string name = u"ECHO";
  stage->wide.insert(0, name);
  stage->heads = {static_cast<std::int32_t>(resp::Stage::kUnnamed), 2, 4,
                  static_cast<std::int32_t>(stage->wide.size() - 4)};
  queue_.Add(stage, 1, target_, 0);
  std::string stream;
  for (std::size_t most = 1; queue_.has_unsent(); most = most * 2 % 99'991 + 1) {
    stream += Write(queue_, most);
  }
  EXPECT_EQ(stream, test::Resp({{"ECHO", utf8}}));
}

TEST_F(Queue, WhatIsUnsentSurvivesALossAndWhatIsHalfSentDoesNot) {
  const std::string value(100'000, 'v');
  queue_.Add(StageOf({{"A"}, {"SET", "k", value}, {"B"}}), 3, target_, 0);
  Add(queue_, other_, {"C"});
  Write(queue_, 1000);  // A, and the beginning of SET
  EXPECT_EQ(queue_.in_flight(), 2u);
  queue_.FailInFlight(kLost);
  EXPECT_THAT(target_.outcomes, ElementsAre("!2 REDIS_DISCONNECTED?"));
  EXPECT_EQ(Write(queue_), test::Resp({{"B"}, {"C"}})) << "nothing of the half is left";
  Answer(queue_, "b");
  Answer(queue_, "c");
  EXPECT_THAT(target_.outcomes, ElementsAre("!2 REDIS_DISCONNECTED?", "b"));
  EXPECT_THAT(other_.outcomes, ElementsAre("c"));
}

TEST_F(Queue, TheRestOfWhatIsHalfSentFollowsThoughItsTargetIsGone) {
  const std::string value(100'000, 'v');
  for (const bool fails : {true, false}) {
    CommandQueue queue({});
    QueueTarget leaving;
    queue.Add(StageOf({{"SET", "k", value}, {"A"}}), 2, leaving, 0);
    Add(queue, other_, {"B"});
    std::string stream = Write(queue, 1000);
    if (fails) {
      queue.Fail(leaving, kLost);
      EXPECT_THAT(leaving.outcomes, ElementsAre("!1 REDIS_DISCONNECTED?", "!1 REDIS_DISCONNECTED"));
    } else {
      queue.Abandon(leaving);
      EXPECT_THAT(leaving.outcomes, ElementsAre());
    }
    stream += Write(queue);
    const Commands sent =
        fails ? Commands{{"SET", "k", value}, {"B"}} : Commands{{"SET", "k", value}, {"A"}, {"B"}};
    EXPECT_EQ(stream, test::Resp(sent));
    while (queue.in_flight() > 1) {
      EXPECT_EQ(queue.front().target, &queue.discard());
      queue.Answered();
    }
    EXPECT_EQ(queue.front().target, &other_);
    queue.FailInFlight(kLost);
    other_.outcomes.clear();
  }
}

TEST_F(Queue, WhatAnAbandonedTargetWouldBlockForIsNotSent) {
  Add(queue_, target_, {"BLPOP"}, kBlocking);
  Add(queue_, target_, {"SET"});
  Add(queue_, other_, {"BLPOP", "o"}, kBlocking);
  queue_.Abandon(target_);
  EXPECT_FALSE(queue_.HasPending(target_));
  EXPECT_EQ(Write(queue_), test::Resp({{"SET"}, {"BLPOP", "o"}}));
  EXPECT_EQ(queue_.unsent(), 0u);
  queue_.Answered();
  Answer(queue_, "popped");
  EXPECT_THAT(other_.outcomes, ElementsAre("popped"));
  EXPECT_FALSE(queue_.has_blocking());
}

TEST_F(Queue, KnowsForWhomACommandBlocksUntilItIsAnsweredOrLost) {
  target_.keeps_turns = true;
  Add(queue_, target_, {"GET"});
  Add(queue_, target_, {"BLPOP"}, kBlocking);
  Add(queue_, other_, {"GET"});
  EXPECT_FALSE(queue_.HasBlocking(target_)) << "it was not sent";
  Write(queue_);
  EXPECT_TRUE(queue_.HasBlocking(target_));
  EXPECT_FALSE(queue_.HasBlocking(other_));
  queue_.FailInPlace(target_, kLost);
  EXPECT_TRUE(queue_.HasBlocking(target_)) << "the server goes on all the same";
  Answer(queue_, "a");
  Answer(queue_, "popped");
  EXPECT_FALSE(queue_.HasBlocking(target_));
  Add(queue_, other_, {"BLPOP"}, kBlocking);
  Write(queue_);
  EXPECT_TRUE(queue_.HasBlocking(other_));
  queue_.FailInFlight(kLost);
  EXPECT_FALSE(queue_.HasBlocking(other_));
}

TEST_F(Queue, WhoIsToldMaySendAndFailOthers) {
  for (int i = 0; i < 5; ++i) Add(queue_, target_, {"SENT"});
  Add(queue_, other_, {"SENT"});
  Write(queue_);
  Add(queue_, target_, {"UNSENT"});
  Add(queue_, other_, {"UNSENT"});
  target_.on_failed = [&] {
    target_.on_failed = nullptr;
    Add(queue_, target_, {"AGAIN"});
    queue_.Fail(other_, kLost);
  };
  queue_.FailInFlight(kLost);
  // In the order of its commands, although the second failed inside of the first's failure.
  EXPECT_THAT(other_.outcomes, ElementsAre("!1 REDIS_DISCONNECTED?", "!1 REDIS_DISCONNECTED"));
  EXPECT_EQ(Write(queue_), test::Resp({{"UNSENT"}, {"AGAIN"}}));
  queue_.FailInFlight(kLost);
  EXPECT_EQ(target_.settled, 7u);
  EXPECT_EQ(other_.settled, 2u);
}

// Everything at once, against a model that only counts: each command is settled exactly once.
TEST_F(Queue, EveryCommandIsSettledOnceWhateverComesBetween) {
  std::mt19937_64 random(9);
  for (int round = 0; round < 300; ++round) {
    CommandQueue queue({.timeout_ms = 50, .grace_ms = 50});
    QueueTarget targets[3];
    targets[0].keeps_turns = targets[1].keeps_turns = true;
    std::size_t given[3] = {};
    std::uint64_t now = 0;
    for (int step = 0; step < 120; ++step) {
      const std::size_t which = random() % 3;
      now += random() % 10 * kMs;
      switch (random() % 8) {
        case 0:
        case 1: {
          Commands commands;
          std::vector<std::uint32_t> flags;
          for (std::size_t i = 0; i <= random() % 4; ++i) {
            commands.push_back({"X", std::string(random() % 3 * 15'000, 'x')});
            flags.push_back(random() % 4 == 0 ? kBlocking : 0);
          }
          given[which] += commands.size();
          queue.Add(StageOf(commands, flags), static_cast<std::uint32_t>(commands.size()),
                    targets[which], now);
          break;
        }
        case 2:
        case 3:
          Write(queue, 1 + random() % 40'000, now);
          break;
        case 4:
        case 5:
          if (!queue.is_quiet()) Answer(queue, "r");
          break;
        case 6:
          queue.FailOverdue(now);
          break;
        case 7:
          if (random() % 4 == 0) queue.FailInFlight(kLost);
          if (random() % 8 == 0) queue.Fail(targets[which], kLost);
          break;
      }
    }
    queue.FailInFlight(kLost);
    queue.FailUnsent(kLost);
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(targets[i].settled, given[i]) << "round " << round << ", target " << i;
      ASSERT_FALSE(queue.HasPending(targets[i]));
    }
    ASSERT_EQ(queue.unsent(), 0u);
    ASSERT_EQ(queue.in_flight(), 0u);
    ASSERT_EQ(queue.next_deadline(), kNever);
  }
}

}  // namespace
}  // namespace sideloop::redis
