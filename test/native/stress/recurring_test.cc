// A command that repeats itself on the loop thread. A failure here means a lease that is renewed
// too seldom, for too long, or by the answer to another renewal; or a server that is met by a burst
// of them when it comes back.
#include "redis/recurring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "stress/client.h"
#include "stress/event.h"
#include "stress/fake_server.h"
#include "stress/redis_server.h"
#include "stress/repeater.h"

namespace sideloop::test {
namespace {

using redis::RecurringEnd;
using redis::RecurringOptions;
using redis::RecurringRun;
using Outcome = RecurringRun::Outcome;

// A server that answers each command by how many there were.
class Counting {
 public:
  explicit Counting(std::string reply = ":")
      : server_([this, reply](Peer& peer) {
          if (!peer.Greet()) return;
          while (peer.Skip(1)) {
            const int number = ++commands;
            peer.Write(reply + std::to_string(number) + "\r\n");
          }
        }) {}
  redis::Options options() const { return server_.options(); }

  std::atomic<int> commands = 0;

 private:
  FakeServer server_;
};

TEST(Recurring, RepeatsUntilItsCountAtTimesThatDoNotDrift) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW", "key"}, {.period_ms = 5, .timeout_ms = 10'000, .count = 10});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.end(), RecurringEnd::kCount);
  const auto runs = repeater.runs();
  ASSERT_EQ(runs.size(), 10u);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].number, i + 1);
    EXPECT_EQ(runs[i].outcome, Outcome::kOk);
    EXPECT_EQ(runs[i].reply.integer, static_cast<std::int64_t>(i + 1));
    // On the grid of the first, whenever the others were sent.
    EXPECT_EQ((runs[i].due_at - runs[0].due_at) % 5'000'000, 0u);
  }
  EXPECT_EQ(server.commands, 10);
  EXPECT_EQ(repeater.stats().sent, 10u);
  EXPECT_EQ(repeater.stats().ok, 10u);
  EXPECT_EQ(repeater.stats().jitter.count(), 10u);
}

TEST(Recurring, BeginsNoRunAfterItsTime) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"},
                    {.period_ms = 10, .first_after_ms = 0, .timeout_ms = 10'000, .for_ms = 35});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.end(), RecurringEnd::kTime);
  // Due at 0, 10, 20 and 30 ms; a busy machine may have skipped some.
  EXPECT_EQ(repeater.runs().size() + repeater.stats().skipped, 4u);
}

TEST(Recurring, ATimeBeforeTheFirstRunEndsItAtOnce) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 60'000, .for_ms = 10});
  repeater.Start();
  EXPECT_EQ(repeater.end(), RecurringEnd::kTime);
  EXPECT_EQ(server.commands, 0);
}

TEST(Recurring, TheObserverEndsIt) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 1, .timeout_ms = 10'000});
  repeater.on_run = [](const RecurringRun& run) { return run.number < 3; };
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.end(), RecurringEnd::kObserver);
  EXPECT_EQ(repeater.runs().size(), 3u);
}

TEST(Recurring, StopEndsItAndRunsUnderWayAreNotHeardOf) {
  Event arrived;
  Event stopped;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    arrived.Set();
    if (!stopped.Wait()) return;
    peer.Write("+late\r\n");
    if (peer.Skip(1)) peer.Write("+mine\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 1, .timeout_ms = 10'000, .max_unanswered = 1});
  repeater.Start();
  ASSERT_TRUE(arrived.Wait());
  repeater.Stop();
  EXPECT_EQ(repeater.end(), RecurringEnd::kStopped);
  // Its answer goes to nobody, and a command behind it gets its own.
  repeater.Destroy();
  client.Send({"GET"});
  stopped.Set();
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "mine");
}

TEST(Recurring, ALateAnswerIsNotTakenForThatOfALaterRun) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write(":1\r\n:2\r\n");
    for (int number = 3; peer.Skip(1); ++number) peer.Write(":" + std::to_string(number) + "\r\n");
  });
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"},
                    {.period_ms = 400, .first_after_ms = 0, .timeout_ms = 100, .count = 3});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  const auto runs = repeater.runs();
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].outcome, Outcome::kLate);
  EXPECT_GE(runs[0].settled_at, runs[0].sent_at + 100'000'000);
  for (std::size_t i = 1; i < 3; ++i) {
    if (runs[i].outcome != Outcome::kOk) continue;
    EXPECT_EQ(runs[i].reply.integer, static_cast<std::int64_t>(i + 1));
  }
  EXPECT_GE(repeater.stats().late, 1u);
}

