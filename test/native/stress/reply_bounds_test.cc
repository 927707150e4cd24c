// Replies that a JS thread does not take. The test stands in for that thread: nothing is taken
// unless it says so. A failure here means memory without bound, a connection that never reads
// again, or clients that suffer for another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stress/event.h"
#include "stress/fake_server.h"
#include "stress/js_side.h"

namespace sideloop::test {
namespace {

constexpr std::size_t kText = 64 << 10;
constexpr std::size_t kBound = 256 << 10;

// Answers each ECHO with a text that begins with its number.
FakeServer::Script LargeEchoes() {
  return [](Peer& peer) {
    if (!peer.Greet()) return;
    while (const auto command = peer.Read()) {
      if (command->front() == "QUIT") return peer.Write("+OK\r\n");
      std::string text = command->at(1) + ":";
      text.resize(kText, 'x');
      peer.Write("$" + std::to_string(kText) + "\r\n" + text + "\r\n");
    }
  };
}

bool AllAreWhole(const JsSide& js) {
  for (std::size_t i = 0; i < js.settled.size(); ++i) {
    if (!js.settled[i].starts_with(std::to_string(i) + ":")) return false;
  }
  return true;
}

// Has more come than it takes, and waits until some of that is here.
bool Fill(JsSide& js, int commands) {
  const redis::ConnectionStats& stats = js.link().connection()->stats();
  return js.Echo(commands) && WaitUntil([&] { return stats.bytes_received > 2 * kText; });
}

const ReplyBounds kSmall = {.client = kBound, .thread = std::size_t{1} << 30};

TEST(ReplyBounds, AClientAloneReadsNoMoreAndGoesOnWhenThereIsRoom) {
  FakeServer server(LargeEchoes());
  JsSide js(server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  const redis::ConnectionStats& stats = js.link().connection()->stats();
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(js.Echo(30));
    // It has read up to its bound, and that is not all.
    ASSERT_TRUE(WaitUntil([&] { return stats.bytes_received > js.settled.size() * kText; }));
    ASSERT_TRUE(js.SettleAll());
  }
  EXPECT_TRUE(AllAreWhole(js));
  EXPECT_EQ(stats.failed, 0u);
}

TEST(ReplyBounds, AClientThatIsFullKeepsToItsBound) {
  FakeServer server(LargeEchoes());
  JsSide js(server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  FakeServer quick(LargeEchoes());
  JsSide other(js.link().connection()->loop(), quick.options());
  ASSERT_TRUE(other.SettleUntil([&] { return other.Saw("ready"); }));
  ASSERT_TRUE(js.Echo(100));
  // While this one, of the same loop, gets all of its own.
  ASSERT_TRUE(other.Echo(100));
  ASSERT_TRUE(other.SettleAll());
  EXPECT_LT(js.link().connection()->stats().bytes_received, kBound + 4 * kText);
  ASSERT_TRUE(js.SettleAll());
  EXPECT_TRUE(AllAreWhole(js));
}

TEST(ReplyBounds, ALostConnectionAndAnEndComeThroughAPause) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet()) return;
    if (peer.number() > 0) {
      while (const auto command = peer.Read()) peer.Write("+again\r\n");
      return;
    }
    const std::string text(kText, 'x');
    while (const auto command = peer.Read()) {
      peer.Write("$" + std::to_string(kText) + "\r\n" + text + "\r\n");
      if (command->at(1) == "5") break;
    }
  });
  JsSide js(server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  ASSERT_TRUE(Fill(js, 40));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_TRUE(js.settled.back().starts_with("!1\nREDIS_DISCONNECTED")) << js.settled.back();
  ASSERT_TRUE(js.Echo(1));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_EQ(js.settled.back(), "again");
  // Paused again, it ends with its environment.
}

