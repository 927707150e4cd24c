// What a connection's own callbacks may do to it: send, quit, close it, look how it stands. A
// failure here means a command that was never settled, one that is settled by what belongs to
// another, or a use after free: the client checks at its end that everything was settled once, and
// the sanitizers check the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stress/client.h"
#include "stress/fake_server.h"

namespace sideloop::test {
namespace {

using State = redis::Connection::State;
using testing::Each;
using testing::ElementsAre;

// Greets, and answers nothing.
void Greeting(Peer& peer) {
  if (peer.Greet()) peer.KeepSilent();
}

TEST(ConnectionCallbacks, CloseInsideAReplysCallback) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(3)) return;
    peer.Write(":1\r\n:2\r\n:3\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled == 1) client.CloseOnLoop();
    };
    for (int i = 0; i < 3; ++i) client.SendOnLoop({"GET"});
  });
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(), ElementsAre(":1", "!REDIS_CLOSED?", "!REDIS_CLOSED?"));
}

TEST(ConnectionCallbacks, SendingInsideAReplysCallback) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet()) return;
    while (peer.Skip(1)) peer.Write("+OK\r\n");
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled < 50) client.SendOnLoop({"GET"});
    };
    client.SendOnLoop({"GET"});
  });
  ASSERT_TRUE(client.ledger.WaitFor(50));
  EXPECT_THAT(client.ledger.All(), Each("OK"));
}

TEST(ConnectionCallbacks, CloseWhenToldOfTheLoss) {
  FakeServer server([](Peer& peer) {
    if (peer.Greet()) peer.Skip(1);
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.on_event = [&](const std::string& event) {
      if (event == "closed REDIS_DISCONNECTED") client.CloseOnLoop();
    };
    client.SendOnLoop({"GET"});
  });
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_DISCONNECTED?"));
}

TEST(ConnectionCallbacks, CloseInsideTheFailureOfACommand) {
  FakeServer server([](Peer& peer) {
    if (peer.Greet()) peer.Skip(2);
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled == 1) client.CloseOnLoop();
    };
    client.SendOnLoop({"ONE"});
    client.SendOnLoop({"BLPOP"}, resp::Stage::kBlocking);  // of another run
  });
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_EQ(client.ledger.size(), 2u);
}

TEST(ConnectionCallbacks, RepeatingACommandInsideItsFailureAtTheEndIsRefusedNotForgotten) {
  FakeServer server(Greeting);
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled <= 3) client.SendOnLoop({"AGAIN"});
    };
    client.SendOnLoop({"GET"});
  });
  client.Close();
  ASSERT_TRUE(client.ledger.WaitFor(4)) << "a command sent while the connection ended was lost";
}

TEST(ConnectionCallbacks, RepeatingACommandInsideItsFailureAtALossReachesTheNextConnection) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    if (peer.number() < 3) return;
    peer.Write("+at last\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled <= 3) client.SendOnLoop({"AGAIN"});
    };
    client.SendOnLoop({"GET"});
  });
  ASSERT_TRUE(client.ledger.WaitFor(4));
  EXPECT_EQ(client.ledger.All()[3], "at last");
}

// Or whoever looks first, and does not send where there is no connection, sends all the same.
TEST(ConnectionCallbacks, WhoIsToldOfALossFindsNoConnection) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2) || peer.number() == 0) return;
    peer.Write(":1\r\n:2\r\n");
    peer.KeepSilent();
  });
  std::vector<State> found;
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.on_event = [&](const std::string& event) {
      if (event == "closed REDIS_DISCONNECTED") found.push_back(client.connection().state());
    };
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled > 2) return;
      found.push_back(client.connection().state());
      client.SendOnLoop({"AGAIN"});
      // As the loop does before it sleeps.
      client.connection().Flush();
      client.connection().PauseReplies();
      EXPECT_FALSE(client.connection().is_paused());
    };
    client.SendOnLoop({"ONE"});
    client.SendOnLoop({"BLPOP"}, resp::Stage::kBlocking);  // of another run
  });
  ASSERT_TRUE(client.ledger.WaitFor(4));
  EXPECT_THAT(client.ledger.All(),
              ElementsAre("!REDIS_DISCONNECTED?", "!REDIS_DISCONNECTED?", ":1", ":2"));
  client.Close();
  EXPECT_THAT(found, ElementsAre(State::kLost, State::kLost, State::kLost));
}

TEST(ConnectionCallbacks, WhoIsToldOfAnEndFindsNoConnection) {
  FakeServer server(Greeting);
  std::vector<State> found;
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t) {
      found.push_back(client.connection().state());
      client.connection().Flush();
      client.connection().Break({ErrorCode::kSilent, "broken"});
    };
    client.SendOnLoop({"GET"});
    client.connection().Flush();
  });
  client.Close();
  EXPECT_THAT(found, ElementsAre(State::kLost));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_CLOSED?"));
}

// Its OK would be taken for the outcome of the second.
TEST(ConnectionCallbacks, QuitInsideTheFirstOfSeveralFailuresIsSettledBehindThem) {
  FakeServer server([](Peer& peer) {
    if (peer.Greet()) peer.Skip(2);
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled == 1) client.QuitOnLoop();
    };
    client.SendOnLoop({"ONE"});
    client.SendOnLoop({"BLPOP"}, resp::Stage::kBlocking);  // of another run
  });
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(),
              ElementsAre("!REDIS_DISCONNECTED?", "!REDIS_DISCONNECTED?", "!REDIS_DISCONNECTED"));
}

TEST(ConnectionCallbacks, CloseInsideTheFailureOfAWaitingCommand) {
  FakeServer server([](Peer& peer) { peer.KeepSilent(); });
  Client client(server.options());
  client.Open();
  client.On([&] {
    client.ledger.on_settled = [&](std::size_t settled) {
      if (settled == 1) client.CloseOnLoop();
    };
    for (int i = 0; i < 3; ++i) client.SendOnLoop({"GET"});
  });
  client.Close();
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_CLOSED", "!REDIS_CLOSED", "!REDIS_CLOSED"));
}

TEST(ConnectionCallbacks, CloseWhenToldOfTheClose) {
  FakeServer server(Greeting);
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.on_event = [&](const std::string& event) {
      if (event == "closed REDIS_CLOSED") client.CloseOnLoop();
    };
  });
  client.Close();
  EXPECT_THAT(client.events(),
              ElementsAre("connecting", "connected", "ready", "closed REDIS_CLOSED", "ended"));
}

}  // namespace
}  // namespace sideloop::test