TEST(Recurring, AnAnswerThatLiesUnreadBecauseTheLoopWasBusyIsInTime) {
  constexpr std::uint64_t kTimeoutMs = 300;
  std::atomic<EventLoop*> loop = nullptr;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    // Holds the loop thread past the deadline, and answers when the kernel has reported that: what
    // the loop finds then is first the deadline, and behind it the answer.
    auto held = std::make_shared<Event>();
    auto answered = std::make_shared<Event>();
    EXPECT_TRUE(loop.load()->Post([held, answered] {
      held->Set();
      EXPECT_TRUE(answered->Wait());
    }));
    EXPECT_TRUE(held->Wait());
    const std::uint64_t passed = Loop::Now() + (kTimeoutMs + 10) * 1'000'000;
    EXPECT_TRUE(WaitUntil([&] { return Loop::Now() > passed; }));
    peer.Write("+there\r\n");
    answered->Set();
    peer.KeepSilent();
  });
  Client client(server.options());
  loop = &client.loop();
  client.OpenAndWait();
  Repeater repeater(
      client, {"RENEW"},
      {.period_ms = 60'000, .first_after_ms = 0, .timeout_ms = kTimeoutMs, .count = 1});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.runs()[0].outcome, Outcome::kOk);
  EXPECT_EQ(repeater.runs()[0].reply.text, "there");
}

TEST(Recurring, ABusyLoopSendsOneRunForAllThatCameDue) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 5, .timeout_ms = 10'000, .count = 3});
  repeater.StartAndHoldLoop(60);
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(server.commands, 3);
  EXPECT_GE(repeater.stats().skipped, 5u);
  const auto runs = repeater.runs();
  EXPECT_EQ((runs[2].due_at - runs[0].due_at) % 5'000'000, 0u);
}

TEST(Recurring, AnErrorReplyIsAFailureAndTheNextRunFollows) {
  Counting server("-ERR no ");
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 2, .timeout_ms = 10'000, .count = 3});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  for (const RecurringRun& run : repeater.runs()) {
    EXPECT_EQ(run.outcome, Outcome::kFailed);
    EXPECT_EQ(run.error.code, ErrorCode::kReply);
    EXPECT_EQ(run.error.message, "ERR no " + std::to_string(run.number));
  }
  EXPECT_EQ(repeater.stats().failed, 3u);
}

TEST(Recurring, ASilentServerIsOwedAFewAnswersAndNoMore) {
  FakeServer server([](Peer& peer) {
    if (peer.Greet()) peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"},
                    {.period_ms = 2, .timeout_ms = 40, .count = 20, .max_unanswered = 3});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.stats().sent, 3u);
  EXPECT_EQ(repeater.stats().late, 3u);
  EXPECT_EQ(repeater.stats().failed, 17u);
  for (const RecurringRun& run : repeater.runs()) {
    EXPECT_EQ(run.sent_at == 0, run.outcome == Outcome::kFailed);
  }
}

TEST(Recurring, WhileTheConnectionIsDownOneRunWaitsAndTheOthersFail) {
  Event come_back;
  std::atomic<int> after = 0;
  FakeServer server([&](Peer& peer) {
    if (peer.number() == 0) {
      if (peer.Greet() && peer.Skip(1)) peer.Write("+OK\r\n");
      return;  // hangs up
    }
    if (!come_back.Wait() || !peer.Greet()) return;
    while (peer.Skip(1)) {
      ++after;
      peer.Write("+OK\r\n");
    }
  });
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 2, .timeout_ms = 2, .max_unanswered = 2});
  repeater.Start();
  ASSERT_TRUE(WaitUntil([&] { return repeater.stats().failed >= 30; }));
  // The first was answered, two at most were lost with the connection, and one waits.
  const std::uint64_t sent = repeater.stats().sent;
  EXPECT_LE(sent, 4u);
  come_back.Set();
  ASSERT_TRUE(WaitUntil([&] { return repeater.stats().ok >= 5; }));
  repeater.Stop();
  // All that the server got since is the one that waited, and those sent since.
  EXPECT_LE(static_cast<std::uint64_t>(after), repeater.stats().sent - sent + 1);
}

TEST(Recurring, TheEndOfTheConnectionEndsItWithARunUnderWay) {
  Event arrived;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    arrived.Set();
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 1, .timeout_ms = 60'000});
  repeater.Start();
  ASSERT_TRUE(arrived.Wait());
  client.Close();
  EXPECT_EQ(repeater.end(), RecurringEnd::kConnection);
  EXPECT_EQ(repeater.runs().front().error.code, ErrorCode::kClosed);
}

TEST(Recurring, TheEndOfTheConnectionEndsItBetweenRuns) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 20});
  repeater.Start();
  client.Close();
  ASSERT_TRUE(repeater.WaitForEnd());
  EXPECT_EQ(repeater.end(), RecurringEnd::kConnection);
}

TEST(Recurring, TheEndOfTheLoopEndsItAndDoesNotWaitForIt) {
  Counting server;
  Client client(server.options());
  client.OpenAndWait();
  Repeater repeater(client, {"RENEW"}, {.period_ms = 2});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForRuns(2));
  ASSERT_TRUE(client.loop().Stop(60'000));
  EXPECT_EQ(repeater.end(), RecurringEnd::kLoop);
}

TEST(Recurring, AFastOneOnARealServerLosesNothing) {
  RedisServer server;
  Client client(server.options());
  client.OpenAndWait();
  constexpr std::uint64_t kRuns = 200;
  Repeater repeater(client, {"INCR", "counter"},
                    {.period_ms = 1, .timeout_ms = 10'000, .count = kRuns});
  repeater.Start();
  ASSERT_TRUE(repeater.WaitForEnd());
  std::int64_t number = 0;
  for (const RecurringRun& run : repeater.runs()) {
    ASSERT_EQ(run.outcome, Outcome::kOk);
    ASSERT_EQ(run.reply.integer, ++number);
  }
  client.Send({"GET", "counter"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], std::to_string(kRuns));
}

}  // namespace
}  // namespace sideloop::test
