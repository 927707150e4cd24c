// Commands that meet a server which can't serve yet. A failure here means one that runs behind what
// was called after it, one that runs twice, or one that is never settled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "redis/command_queue.h"
#include "unit/queue_fixture.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::Queue;
using test::QueueTarget;
using test::Resp;
using test::StageOf;
using testing::ElementsAre;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint64_t kMs = kNsPerMs;
constexpr std::string_view kLoading = "LOADING Redis is loading the dataset in memory";
constexpr std::string_view kMasterDown = "MASTERDOWN Link with MASTER is down";
const Error kLost = {ErrorCode::kDisconnected, "lost"};

class HeldCommands : public Queue {
 protected:
  HeldCommands() {
    for (QueueTarget* target : {&target_, &other_}) {
      target->keeps_turns = target->waits_for_server = true;
    }
  }

  // The server answers the next command, as a connection hears of it.
  static void Say(CommandQueue& queue, std::string_view text, bool is_error = false) {
    const resp::Run run = queue.front();
    resp::ReplyTarget& target = run.is_settled ? queue.discard() : *run.target;
    queue.RejectHeld(*run.target);
    resp::ReplySink& sink = target.BeginReply(run.flags);
    if (is_error) {
      sink.OnError(text);
    } else {
      sink.OnText(text);
    }
    if (run.is_settled) run.target->BeginReply(0).OnNull();
    queue.Answered();
    (void)run.target->EndReply();
  }
  static void Refuse(CommandQueue& queue, std::string_view words = kLoading) {
    if (!queue.TryHold(words)) Say(queue, words, true);
  }
};

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
  Say(queue_, "ran");
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
  Say(queue_, "info");
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
  Say(queue_, "OK");
  Refuse(queue_);
  Say(queue_, "EXECABORT", true);
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
  Say(queue_, "OK");
  for (int i = 0; i < 2; ++i) Refuse(queue_);
  Say(queue_, "EXECABORT", true);
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

// Everything at once, against a server that runs what it does not refuse and knows in which order
// the commands of each client were called.
TEST_F(HeldCommands, RunOnceAtMostAndInOrderWhateverComesBetween) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t again = 0;
  for (int round = 0; round < 500; ++round) {
    CommandQueue queue({.timeout_ms = 50, .grace_ms = 50});
    QueueTarget targets[3];
    std::size_t given[3] = {};
    std::size_t last_run[3] = {};  // the number of the command that ran last
    for (QueueTarget& target : targets) target.keeps_turns = target.waits_for_server = true;
    std::deque<std::vector<std::string>> at_server;
    std::string unread;
    std::uint64_t now = 0;
    bool is_loading = false;
    const auto write = [&](std::size_t most) {
      unread += Write(queue, most, now);
      while (auto command = test::TakeCommand(unread)) at_server.push_back(std::move(*command));
    };
    const auto answer = [&] {
      if (at_server.empty() || queue.is_quiet()) return;
      const std::vector<std::string> command = std::move(at_server.front());
      at_server.pop_front();
      if (is_loading && command[0] != "INFO") {
        Refuse(queue);
      } else {
        const std::size_t which = std::stoul(command[1]);
        const std::size_t number = std::stoul(command[2]);
        ASSERT_GT(number, last_run[which]) << "it runs twice, or behind a later one";
        last_run[which] = number;
        Say(queue, "r");
      }
      if (queue.is_holding() && queue.is_quiet() && !queue.can_send()) {
        again += queue.unsent();
        queue.Requeue();
      }
    };
    for (int step = 0; step < 150; ++step) {
      const std::size_t which = random() % 3;
      now += random() % 5 * kMs;
      switch (random() % 10) {
        case 0:
        case 1: {
          Commands commands;
          std::vector<std::uint32_t> flags;
          for (std::size_t i = 0; i <= random() % 4; ++i) {
            commands.push_back({random() % 8 == 0 ? "INFO" : "X", std::to_string(which),
                                std::to_string(++given[which]),
                                std::string(random() % 3 * 15'000, 'x')});
            flags.push_back(random() % 16 == 0 ? kBlocking : 0);
          }
          queue.Add(StageOf(commands, flags), static_cast<std::uint32_t>(commands.size()),
                    targets[which], now);
          break;
        }
        case 2:
        case 3:
        case 4:
          write(1 + random() % 60'000);
          break;
        case 5:
        case 6:
        case 7:
          for (std::size_t i = random() % 6; i > 0; --i) answer();
          break;
        case 8:
          is_loading = random() % 2 == 0;
          queue.FailOverdue(now);
          break;
        case 9:
          if (random() % 6 == 0) {
            queue.FailInFlight(kLost);
            at_server.clear();
            unread.clear();
          }
          if (random() % 8 == 0) queue.Fail(targets[which], kLost);
          if (random() % 8 == 0) queue.FailInPlace(targets[which], kLost);
          break;
      }
      if (HasFatalFailure()) return;
    }
    queue.FailInFlight(kLost);
    queue.FailUnsent(kLost);
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(targets[i].settled, given[i]) << "round " << round << ", target " << i;
      ASSERT_FALSE(queue.HasPending(targets[i]));
    }
    ASSERT_EQ(queue.unsent(), 0u);
    ASSERT_EQ(queue.next_deadline(), kNever);
  }
  EXPECT_GT(again, 500u);
}

}  // namespace
}  // namespace sideloop::redis
