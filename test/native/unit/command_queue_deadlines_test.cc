// The deadlines of commands in their queue, with no clock but the test's. A failure here means a
// command that waits for ever, one that fails too early, or a late reply that meets another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
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

}  // namespace
}  // namespace sideloop::redis
