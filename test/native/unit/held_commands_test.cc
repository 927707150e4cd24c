// Commands that meet a server which can't serve yet. A failure here means one that runs behind what
// was called after it, one that runs twice, or one that is never settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "redis/command_queue.h"
#include "unit/held_fixture.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::HeldCommands;
using test::kLoading;
using test::QueueTarget;
using test::Resp;
using test::StageOf;
using testing::ElementsAre;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint64_t kMs = kNsPerMs;
constexpr std::string_view kMasterDown = "MASTERDOWN Link with MASTER is down";
const Error kLost = {ErrorCode::kDisconnected, "lost"};

TEST_F(HeldCommands, GoOutAgainInTheirOrderAndAheadOfAllThatIsUnsent) {
  queue_.Add(StageOf({{"A"}, {"B", "b"}, {"C"}}), 3, target_, 0);
  Add(queue_, other_, {"D"});
  Write(queue_);
  Answer(queue_, "a");
  for (int i = 0; i < 2; ++i) Refuse(queue_);
  Add(queue_, target_, {"E"});
  EXPECT_EQ(Write(queue_), "") << "nothing new goes out";
  EXPECT_EQ(queue_.unsent(), 3u);
  Refuse(queue_);
  EXPECT_TRUE(queue_.is_quiet());
  EXPECT_TRUE(queue_.is_holding());
  queue_.Requeue();
  EXPECT_FALSE(queue_.is_holding());
  EXPECT_EQ(Write(queue_), Resp({{"B", "b"}, {"C"}, {"D"}, {"E"}}));
  for (const char* text : {"b", "c", "d", "e"}) Answer(queue_, text);
  EXPECT_THAT(target_.outcomes, ElementsAre("a", "b", "c", "e"));
  EXPECT_THAT(other_.outcomes, ElementsAre("d"));
  EXPECT_EQ(queue_.TakeFailed(), 0u);
}

TEST_F(HeldCommands, AreAnsweredWithTheRefusalWhereOneBehindThemRan) {
  for (const char* name : {"A", "B", "C"}) Add(queue_, target_, {name});
  Add(queue_, other_, {"O"});
  Write(queue_);
  Refuse(queue_);
  Refuse(queue_, kMasterDown);
  Answer(queue_, "ran");
  EXPECT_THAT(target_.outcomes,
              ElementsAre(std::string(kLoading), std::string(kMasterDown), "ran"));
  EXPECT_EQ(queue_.unsent(), 0u);
  // It is no matter of other clients'.
  Refuse(queue_);
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"O"}}));
  Answer(queue_, "o");
  EXPECT_THAT(other_.outcomes, ElementsAre("o"));
}

TEST_F(HeldCommands, OfOneClientStayWhereAnotherClientsRan) {
  Add(queue_, target_, {"A"});
  Add(queue_, other_, {"INFO"});
  Write(queue_);
  Refuse(queue_);
  Answer(queue_, "info");
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"A"}}));
}

TEST_F(HeldCommands, MayBeRefusedAgainAndAgain) {
  const auto stage = StageOf({{"A"}, {"B"}, {"C"}, {"D"}});
  queue_.Add(stage, 4, target_, 0);
  Write(queue_);
  for (int round = 0; round < 3; ++round) {
    Answer(queue_, "ok");
    while (!queue_.is_quiet()) Refuse(queue_);
    queue_.Requeue();
    Write(queue_);
  }
  EXPECT_EQ(queue_.in_flight(), 1u);
  Answer(queue_, "ok");
  EXPECT_THAT(target_.outcomes, ElementsAre("ok", "ok", "ok", "ok"));
  EXPECT_EQ(stage.use_count(), 1) << "nothing is kept of what is answered";
}

TEST_F(HeldCommands, AreSomebodysWhoWaits) {
  target_.waits_for_server = false;
  Add(queue_, target_, {"A"});
  Write(queue_);
  Refuse(queue_);
  EXPECT_THAT(target_.outcomes, ElementsAre(std::string(kLoading)));
  EXPECT_FALSE(queue_.is_holding());
}

TEST_F(HeldCommands, AreNoPartsOfATransaction) {
  queue_.Add(StageOf({{"MULTI"}, {"SET"}, {"EXEC"}}, {resp::Stage::kAsOne}), 3, target_, 0);
  Write(queue_);
  Answer(queue_, "OK");
  Refuse(queue_);
  Answer(queue_, "EXECABORT", true);
  EXPECT_THAT(target_.outcomes, ElementsAre("OK", std::string(kLoading), "EXECABORT"));
  EXPECT_FALSE(queue_.is_holding());
}

