// A Redis connection as a JS thread holds it: commands cross by a post or are written on the spot,
// replies come back through the outbox. A failure here means promises settled out of order, twice
// or never, because two threads disagreed about what was written first.
#include "links/redis_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stress/client.h"
#include "stress/event.h"
#include "stress/fake_server.h"
#include "stress/js_side.h"
#include "stress/loop_thread.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using testing::ElementsAre;

// Answers each ECHO, the second and those behind it only when the gate is open.
FakeServer::Script EchoThroughGate(Event& arrived, Event& gate) {
  return [&](Peer& peer) {
    if (!peer.Greet()) return;
    while (const auto command = peer.Read()) {
      if (command->at(1) == "1") {
        arrived.Set();
        EXPECT_TRUE(gate.Wait());
      }
      peer.Write("+" + command->at(1) + "\r\n");
    }
  };
}

TEST(RedisLink, ALoneCommandIsSentWhileTheLoopThreadIsBusy) {
  Event arrived;
  Event gate;
  FakeServer server(EchoThroughGate(arrived, gate));
  JsSide js(server.options());
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  ASSERT_TRUE(js.Echo(1));
  ASSERT_TRUE(js.SettleAll());
  {
    Barrier barrier(js.loop());
    ASSERT_TRUE(js.Echo(1));
    ASSERT_TRUE(arrived.Wait()) << "the command waited for the loop thread";
    gate.Set();
  }
  ASSERT_TRUE(js.SettleAll());
  EXPECT_THAT(js.settled, ElementsAre("0", "1"));
}

TEST(RedisLink, AStopWaitsForACommandThatTheLoopThreadHasNotHeardOf) {
  Event arrived;
  Event gate;
  FakeServer server(EchoThroughGate(arrived, gate));
  JsSide js(server.options());
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  ASSERT_TRUE(js.Echo(1));
  ASSERT_TRUE(js.SettleAll());
  {
    Barrier barrier(js.loop());
    ASSERT_TRUE(js.Echo(1));
    ASSERT_TRUE(arrived.Wait());
    ASSERT_TRUE(js.loop().StopThen(60'000, [] {}));
  }
  gate.Set();
  EXPECT_TRUE(js.loop().Join(60'000));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_THAT(js.settled, ElementsAre("0", "1"));
}

TEST(RedisLink, ACommandWrittenOnTheSpotFailsWithItsConnection) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 0) {
      if (!peer.Skip(1)) return;
      peer.Write("+0\r\n");
      peer.Skip(1);  // and hangs up
      return;
    }
    while (const auto command = peer.Read()) peer.Write("+" + command->at(1) + "\r\n");
  });
  JsSide js(server.options());
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(js.Echo(1));
    ASSERT_TRUE(js.SettleAll());
  }
  EXPECT_EQ(js.settled[0], "0");
  EXPECT_THAT(js.settled[1], testing::StartsWith("!1\nREDIS_DISCONNECTED"));
  EXPECT_EQ(js.settled[2], "2");
}

TEST(RedisLink, AnEnvironmentMayGoAwayWithCommandsInFlight) {
  Event arrived;
  Event gate;
  FakeServer server(EchoThroughGate(arrived, gate));
  {
    JsSide js(server.options());
    ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
    ASSERT_TRUE(js.Echo(4));
    ASSERT_TRUE(arrived.Wait());
    js.outbox().Close();  // its cleanup hook
    gate.Set();
  }
  // What came after was dropped and freed, says LeakSanitizer, and nobody was rung.
}

class LinkToRedis : public testing::Test {
 protected:
  redis::Options options() const {
    redis::Options options = server_.options();
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    return options;
  }
  RedisServer server_;
};

TEST_F(LinkToRedis, BothWaysOfSendingKeepTheOrder) {
  std::mt19937_64 random = RandomOf(400);
  JsSide js(options());
  for (int turn = 0; turn < 3000; ++turn) {
    ASSERT_TRUE(js.Echo(static_cast<std::uint32_t>(1 + random() % 6)));
    // Now waiting for all, now for nothing: so that now the one way is taken and now the other.
    if (random() % 2 == 0) {
      ASSERT_TRUE(js.SettleAll());
    } else {
      js.Settle();
    }
  }
  ASSERT_TRUE(js.SettleAll());
  ASSERT_EQ(js.settled.size(), js.sent());
  for (std::size_t i = 0; i < js.sent(); ++i) ASSERT_EQ(js.settled[i], std::to_string(i));
}

TEST_F(LinkToRedis, BothWaysOfSendingSettleEverythingOnceWhileConnectionsAreKilled) {
  std::mt19937_64 random = RandomOf(401);
  Client admin(options());
  admin.OpenAndWait();
  JsSide js(options());
  for (int turn = 0; turn < 800; ++turn) {
    ASSERT_TRUE(js.Echo(static_cast<std::uint32_t>(1 + random() % 6)));
    if (random() % 16 == 0) admin.Send({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    if (random() % 2 == 0) {
      ASSERT_TRUE(js.SettleAll()) << "a command was never settled";
    } else {
      js.Settle();
    }
  }
  ASSERT_TRUE(js.SettleAll());
  ASSERT_EQ(js.settled.size(), js.sent());
  std::size_t replies = 0;
  for (std::size_t i = 0; i < js.sent(); ++i) {
    if (js.settled[i].starts_with("!1\nREDIS_DISCONNECTED")) continue;
    ASSERT_EQ(js.settled[i], std::to_string(i)) << "another command's reply";
    ++replies;
  }
  EXPECT_GT(replies, 0u);
  EXPECT_TRUE(js.Saw("reconnecting")) << "nothing was killed";
}

}  // namespace
}  // namespace sideloop::test
