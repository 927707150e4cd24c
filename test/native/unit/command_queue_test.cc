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

#include "unit/queue_target.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::QueueTarget;
using test::StageOf;
using testing::ElementsAre;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint64_t kMs = kNsPerMs;
constexpr std::size_t kAll = resp::StageEncoder::kNoLimit;
const Error kLost = {ErrorCode::kDisconnected, "lost"};

class Queue : public testing::Test {
 protected:
  std::string Write(CommandQueue& queue, std::size_t most = kAll, std::uint64_t now = 0) {
    ByteBuffer out;
    queue.Encode(out, most, now);
    return std::string(out.view());
  }
  // Answers the next command with `text`, as a connection does.
  void Answer(CommandQueue& queue, std::string_view text) {
    const resp::Run run = queue.front();
    resp::ReplyTarget& target = run.is_settled ? queue.discard() : *run.target;
    target.BeginReply(run.flags).OnText(text);
    if (run.is_settled) run.target->BeginReply(0).OnNull();
    queue.Answered();
    (void)run.target->EndReply();
  }
  void Add(CommandQueue& queue, QueueTarget& target, std::vector<std::string> command,
           std::uint32_t flags = 0, std::uint64_t now = 0) {
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    queue.Add(arguments, target, flags, now);
  }

  CommandQueue queue_{{}};
  CommandQueue timed_{{.timeout_ms = 100, .grace_ms = 1000}};
  QueueTarget target_;
  QueueTarget other_;
};

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

