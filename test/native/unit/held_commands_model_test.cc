// Commands that are held, against a model of a server. A failure here means one that runs behind what
// was called after it, one that runs twice, or one that is never settled.
#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "unit/held_fixture.h"

namespace sideloop::redis {
namespace {

using test::Commands;
using test::HeldCommands;
using test::QueueTarget;
using test::StageOf;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint64_t kMs = kNsPerMs;
const Error kLost = {ErrorCode::kDisconnected, "lost"};

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
        Answer(queue, "r");
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