TEST_F(HeldCommands, DoNotWaitBehindOneThatBlocksAtTheServer) {
  Add(queue_, target_, {"GET"});
  Add(queue_, other_, {"BLPOP"}, kBlocking);
  Write(queue_);
  Refuse(queue_);
  EXPECT_THAT(target_.outcomes, ElementsAre(std::string(kLoading)));
  // By itself it is held like any other.
  Refuse(queue_);
  EXPECT_FALSE(queue_.has_blocking());
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"BLPOP"}}));
  EXPECT_TRUE(queue_.has_blocking());
}

TEST_F(HeldCommands, LetWhatIsHalfSentGoOnToItsEnd) {
  const std::string value(100'000, 'v');
  Add(queue_, other_, {"A"});
  queue_.Add(StageOf({{"SET", "k", value}, {"B"}}), 2, target_, 0);
  std::string stream = Write(queue_, 1000);
  Refuse(queue_);
  EXPECT_TRUE(queue_.can_send());
  stream += Write(queue_);
  EXPECT_EQ(stream, Resp({{"A"}, {"SET", "k", value}})) << "and no further";
  EXPECT_FALSE(queue_.can_send());
  Refuse(queue_);
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"A"}, {"SET", "k", value}, {"B"}}));
}

TEST_F(HeldCommands, LetATransactionThatBeganGoOnToItsEnd) {
  Add(queue_, other_, {"A"});
  const Commands transaction = {{"MULTI"}, {"SET", "k"}, {"SET", "l"}, {"EXEC"}};
  queue_.Add(StageOf(transaction, {resp::Stage::kAsOne}), 4, target_, 0);
  Add(queue_, target_, {"B"});
  std::string stream = Write(queue_, 30);
  EXPECT_EQ(queue_.in_flight(), 3u);
  Refuse(queue_);
  for (std::size_t most = 1; queue_.can_send(); ++most) stream += Write(queue_, most);
  EXPECT_EQ(stream, Resp({{"A"}}) + Resp(transaction));
  Answer(queue_, "OK");
  for (int i = 0; i < 2; ++i) Refuse(queue_);
  Answer(queue_, "EXECABORT", true);
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"A"}, {"B"}}));
}

TEST_F(HeldCommands, AreLostWithWhatIsInFlightAndDidNotRun) {
  for (const char* name : {"A", "B"}) Add(queue_, target_, {name});
  Write(queue_);
  Refuse(queue_);
  queue_.FailInFlight(kLost);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_DISCONNECTED", "!1 REDIS_DISCONNECTED?"));
  EXPECT_FALSE(queue_.has_unsent());
  EXPECT_FALSE(queue_.is_holding());
  EXPECT_EQ(queue_.TakeFailed(), 2u);
}

TEST_F(HeldCommands, OutliveALossOnceNothingIsInFlight) {
  Add(queue_, target_, {"A"});
  Write(queue_);
  Refuse(queue_);
  queue_.Requeue();
  queue_.FailInFlight(kLost);
  EXPECT_EQ(Write(queue_), Resp({{"A"}}));
}

TEST_F(HeldCommands, FailWithTheirTargetAndNobodyElses) {
  Add(queue_, target_, {"A"});
  Add(queue_, other_, {"B"});
  Add(queue_, target_, {"C"});
  Write(queue_);
  for (int i = 0; i < 2; ++i) Refuse(queue_);
  EXPECT_TRUE(queue_.HasPending(other_));
  queue_.Fail(target_, kLost);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_DISCONNECTED", "!1 REDIS_DISCONNECTED?"));
  EXPECT_FALSE(queue_.HasPending(target_));
  queue_.Abandon(other_);
  EXPECT_FALSE(queue_.HasPending(other_));
  EXPECT_EQ(queue_.unsent(), 0u);
  queue_.Answered();
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), "");
}

TEST_F(HeldCommands, FailAheadOfWhatFailsInPlace) {
  for (const char* name : {"A", "B"}) Add(queue_, target_, {name});
  Write(queue_);
  Refuse(queue_);
  queue_.FailInPlace(target_, kLost);
  EXPECT_EQ(target_.settled, 2u);
  EXPECT_THAT(target_.outcomes,
              ElementsAre("!1 REDIS_DISCONNECTED", "0 ahead: !1 REDIS_DISCONNECTED?"));
  Refuse(queue_);
  EXPECT_EQ(target_.settled, 2u) << "a turn that was kept";
}