TEST_F(Queue, DeadlinesCountFromAcceptanceSentOrNot) {
  Add(timed_, target_, {"A"}, 0, 0);
  Write(timed_, kAll, 50 * kMs);
  Add(timed_, target_, {"B"}, 0, 10 * kMs);
  EXPECT_EQ(timed_.next_deadline(), 100 * kMs);
  timed_.FailOverdue(99 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre());
  timed_.FailOverdue(100 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_COMMAND_TIMEOUT?"));
  EXPECT_EQ(timed_.next_deadline(), 110 * kMs);
  timed_.FailOverdue(110 * kMs);
  EXPECT_THAT(target_.outcomes,
              ElementsAre("!1 REDIS_COMMAND_TIMEOUT?", "!1 REDIS_COMMAND_TIMEOUT"));
  EXPECT_FALSE(timed_.has_unsent());
  EXPECT_EQ(timed_.front().target, &timed_.discard()) << "its reply is swallowed";
  timed_.Answered();
  EXPECT_EQ(timed_.next_deadline(), kNever) << "an idle connection wakes nobody";
}

TEST_F(Queue, OneThatWaitsForATimeOfItsOwnHasThatAndTheGrace) {
  timed_.Add(StageOf({{"BLPOP"}}, {kBlocking}, 500), 1, target_, 10 * kMs);
  Write(timed_, kAll, 60 * kMs);
  EXPECT_TRUE(timed_.has_blocking());
  timed_.FailOverdue(110 * kMs);
  EXPECT_EQ(timed_.next_deadline(), 1510 * kMs) << "from its acceptance: 500 and 1000";
  timed_.FailOverdue(1509 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre());
  timed_.FailOverdue(1510 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_COMMAND_TIMEOUT?"));
  timed_.Answered();
  EXPECT_FALSE(timed_.has_blocking());
}

TEST_F(Queue, WithoutAGraceOneThatWaitsHasThatAndTheTimeOfAnyOther) {
  CommandQueue queue({.timeout_ms = 100, .grace_ms = {}});
  queue.Add(StageOf({{"WAIT"}}, {kBlocking}, 500), 1, target_, 0);
  Write(queue);
  queue.FailOverdue(599 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre());
  queue.FailOverdue(600 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_COMMAND_TIMEOUT?"));
}

TEST_F(Queue, WithoutATimeoutOneThatWaitsHasNoDeadlineEither) {
  CommandQueue queue({.timeout_ms = {}, .grace_ms = 1000});
  queue.Add(StageOf({{"BLPOP"}}, {kBlocking}, 500), 1, target_, 0);
  Write(queue);
  EXPECT_EQ(queue.next_deadline(), kNever);
}

TEST_F(Queue, DeadlinesDoNotCountTheTimeInWhichNobodyLooked) {
  Add(timed_, target_, {"BEFORE"}, 0, 0);
  Write(timed_, kAll, 20 * kMs);
  Add(timed_, target_, {"DURING"}, 0, 60 * kMs);  // unsent
  timed_.Postpone(50 * kMs, 90 * kMs);
  timed_.FailOverdue(119 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre());
  // 100 and all of the 40.
  timed_.FailOverdue(140 * kMs);
  EXPECT_EQ(target_.outcomes.size(), 1u);
  EXPECT_EQ(timed_.next_deadline(), 190 * kMs) << "160 and the 30 since it was accepted";
  timed_.FailOverdue(190 * kMs);
  EXPECT_EQ(target_.outcomes.size(), 2u);
}

TEST_F(Queue, WithoutADeadlineNothingIsPostponed) {
  Add(queue_, target_, {"GET"});
  Write(queue_);
  queue_.Postpone(0, 1000 * kMs);
  EXPECT_EQ(queue_.next_deadline(), kNever);
}

TEST_F(Queue, DeadlinesOfDifferentWaitsAreEachKept) {
  target_.keeps_turns = true;
  timed_.Add(StageOf({{"BLPOP"}, {"GET"}}, {kBlocking, 0}, 5000), 2, target_, 0);
  timed_.Add(StageOf({{"WAIT"}, {"GET"}}, {kBlocking, 0}, 20), 2, target_, 0);
  Write(timed_);
  timed_.FailOverdue(100 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("1 ahead: !1 REDIS_COMMAND_TIMEOUT?",
                                            "3 ahead: !1 REDIS_COMMAND_TIMEOUT?"));
  EXPECT_EQ(timed_.next_deadline(), 1020 * kMs);
  timed_.FailOverdue(1020 * kMs);
  EXPECT_EQ(target_.outcomes.back(), "2 ahead: !1 REDIS_COMMAND_TIMEOUT?");
  timed_.FailOverdue(6000 * kMs);
  EXPECT_EQ(target_.outcomes.back(), "!1 REDIS_COMMAND_TIMEOUT?") << "its turn has come";
  EXPECT_EQ(timed_.TakeFailed(), 4u);
}

TEST_F(Queue, OneBehindABlockingCommandKeepsItsOwnDeadline) {
  target_.keeps_turns = true;
  timed_.Add(StageOf({{"A"}, {"BLPOP"}, {"B"}, {"C"}}, {0, kBlocking, 0, 0}), 4, target_, 0);
  Write(timed_);
  Answer(timed_, "a");
  timed_.FailOverdue(100 * kMs);
  // Its place is the second: BLPOP comes before it.
  EXPECT_THAT(target_.outcomes, ElementsAre("a", "1 ahead: !2 REDIS_COMMAND_TIMEOUT?"));
  timed_.FailOverdue(500 * kMs);
  EXPECT_EQ(target_.outcomes.size(), 2u) << "settled once";
  Answer(timed_, "popped");
  Answer(timed_, "late");
  Answer(timed_, "late");
  EXPECT_THAT(target_.outcomes,
              ElementsAre("a", "1 ahead: !2 REDIS_COMMAND_TIMEOUT?", "popped", "(turn)", "(turn)"));
  EXPECT_EQ(timed_.TakeFailed(), 2u);
}

// A target that can't be told out of turn would take the failure for that of the command ahead.
TEST_F(Queue, WithoutTurnsOneBehindABlockingCommandWaitsForIt) {
  timed_.Add(StageOf({{"A"}, {"BLPOP"}, {"B"}, {"C"}}, {0, kBlocking, 0, 0}), 4, target_, 0);
  Write(timed_);
  Answer(timed_, "a");
  Add(timed_, target_, {"D"}, 0, 10 * kMs);  // unsent
  timed_.FailOverdue(120 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("a"));
  EXPECT_EQ(timed_.next_deadline(), kNever) << "nothing to look for until a reply comes";
  EXPECT_EQ(timed_.TakeFailed(), 0u);
  Answer(timed_, "popped");
  EXPECT_LE(timed_.next_deadline(), 120 * kMs);
  Answer(timed_, "b");
  timed_.FailOverdue(121 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("a", "popped", "b", "!1 REDIS_COMMAND_TIMEOUT?",
                                            "!1 REDIS_COMMAND_TIMEOUT"));
  EXPECT_EQ(timed_.TakeFailed(), 2u);
}

TEST_F(Queue, ATurnThatWasKeptFailsWithTheConnection) {
  target_.keeps_turns = true;
  timed_.Add(StageOf({{"BLPOP"}, {"B"}}, {kBlocking, 0}), 2, target_, 0);
  Write(timed_);
  Add(timed_, target_, {"C"}, 0, 10 * kMs);  // unsent
  timed_.FailOverdue(120 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("1 ahead: !1 REDIS_COMMAND_TIMEOUT?",
                                            "2 ahead: !1 REDIS_COMMAND_TIMEOUT?"));
  timed_.FailInFlight(kLost);
  EXPECT_THAT(target_.outcomes, ElementsAre(testing::_, testing::_, "!1 REDIS_DISCONNECTED?",
                                            "!1 REDIS_DISCONNECTED?", "!1 REDIS_DISCONNECTED?"));
  EXPECT_FALSE(timed_.has_unsent());
  EXPECT_EQ(timed_.TakeFailed(), 3u);
}

TEST_F(Queue, TargetsWithoutAnOrderFailBesideABlockingCommand) {
  Add(timed_, target_, {"BLPOP"}, kBlocking);
  Add(timed_, other_, {"GET"});
  Write(timed_);
  timed_.FailOverdue(100 * kMs);
  EXPECT_THAT(other_.outcomes, ElementsAre("!1 REDIS_COMMAND_TIMEOUT?"));
  EXPECT_THAT(target_.outcomes, ElementsAre());
}

// Or each deadline would look at every one that was over before.
TEST_F(Queue, ThoseBehindABlockingCommandThatFailedBecomeOneRun) {
  other_.keeps_turns = target_.keeps_turns = true;
  Add(timed_, target_, {"BLPOP", "list", "0"}, kBlocking, 0);
  Add(timed_, other_, {"BLPOP", "list", "0"}, kBlocking, 0);
  Write(timed_);
  constexpr std::uint64_t kCount = 1000;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    Add(timed_, i % 2 == 0 ? target_ : other_, {"GET", "key"}, 0, i * kMs);
    Write(timed_, kAll, i * kMs);
    timed_.FailOverdue(i * kMs);
    EXPECT_LE(timed_.runs_in_flight(), 2 + 2 + 100u);
  }
  timed_.FailOverdue(2 * kCount * kMs);
  EXPECT_EQ(timed_.runs_in_flight(), 4u);
  EXPECT_EQ(timed_.in_flight(), 2 + kCount);
  EXPECT_EQ(target_.settled + other_.settled, kCount);
  // The turns come, and what is sent behind them meets its own reply.
  Add(timed_, target_, {"GET", "last"}, 0, 2 * kCount * kMs);
  Add(timed_, other_, {"GET", "last"}, 0, 2 * kCount * kMs);
  Write(timed_, kAll, 2 * kCount * kMs);
  for (std::uint64_t i = 0; i < 2 + kCount; ++i) Answer(timed_, "late");
  Answer(timed_, "mine");
  Answer(timed_, "other's");
  EXPECT_EQ(target_.outcomes.back(), "mine");
  EXPECT_EQ(other_.outcomes.back(), "other's");
  EXPECT_EQ(target_.settled + other_.settled, 2 + kCount + 2);
  EXPECT_FALSE(timed_.has_blocking());
  EXPECT_TRUE(timed_.is_quiet());
}

// What blocks is counted by runs.
TEST_F(Queue, BlockingCommandsThatFailedBecomeOneRunTooAndAreCountedOff) {
  target_.keeps_turns = true;
  Add(timed_, target_, {"BLPOP", "list", "0"}, kBlocking, 0);
  for (int i = 0; i < 50; ++i) {
    timed_.Add(StageOf({{"BLPOP", "list", "1"}}, {kBlocking}, 1000), 1, target_, 0);
  }
  Write(timed_);
  timed_.FailOverdue(5000 * kMs);
  EXPECT_EQ(timed_.runs_in_flight(), 2u);
  EXPECT_EQ(timed_.in_flight(), 51u);
  for (int i = 0; i < 50; ++i) {
    Answer(timed_, "late");
    EXPECT_TRUE(timed_.has_blocking());
  }
  Answer(timed_, "late");
  EXPECT_FALSE(timed_.has_blocking());
}

TEST_F(Queue, ABlockingCommandThatIsNotSentHasTheDeadlineOfAnyOther) {
  Add(timed_, target_, {"BLPOP"}, kBlocking);
  Add(timed_, target_, {"GET"});
  timed_.FailOverdue(100 * kMs);
  EXPECT_THAT(target_.outcomes,
              ElementsAre("!1 REDIS_COMMAND_TIMEOUT", "!1 REDIS_COMMAND_TIMEOUT"));
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
