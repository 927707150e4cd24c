// The clocks of a connection, against a scripted server that is late, silent or gone. A failure
// here means a client that waits for ever, cuts off a server that is well, or settles a command by
// the late reply of another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stress/client.h"
#include "stress/fake_server.h"

namespace sideloop::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Not;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;

// Options for a port on which nothing listens.
redis::Options Refusing() {
  redis::Options options;
  {
    FakeServer gone([](Peer&) {});
    options = gone.options();
  }
  return options;
}

TEST(ConnectionDeadline, AHandshakeThatIsNeverAnsweredIsGivenUp) {
  FakeServer server([&](Peer& peer) {
    if (peer.number() == 0) return peer.KeepSilent();
    if (!peer.Greet() || !peer.Skip(1)) return;
    peer.Write("+served\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.connect_timeout_ms = 100;
  Client client(options);
  client.Open();
  client.Send({"GET"});
  ASSERT_TRUE(client.WaitFor("closed REDIS_CONNECT_TIMEOUT"));
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_THAT(client.ledger.All(), ElementsAre("served"));
}

TEST(ConnectionDeadline, AHandshakeThatIsHalfAnsweredIsGivenUp) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Skip(1)) return;
    peer.Write("%1\r\n+proto\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.connect_timeout_ms = 50;
  Client client(options);
  client.Open();
  ASSERT_TRUE(client.WaitFor("closed REDIS_CONNECT_TIMEOUT", 3));
  EXPECT_THAT(client.events(), Not(Contains("ready")));
}

TEST(ConnectionDeadline, SilenceWithACommandInFlightEndsTheConnection) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    if (peer.number() > 0) peer.Write("+served\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.silence_timeout_ms = 100;
  Client client(options);
  client.OpenAndWait();
  client.Send({"GET"});
  ASSERT_TRUE(client.WaitFor("closed REDIS_SILENT"));
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_SILENT?", "served"));
}

TEST(ConnectionDeadline, AnIdleConnectionMayBeSilent) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    while (peer.Skip(1)) peer.Write(":" + std::to_string(peer.number()) + "\r\n");
  });
  redis::Options options = server.options();
  options.silence_timeout_ms = 30;
  Client client(options);
  client.OpenAndWait();
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  client.LetPass(150);
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre(":0", ":0"));
}

TEST(ConnectionDeadline, SilenceIsNoFaultWhileABlockingCommandWaits) {
  Event answer;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    EXPECT_TRUE(answer.Wait());
    peer.Write("+popped\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.silence_timeout_ms = 30;
  options.command_timeout_ms = 30;
  Client client(options);
  client.OpenAndWait();
  client.Send({"BLPOP"}, kBlocking);
  client.LetPass(150);
  EXPECT_EQ(client.ledger.size(), 0u);
  answer.Set();
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_THAT(client.ledger.All(), ElementsAre("popped"));
  EXPECT_THAT(client.events(), ElementsAre("connecting", "connected", "ready"));
}

TEST(ConnectionDeadline, ATimedOutCommandsLateReplyIsSwallowedAndTheConnectionGoesOn) {
  Event answer;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    EXPECT_TRUE(answer.Wait());
    peer.Write("+late\r\n");
    peer.Write("-ERR late\r\n");
    if (!peer.Skip(1)) return;
    peer.Write("+third\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.command_timeout_ms = 100;
  Client client(options);
  client.OpenAndWait();
  client.Send({"FIRST"});
  client.Send({"SECOND"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  answer.Set();
  client.Send({"THIRD"});
  ASSERT_TRUE(client.ledger.WaitFor(3));
  EXPECT_THAT(client.ledger.All(),
              ElementsAre("!REDIS_COMMAND_TIMEOUT?", "!REDIS_COMMAND_TIMEOUT?", "third"));
  EXPECT_THAT(client.events(), ElementsAre("connecting", "connected", "ready"));
}

TEST(ConnectionDeadline, ACommandThatTimesOutInTheMiddleOfItsReplyIsSettledOnce) {
  Event answer;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    peer.Write("*2\r\n+half\r\n$8\r\nther");
    EXPECT_TRUE(answer.Wait());
    peer.Write("est.\r\n");
    if (!peer.Skip(1)) return;
    peer.Write("+next\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.command_timeout_ms = 100;
  Client client(options);
  client.OpenAndWait();
  client.Send({"FIRST"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  answer.Set();
  client.Send({"NEXT"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_COMMAND_TIMEOUT?", "next"));
}

TEST(ConnectionDeadline, ATimeoutIsKeptBehindOneThatHasPassed) {
  FakeServer server([&](Peer& peer) {
    if (peer.Greet()) peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.command_timeout_ms = 50;
  Client client(options);
  client.OpenAndWait();
  for (std::size_t i = 1; i <= 4; ++i) {
    client.Send({"GET"});
    ASSERT_TRUE(client.ledger.WaitFor(i)) << "command " << i << " was not timed";
  }
  EXPECT_THAT(client.ledger.All(), Each("!REDIS_COMMAND_TIMEOUT?"));
}

TEST(ConnectionDeadline, ATimeoutIsKeptBehindABlockingCommandOnceThatIsAnswered) {
  Event answer;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    EXPECT_TRUE(answer.Wait());
    peer.Write("+popped\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  options.command_timeout_ms = 100;
  Client client(options);
  client.OpenAndWait();
  client.Send({"BLPOP"}, kBlocking);
  client.Send({"GET"});
  client.LetPass(10);
  answer.Set();
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("popped", "!REDIS_COMMAND_TIMEOUT?"));
}

TEST(ConnectionDeadline, ATimeoutIsKeptWhileNobodyListens) {
  redis::Options options = Refusing();
  options.command_timeout_ms = 100;
  options.attempts_per_command = 1'000'000;
  Client client(options);
  client.Open();
  for (std::size_t i = 1; i <= 2; ++i) {
    client.Send({"GET"});
    ASSERT_TRUE(client.ledger.WaitFor(i));
  }
  EXPECT_THAT(client.ledger.All(), Each("!REDIS_COMMAND_TIMEOUT"));
}

TEST(ConnectionDeadline, ATimeoutIsKeptWhileTheHandshakeHangs) {
  FakeServer server([](Peer& peer) { peer.KeepSilent(); });
  redis::Options options = server.options();
  options.command_timeout_ms = 100;
  Client client(options);
  client.Open();
  ASSERT_TRUE(client.WaitFor("connected"));
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_COMMAND_TIMEOUT"));
}

TEST(ConnectionDeadline, WaitingCommandsFailAfterTheirAttemptsAndAreSafeToRepeat) {
  redis::Options options = Refusing();
  options.attempts_per_command = 3;
  Client client(options);
  client.Open();
  client.Send({"ONE"});
  client.Send({"TWO"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), Each("!REDIS_REFUSED"));
  ASSERT_TRUE(client.WaitFor("reconnecting", 5)) << "the connection itself must not give up";
}

TEST(ConnectionDeadline, WithoutReconnectTheFirstFailureIsTheEnd) {
  redis::Options options = Refusing();
  options.reconnect = false;
  Client client(options);
  client.Open();
  client.Send({"ONE"});
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_EQ(client.ledger.size(), 1u);
  client.Send({"TWO"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_EQ(client.ledger.All()[1], "!REDIS_CLOSED");
}

TEST(ConnectionDeadline, ANameThatDoesNotResolveHasItsOwnError) {
  redis::Options options;
  options.host = "no-such-host.invalid";
  options.attempts_per_command = 0;
  Client client(options);
  client.Open();
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_RESOLVE"));
}

}  // namespace
}  // namespace sideloop::test
