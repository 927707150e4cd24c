// What moves delayed jobs to their streams, on a real server. A failure here means a job that runs
// early, twice, or never; or a loop that never sleeps because of one that can't be moved.
#include "lease/delayed_jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>

#include "stress/fake_server.h"
#include "stress/moving.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

constexpr char kHigh[] = "{q}:high";
constexpr char kLow[] = "{q}:low";
constexpr char kDelayed[] = "{q}:delayed";

std::string MetaOf(const std::string& id) {
  return R"({"id":")" + id + R"(","attempt":0,"history":[]})";
}

TEST(DelayedJobs, MovesEachJobOnceInTheOrderOfDueTimesAndNeverEarly) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  auto random = RandomOf(1);
  constexpr std::uint64_t kJobs = 200;
  for (std::uint64_t i = 0; i < kJobs; ++i) {
    const std::string id = std::to_string(i);
    console.AddDelayed(id, static_cast<std::int64_t>(random() % 300), kLow,
                       {"n", id, "due", "DUE"});
  }
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(kJobs));
  EXPECT_EQ(console.Ask({"ZCARD", kDelayed}).integer, 0);
  const auto entries = console.HeldEntries(kLow);
  ASSERT_EQ(entries.size(), kJobs);
  std::set<std::string> seen;
  std::uint64_t last_due = 0;
  for (const auto& entry : entries) {
    ASSERT_EQ(entry.words.size(), 6u);
    EXPECT_TRUE(seen.insert(entry.words[1]).second) << "moved twice";
    const std::uint64_t due = std::stoull(entry.words[3]);
    EXPECT_GE(entry.at(), due) << "moved early";
    EXPECT_GE(due, last_due) << "moved out of order";
    last_due = due;
    EXPECT_EQ(entry.words[4], "sideloop");
    EXPECT_EQ(entry.words[5], MetaOf(entry.words[1]));
  }
  EXPECT_TRUE(moving.failures().empty());
}

TEST(DelayedJobs, TwoOnOneSetMoveEachJobOnce) {
  RedisServer server;
  Console console(server.options());
  Client clients[] = {Client(server.options()), Client(server.options())};
  constexpr std::uint64_t kJobs = 300;
  auto random = RandomOf(2);
  for (std::uint64_t i = 0; i < kJobs; ++i) {
    const std::string id = std::to_string(i);
    console.AddDelayed(id, static_cast<std::int64_t>(random() % 200), i % 2 == 0 ? kHigh : kLow,
                       {"n", id});
  }
  auto options = Moving::Options();
  options.limit = 7;
  for (Client& client : clients) client.OpenAndWait();
  Moving first(clients[0], options);
  Moving second(clients[1], options);
  first.RunNow();
  second.RunNow();
  ASSERT_TRUE(WaitUntil([&] { return first.moved() + second.moved() >= kJobs; }));
  EXPECT_EQ(first.moved() + second.moved(), kJobs);
  std::set<std::string> seen;
  for (const char* stream : {kHigh, kLow}) {
    for (const auto& entry : console.HeldEntries(stream)) {
      EXPECT_TRUE(seen.insert(entry.words[1]).second) << "moved twice";
    }
  }
  EXPECT_EQ(seen.size(), kJobs);
}

TEST(DelayedJobs, AJobThatIsDueEarlierIsMovedAfterARunThatLearnsOfIt) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  Moving moving(client);
  console.AddDelayed("late", 3'600'000, kLow, {"n", "late"});
  moving.RunNow();
  console.AddDelayed("soon", 30, kLow, {"n", "soon", "due", "DUE"});
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  const auto entries = console.HeldEntries(kLow);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].words[1], "soon");
  EXPECT_GE(entries[0].at(), std::stoull(entries[0].words[3]));
  EXPECT_EQ(console.Ask({"ZCARD", kDelayed}).integer, 1);
}

TEST(DelayedJobs, WhatIsBeyondTheLimitFollowsAtOnce) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  for (int i = 0; i < 100; ++i) console.AddDelayed(std::to_string(i), 0, kLow, {"n", "1"});
  auto options = Moving::Options();
  options.limit = 7;
  Moving moving(client, options);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(100));
  EXPECT_EQ(moving.stats().runs, 15u);
}

TEST(DelayedJobs, FieldsMayHoldAnyBytes) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::string large(300'000, '\xff');
  console.AddDelayed("a\"\\b", 0, kHigh, {all, "\r\n$5\r\n", "", large, "n", "3"});
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  const auto entries = console.HeldEntries(kHigh);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].words,
            (std::vector<std::string>{all, "\r\n$5\r\n", "", large, "n", "3", "sideloop",
                                      R"({"id":"a\"\\b","attempt":0,"history":[]})"}));
}

TEST(DelayedJobs, TheMetadataOfARetryGoesWithIt) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  const std::string meta = R"({"id":"7-0","attempt":2,"history":[{"attempt":1}]})";
  console.AddDelayed("7-0", 0, kHigh, {"n", "1"}, meta);
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  EXPECT_EQ(console.HeldEntries(kHigh).at(0).words.at(3), meta);
}

