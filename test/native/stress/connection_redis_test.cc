// The connection against a real redis-server: what a scripted one can't prove, that the two
// understand each other. A failure here means replies that are not what Redis said, or that went
// astray while connections were killed under load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "stress/client.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

class RealServer : public testing::Test {
 protected:
  redis::Options options() const {
    redis::Options options = server_.options();
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    return options;
  }

  RedisServer server_;
};

TEST_F(RealServer, TenThousandPipelinedCommandsGetTheirOwnReplies) {
  constexpr std::size_t kCommands = 10'000;
  Client client(options());
  client.Open();
  client.On([&] {
    for (std::size_t i = 0; i < kCommands; ++i) client.SendOnLoop({"ECHO", std::to_string(i)});
  });
  ASSERT_TRUE(client.ledger.WaitFor(kCommands));
  const auto all = client.ledger.All();
  for (std::size_t i = 0; i < kCommands; ++i) ASSERT_EQ(all[i], std::to_string(i));
  EXPECT_GT(client.stats().peak_in_flight, 100u);
  EXPECT_LT(client.stats().writes, 100u) << "one write for all that a pass sent";
}

TEST_F(RealServer, SpeaksBothProtocols) {
  for (const int protocol : {3, 2}) {
    redis::Options chosen = options();
    chosen.protocol = protocol;
    Client client(chosen);
    client.OpenAndWait();
    const std::string binary("\0\r\n\xff", 4);
    client.Send({"SET", "binary", binary});
    client.Send({"GET", "binary"});
    client.Send({"GET", "nothing"});
    client.Send({"DEL", "hash"});
    client.Send({"HSET", "hash", "field", "1"});
    client.Send({"HGETALL", "hash"});
    client.Send({"INCR", "binary"});
    client.Send({"LPUSH", "binary", "x"});
    client.Send({"MULTI"});
    client.Send({"PING"});
    client.Send({"EXEC"});
    client.Send({"BLPOP", "empty", "0.05"}, resp::Stage::kBlocking);
    ASSERT_TRUE(client.ledger.WaitFor(12));
    EXPECT_THAT(client.ledger.All(),
                ElementsAre("OK", binary, "(nil)", testing::AnyOf(":0", ":1"), ":1", "[2]",
                            StartsWith("-ERR value is not an integer"), StartsWith("-WRONGTYPE"),
                            "OK", "QUEUED", "[1]", "(nil)"))
        << "protocol " << protocol;
  }
}

TEST_F(RealServer, AuthenticatesSelectsAndSetsItsName) {
  Client admin(options());
  admin.OpenAndWait();
  for (const int protocol : {3, 2}) {
    redis::Options chosen = options();
    chosen.protocol = protocol;
    chosen.password = "secret";
    chosen.db = 3;
    chosen.client_name = "tested";
    admin.Send({"CONFIG", "SET", "requirepass", "secret"});
    Client client(chosen);
    client.OpenAndWait();
    client.Send({"CLIENT", "GETNAME"});
    client.Send({"CLIENT", "LIST", "ID", "0"});
    client.Send({"SET", "k", "in 3"});
    ASSERT_TRUE(client.ledger.WaitFor(3));
    EXPECT_THAT(client.ledger.All(), ElementsAre("tested", "", "OK"));
    admin.Send({"SELECT", "3"});
    admin.Send({"GETDEL", "k"});
    ASSERT_TRUE(admin.ledger.WaitFor(protocol == 3 ? 3 : 6));
    EXPECT_EQ(admin.ledger.All().back(), "in 3");
  }
}

TEST_F(RealServer, ARefusedPasswordFailsThoseWhoWaitByName) {
  Client admin(options());
  admin.OpenAndWait();
  admin.Send({"CONFIG", "SET", "requirepass", "secret"});
  ASSERT_TRUE(admin.ledger.WaitFor(1));
  for (const char* password : {"wrong", ""}) {
    redis::Options chosen = options();
    chosen.password = password;
    Client client(chosen);
    client.Open();
    client.Send({"GET", "k"});
    ASSERT_TRUE(client.ledger.WaitFor(1));
    EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_AUTH")) << "password '" << password << "'";
    ASSERT_TRUE(client.WaitFor("closed REDIS_AUTH", 2)) << "the next attempt may fare better";
  }
}

TEST_F(RealServer, AnUnknownDatabaseIsAHandshakeError) {
  redis::Options chosen = options();
  chosen.db = 9999;
  Client client(chosen);
  client.Open();
  ASSERT_TRUE(client.WaitFor("closed REDIS_HANDSHAKE"));
}

TEST_F(RealServer, QuitEndsTheConnection) {
  Client client(options());
  client.OpenAndWait();
  client.Send({"PING"});
  client.Quit();
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(), ElementsAre("PONG", "OK"));
}

TEST_F(RealServer, APausedServerIsSilentAndItsConnectionIsGivenUp) {
  Client admin(options());
  admin.OpenAndWait();
  redis::Options chosen = options();
  chosen.silence_timeout_ms = 100;
  Client client(chosen);
  client.OpenAndWait();
  admin.Send({"CLIENT", "PAUSE", "60000", "WRITE"});
  ASSERT_TRUE(admin.ledger.WaitFor(1));
  client.Send({"SET", "k", "v"});
  ASSERT_TRUE(client.WaitFor("closed REDIS_SILENT"));
  admin.Send({"CLIENT", "UNPAUSE"});
  ASSERT_TRUE(client.WaitFor("ready", 2));
  client.Send({"GET", "k"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_SILENT?", "(nil)"));
}

TEST_F(RealServer, EveryCommandIsSettledOnceByItsOwnReplyWhileConnectionsAreKilled) {
  constexpr int kRounds = 60;
  Client admin(options());
  admin.OpenAndWait();
  Client client(options());
  client.OpenAndWait();
  std::mt19937_64 random = RandomOf(300);
  std::size_t sent = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::size_t batch = 1 + random() % 400;
    // Long replies are split by the socket's buffers, so that some are cut in the middle.
    const std::string ballast(random() % 4 == 0 ? 20'000 : 10, 'x');
    client.On([&] {
      for (std::size_t i = 0; i < batch; ++i) {
        client.SendOnLoop({"ECHO", std::to_string(sent++) + " " + ballast});
      }
    });
    if (random() % 2 == 0) admin.Send({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    if (random() % 4 == 0) {
      ASSERT_TRUE(client.ledger.WaitFor(sent));
    }
  }
  ASSERT_TRUE(client.ledger.WaitFor(sent));
  const auto all = client.ledger.All();
  ASSERT_EQ(all.size(), sent);
  std::size_t lost = 0;
  for (std::size_t i = 0; i < sent; ++i) {
    if (all[i] == "!REDIS_DISCONNECTED?") {
      ++lost;
    } else {
      ASSERT_THAT(all[i], StartsWith(std::to_string(i) + " ")) << "another command's reply";
    }
  }
  EXPECT_EQ(client.stats().failed, lost);
  EXPECT_GT(client.stats().connects, 1u) << "nothing was killed";
  ASSERT_TRUE(admin.WaitFor("ready"));
}

}  // namespace
}  // namespace sideloop::test