TEST_F(HeldCommands, KeepTheirDeadlines) {
  Add(timed_, target_, {"A"}, 0, 0);
  Add(timed_, target_, {"B"}, 0, 50 * kMs);
  Write(timed_, resp::StageEncoder::kNoLimit, 50 * kMs);
  Refuse(timed_);
  timed_.FailOverdue(99 * kMs);
  EXPECT_EQ(target_.settled, 0u);
  timed_.FailOverdue(100 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("!1 REDIS_COMMAND_TIMEOUT"));
  EXPECT_EQ(timed_.next_deadline(), 150 * kMs);
  Refuse(timed_);
  timed_.Requeue();
  EXPECT_EQ(timed_.next_deadline(), 150 * kMs);
  timed_.FailOverdue(150 * kMs);
  EXPECT_EQ(target_.settled, 2u);
  EXPECT_FALSE(timed_.has_unsent());
  EXPECT_EQ(timed_.next_deadline(), kNever);
}

TEST_F(HeldCommands, OneThatWasToldToWaitHasTheTimeOfItsWaitAgain) {
  timed_.Add(StageOf({{"BLPOP"}}, {kBlocking}, 400), 1, target_, 0);
  Write(timed_, resp::StageEncoder::kNoLimit, 0);
  EXPECT_EQ(timed_.next_deadline(), 100 * kMs) << "a look too many does no harm";
  Refuse(timed_);
  timed_.Requeue();
  Write(timed_, resp::StageEncoder::kNoLimit, 50 * kMs);
  timed_.FailOverdue(1399 * kMs);
  EXPECT_EQ(target_.settled, 0u);
  timed_.FailOverdue(1400 * kMs);
  EXPECT_EQ(target_.settled, 1u);
}

TEST_F(HeldCommands, AreAskedForBeforeTheLastCommandOfAll) {
  Add(queue_, target_, {"A"});
  const std::string_view quit[] = {"QUIT"};
  queue_.AddLast(quit, target_, 0);
  EXPECT_EQ(Write(queue_), Resp({{"A"}}));
  EXPECT_FALSE(queue_.can_send());
  Refuse(queue_);
  queue_.Requeue();
  EXPECT_EQ(Write(queue_), Resp({{"A"}}));
  Answer(queue_, "a");
  EXPECT_TRUE(queue_.can_send());
  EXPECT_EQ(Write(queue_), Resp({{"QUIT"}}));
}

// The deadline of one that waits for ever counts from its sending, as nobody knows better: that of
// what was called behind it is over before.
TEST_F(HeldCommands, FailInTheirOrderThoughOneThatWaitsForEverIsAheadOfThem) {
  target_.keeps_turns = target_.waits_for_server = true;
  CommandQueue queue({.timeout_ms = 100, .grace_ms = 1000});
  queue.Add(StageOf({{"BLPOP", "l", "0"}, {"GET", "k"}}, {kBlocking}), 2, target_, 0);
  Write(queue, resp::StageEncoder::kNoLimit, 30 * kMs);
  for (int i = 0; i < 2; ++i) Refuse(queue);
  queue.Requeue();
  queue.FailOverdue(100 * kMs);
  EXPECT_THAT(target_.outcomes,
              ElementsAre("!1 REDIS_COMMAND_TIMEOUT", "!1 REDIS_COMMAND_TIMEOUT"));
  EXPECT_FALSE(queue.has_unsent());
}

// It is unsent again ahead of one that has failed out of turn, whose turn is to come.
TEST_F(HeldCommands, FailBeforeWhatFailsOutOfTurnBehindThem) {
  CommandQueue queue({.timeout_ms = 100, .grace_ms = 1000});
  queue.Add(StageOf({{"BLPOP", "l", "0"}}, {kBlocking}), 1, target_, 0);
  Write(queue, resp::StageEncoder::kNoLimit, 90 * kMs);
  Add(queue, target_, {"A"}, 0, 40 * kMs);
  Add(queue, target_, {"B"}, 0, 60 * kMs);
  Refuse(queue);
  queue.FailOverdue(150 * kMs);
  EXPECT_THAT(target_.outcomes, ElementsAre("1 ahead: !1 REDIS_COMMAND_TIMEOUT?"));
  queue.Requeue();
  queue.FailOverdue(165 * kMs);
  EXPECT_THAT(target_.outcomes,
              ElementsAre("1 ahead: !1 REDIS_COMMAND_TIMEOUT?", "!1 REDIS_COMMAND_TIMEOUT",
                          "1 ahead: !1 REDIS_COMMAND_TIMEOUT?"));
  EXPECT_EQ(target_.settled, 3u);
}

}  // namespace
}  // namespace sideloop::redis