TEST(ReplyBounds, WhoComesToAPausedConnectionIsNotHeldUp) {
  FakeServer server(LargeEchoes());
  JsSide js(server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  ASSERT_TRUE(Fill(js, 100));
  JsSide guest(js.link().connection());
  ASSERT_TRUE(guest.Echo(3));
  ASSERT_TRUE(guest.SettleAll());
  EXPECT_TRUE(AllAreWhole(guest));
  // Of the other one what was pending is rejected.
  ASSERT_TRUE(js.SettleAll());
  ASSERT_FALSE(js.failed_out_of_turn.empty());
  EXPECT_THAT(js.failed_out_of_turn, testing::Each(testing::HasSubstr("REDIS_REPLIES_FULL")));
  EXPECT_EQ(js.settled.back(), "");
  EXPECT_EQ(js.link().connection()->stats().connects, 1u);
  ASSERT_TRUE(js.Echo(1));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_TRUE(js.settled.back().starts_with("100:"));
  EXPECT_TRUE(guest.link().PostClose());
}

// The server holds back what it owes: what was rejected meanwhile must not look as if it were over.
TEST(ReplyBounds, WhatASharingClientLostIsPendingUntilItIsAnswered) {
  Event go;
  FakeServer server([&go](Peer& peer) {
    if (!peer.Greet()) return;
    while (const auto command = peer.Read()) {
      const std::string& number = command->at(1);
      if (number == "20" && !go.Wait()) return;
      std::string text = number + ":";
      text.resize(kText, 'x');
      peer.Write("$" + std::to_string(kText) + "\r\n" + text + "\r\n");
    }
  });
  JsSide js(server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  JsSide guest(js.link().connection());
  ASSERT_TRUE(guest.Echo(1));
  ASSERT_TRUE(guest.SettleAll());
  ASSERT_TRUE(js.Echo(100));
  const redis::ConnectionStats& stats = js.link().connection()->stats();
  // Nothing is taken until then, or there might be room all the time.
  ASSERT_TRUE(WaitUntil([&] { return stats.failed >= 80; }));
  js.Settle();
  EXPECT_LE(js.settled.size(), 20u);
  EXPECT_GE(stats.in_flight, 80u);
  go.Set();
  ASSERT_TRUE(js.SettleAll());
  EXPECT_EQ(js.settled.size(), 100u);
  // The next one meets its own reply.
  ASSERT_TRUE(js.Echo(1));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_TRUE(js.settled.back().starts_with("100:")) << js.settled.back();
  EXPECT_EQ(stats.failed, js.failed_out_of_turn.size());
  EXPECT_TRUE(guest.link().PostClose());
}

TEST(ReplyBounds, WhoDiesWhileItIsPausedHoldsNobodyUp) {
  FakeServer server(LargeEchoes());
  const std::shared_ptr<EventLoop> loop = StartLoop();
  {
    JsSide dies(loop, server.options(), kSmall);
    ASSERT_TRUE(dies.SettleUntil([&] { return dies.Saw("ready"); }));
    ASSERT_TRUE(Fill(dies, 100));
  }
  // Its QUIT stands behind a hundred replies, which are read and dropped.
  EXPECT_TRUE(loop->Stop(60'000));
}

// Between its ask and its end a loop takes no jobs, and yet it has to hear that there is room.
TEST(ReplyBounds, ALoopThatStopsWhileItRestsSettlesAllAndEnds) {
  FakeServer server(LargeEchoes());
  JsSide js(StartLoop(), server.options(), kSmall);
  ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
  ASSERT_TRUE(Fill(js, 100));
  EventLoop& loop = js.loop();
  ASSERT_TRUE(loop.StopThen(60'000, Job()));
  ASSERT_TRUE(js.SettleAll());
  EXPECT_TRUE(AllAreWhole(js));
  EXPECT_TRUE(loop.Join(60'000));
  EXPECT_EQ(js.link().connection()->stats().failed, 0u);
}

TEST(ReplyBounds, WhoDiesWhileItsLoopStopsHoldsTheEndUpForNobody) {
  FakeServer server(LargeEchoes());
  const std::shared_ptr<EventLoop> loop = StartLoop();
  {
    JsSide dies(loop, server.options(), kSmall);
    ASSERT_TRUE(dies.SettleUntil([&] { return dies.Saw("ready"); }));
    ASSERT_TRUE(Fill(dies, 100));
    ASSERT_TRUE(loop->StopThen(60'000, Job()));
  }
  EXPECT_TRUE(loop->Join(30'000));
}

}  // namespace
}  // namespace sideloop::test
