// Transactions in the queue of commands. A failure here means half of a transaction that runs as if
// it were none, or commands of others that are taken into one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "redis/command_queue.h"
#include "unit/queue_target.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::QueueTarget;
using test::StageOf;
using testing::ElementsAre;

constexpr std::uint64_t kMs = kNsPerMs;
const Error kLost = {ErrorCode::kDisconnected, "lost"};

Commands TransactionOf(std::size_t number, std::size_t length) {
  Commands commands = {{"MULTI"}};
  for (std::size_t i = 0; i < length; ++i) {
    commands.push_back({"PART", std::to_string(number), std::to_string(i)});
  }
  commands.push_back({"EXEC"});
  return commands;
}

void AddTransaction(CommandQueue& queue, QueueTarget& target, std::size_t number,
                    std::size_t length, std::uint64_t now = 0) {
  const Commands commands = TransactionOf(number, length);
  queue.Add(StageOf(commands, {resp::Stage::kAsOne}), static_cast<std::uint32_t>(commands.size()),
            target, now);
}

// What a server makes of the bytes of one connection.
class Server {
 public:
  void Take(std::string_view bytes) {
    unread_ += bytes;
    while (auto command = test::TakeCommand(unread_)) {
      ++whole;
      Run(*command);
    }
  }

  std::size_t whole = 0;  // commands that arrived
  std::size_t executed = 0;

 private:
  void Run(const std::vector<std::string>& command) {
    if (command[0] == "MULTI") {
      EXPECT_FALSE(is_open_) << "a transaction within one";
      is_open_ = true;
      parts_ = 0;
    } else if (command[0] == "EXEC") {
      EXPECT_TRUE(is_open_);
      EXPECT_EQ(parts_, kLength) << "a part is missing";
      is_open_ = false;
      ++executed;
    } else if (command[0] == "PART") {
      EXPECT_TRUE(is_open_) << "a part runs by itself";
      EXPECT_EQ(command[2], std::to_string(parts_++));
      if (parts_ == 1) number_ = command[1];
      EXPECT_EQ(command[1], number_) << "parts of two transactions";
    } else {
      EXPECT_FALSE(is_open_) << "a command of another was taken into a transaction";
    }
  }

 public:
  static constexpr std::size_t kLength = 5;

 private:
  std::string unread_;
  bool is_open_ = false;
  std::size_t parts_ = 0;
  std::string number_;
};

// Losses, deadlines and targets that leave, between any two slices.
TEST(TransactionQueue, IsSentWholeOrNotAtAll) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::size_t executed = 0;
  for (int round = 0; round < 500; ++round) {
    CommandQueue queue({.timeout_ms = 40, .grace_ms = 40});
    QueueTarget targets[3];
    targets[2].keeps_turns = true;
    std::size_t added[3] = {};
    Server server;
    std::size_t answered = 0;
    std::uint64_t now = 0;
    const auto answer = [&](std::size_t most) {
      for (; most > 0 && answered < server.whole && !queue.is_quiet(); --most, ++answered) {
        const resp::Run run = queue.front();
        resp::ReplyTarget& target = run.is_settled ? queue.discard() : *run.target;
        target.BeginReply(run.flags).OnText("ok");
        if (run.is_settled) run.target->BeginReply(0).OnNull();
        queue.Answered();
        (void)run.target->EndReply();
      }
    };
    const auto write = [&](std::size_t most) {
      ByteBuffer out;
      queue.Encode(out, most, now);
      server.Take(out.view());
    };
    const auto lose = [&] {
      queue.FailInFlight(kLost);
      executed += server.executed;
      server = Server();
      answered = 0;
    };
    for (std::size_t step = 0; step < 80; ++step) {
      const std::size_t which = random() % 3;
      now += random() % 3 * kMs;
      switch (random() % 10) {
        case 0:
        case 1:
          AddTransaction(queue, targets[which], step, Server::kLength, now);
          added[which] += Server::kLength + 2;
          break;
        case 2:
          queue.Add(StageOf({{"GET", "a"}, {"GET", "b"}}), 2, targets[which], now);
          added[which] += 2;
          break;
        case 3:
          lose();
          break;
        case 4:
          queue.FailOverdue(now);
          break;
        case 5:
          if (random() % 4 == 0) queue.Fail(targets[which], kLost);
          break;
        case 6:
          answer(random() % 8);
          break;
        default:
          write(1 + random() % 60);
      }
    }
    while (queue.has_unsent()) write(1 << 20);
    answer(SIZE_MAX);
    EXPECT_TRUE(queue.is_quiet());
    executed += server.executed;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(targets[i].settled, added[i]);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(executed, 500u);
}

TEST(TransactionQueue, WhatALossLeavesOfItIsSafeToRepeat) {
  CommandQueue queue({});
  QueueTarget target;
  AddTransaction(queue, target, 0, Server::kLength);
  ByteBuffer out;
  EXPECT_EQ(queue.Encode(out, 40, 0), 2u);
  queue.FailInFlight(kLost);
  EXPECT_FALSE(queue.has_unsent());
  EXPECT_THAT(target.outcomes, ElementsAre("!1 REDIS_DISCONNECTED?", "!1 REDIS_DISCONNECTED?",
                                           "!5 REDIS_DISCONNECTED"));
}

TEST(TransactionQueue, OneThatHasNotBegunGoesOutOnTheNextConnection) {
  CommandQueue queue({});
  QueueTarget target;
  AddTransaction(queue, target, 0, Server::kLength);
  queue.FailInFlight(kLost);
  ByteBuffer out;
  EXPECT_EQ(queue.Encode(out, resp::StageEncoder::kNoLimit, 0), Server::kLength + 2);
  EXPECT_EQ(std::string(out.view()), test::Resp(TransactionOf(0, Server::kLength)));
}

TEST(TransactionQueue, GoesOnToItsEndWhereItsTargetLeaves) {
  for (const bool dies : {false, true}) {
    CommandQueue queue({});
    QueueTarget target;
    QueueTarget other;
    AddTransaction(queue, target, 0, Server::kLength);
    queue.Add(StageOf({{"GET", "a"}}), 1, other, 0);
    Server server;
    ByteBuffer out;
    queue.Encode(out, 40, 0);
    if (dies) {
      queue.Abandon(target);
    } else {
      queue.Fail(target, kLost);
    }
    queue.Encode(out, resp::StageEncoder::kNoLimit, 0);
    server.Take(out.view());
    EXPECT_EQ(server.executed, 1u);
    EXPECT_EQ(server.whole, Server::kLength + 3);
    EXPECT_EQ(target.settled, dies ? 0u : Server::kLength + 2);
  }
}

}  // namespace
}  // namespace sideloop::redis