TEST(DelayedJobs, RunsAskedForMeanwhileAreOne) {
  Event arrived;
  Event go_on;
  std::atomic<int> scripts = 0;
  Event second;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    while (peer.Skip(1)) {
      if (++scripts == 2) second.Set();
      arrived.Set();
      if (!go_on.Wait()) return;
      peer.Write("*4\r\n:0\r\n:-1\r\n:0\r\n$0\r\n\r\n");
    }
  });
  Client client(server.options());
  client.OpenAndWait();
  Moving moving(client);
  moving.RunNow(50);
  ASSERT_TRUE(arrived.Wait());
  moving.RunNow(50);
  EXPECT_EQ(moving.stats().runs, 1u);
  go_on.Set();
  ASSERT_TRUE(second.Wait());
  // The set has no jobs: it sleeps.
  client.LetPass(30);
  EXPECT_EQ(scripts, 2);
}

TEST(DelayedJobs, SendsNothingWhileTheConnectionIsDownAndGoesOnWhenItIsBack) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  Moving moving(client);
  client.on_event = [&](const std::string& event) {
    if (event == "ready") moving.delayed_jobs().OnReady();
  };
  moving.RunNow(3);
  EXPECT_EQ(moving.stats().runs, 0u);
  client.OpenAndWait();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    console.AddDelayed(std::to_string(i), 20, kLow, {"n", std::to_string(i)});
    moving.RunNow();
    console.Ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    ASSERT_TRUE(client.WaitFor("ready", i + 1));
    // The answer of a script that did run may be lost.
    ASSERT_TRUE(WaitUntil([&] { return console.HeldEntries(kLow).size() >= i; }));
  }
  EXPECT_EQ(console.HeldEntries(kLow).size(), 5u);
}

TEST(DelayedJobs, StopLetsGoOfAScriptUnderWay) {
  Event arrived;
  Event stopped;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    arrived.Set();
    if (!stopped.Wait()) return;
    peer.Write("*4\r\n:5\r\n:0\r\n:0\r\n$0\r\n\r\n");
    if (peer.Skip(1)) peer.Write("+mine\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  {
    Moving moving(client);
    moving.RunNow();
    ASSERT_TRUE(arrived.Wait());
    moving.Stop();
    moving.RunNow();
    EXPECT_EQ(moving.stats().runs, 1u);
    EXPECT_EQ(moving.moved(), 0u);
  }
  client.Send({"GET"});
  stopped.Set();
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "mine");
}

TEST(DelayedJobs, AnswersThatAreNoneAreFailures) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    for (const char* answer : {"+OK\r\n", "*0\r\n", "*4\r\n:1\r\n:1\r\n:1\r\n:1\r\n", "_\r\n"}) {
      if (!peer.Skip(1)) return;
      peer.Write(answer);
    }
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForFailures(4));
  EXPECT_EQ(moving.moved(), 0u);
  for (const Error& error : moving.failures()) EXPECT_EQ(error.code, ErrorCode::kProtocol);
}

TEST(DelayedJobs, ItsObserverMayStopIt) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  for (int i = 0; i < 10; ++i) console.AddDelayed(std::to_string(i), 0, kLow, {"n", "1"});
  auto options = Moving::Options();
  options.limit = 3;
  Moving moving(client, options);
  moving.on_moved = [&] { moving.delayed_jobs().Stop(); };
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(3));
  EXPECT_EQ(moving.stats().runs, 1u);
  EXPECT_EQ(console.Ask({"ZCARD", kDelayed}).integer, 7);
}

TEST(DelayedJobs, ItsObserverMayAskForARun) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  for (int i = 0; i < 10; ++i) console.AddDelayed(std::to_string(i), 0, kLow, {"n", "1"});
  auto options = Moving::Options();
  options.limit = 3;
  Moving moving(client, options);
  moving.on_moved = [&] { moving.delayed_jobs().RunNow(); };
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(10));
  EXPECT_EQ(console.HeldEntries(kLow).size(), 10u);
}

TEST(DelayedJobs, TheEndOfTheConnectionEndsIt) {
  RedisServer server;
  Client client(server.options());
  client.OpenAndWait();
  Moving moving(client);
  client.Close();
  moving.RunNow();
  EXPECT_EQ(moving.stats().runs, 0u);
  EXPECT_TRUE(moving.failures().empty());
}

TEST(DelayedJobs, TheEndOfTheLoopEndsItAndDoesNotWaitForIt) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  console.AddDelayed("a", 3'600'000, kLow, {"n", "a"});
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(WaitUntil([&] { return moving.stats().runs == 1; }));
  ASSERT_TRUE(client.loop().Stop(60'000));
  EXPECT_FALSE(moving.delayed_jobs().running());
}

}  // namespace
}  // namespace sideloop::test
