// A server that is found by its name. A failure here is a client that waits at an address that
// swallows what it gets, while the next one would answer; that waits for a resolver, while it knows
// where the server was; or that stays there, when the name has moved.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cross/resolver.h"
#include "stress/client.h"
#include "stress/fake_server.h"
#include "stress/listening.h"

namespace sideloop::test {
namespace {

// What the resolver asks; it hangs where it is told to.
class Dns {
 public:
  void Has(std::vector<std::string> addresses) { Set(std::move(addresses), false); }
  void Hangs() { Set({}, true); }

  Resolver::Answer Ask() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !hangs_; });
    Resolver::Answer answer;
    for (const auto& each : addresses_) {
      answer.addresses.push_back(*Address::Parse(each, 0));
    }
    return answer;
  }

 private:
  void Set(std::vector<std::string> addresses, bool hangs) {
    const std::lock_guard lock(mutex_);
    addresses_ = std::move(addresses);
    hangs_ = hangs;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> addresses_;
  bool hangs_ = false;
};

class ConnectByName : public testing::Test {
 protected:
  ConnectByName() {
    static Resolver& resolver = *new Resolver([](const std::string&, int) { return dns_.Ask(); });
    before_ = &Resolver::Shared();
    Resolver::SetShared(resolver);
  }
  ~ConnectByName() override {
    dns_.Has({});
    Resolver::SetShared(*before_);
  }

  static inline Dns& dns_ = *new Dns;

 private:
  Resolver* before_;
};

// A server that says where it is.
FakeServer::Script Saying(const char* where) {
  return [answer = std::string("+") + where + "\r\n"](Peer& peer) {
    if (!peer.Greet()) return;
    while (peer.Read()) peer.Write(answer);
  };
}

void Break(Client& client) {
  client.On([&] { client.connection().Break({ErrorCode::kDisconnected, "The test breaks it"}); });
}

TEST_F(ConnectByName, AnAddressThatSwallowsEverythingDoesNotHideTheNext) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    peer.Write("+here\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  const Hole hole("127.0.0.2", options.port);
  dns_.Has({"127.0.0.2", "127.0.0.1"});
  options.host = "server.example";
  options.connect_timeout_ms.reset();
  Client client(options);
  client.Open();
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "here");
}

TEST_F(ConnectByName, FailsWhereEveryAddressRefuses) {
  FakeServer server([](Peer&) {});
  redis::Options options = server.options();
  dns_.Has({"127.0.0.3", "127.0.0.4"});
  options.host = "server.example";
  options.attempts_per_command = 0;
  Client client(options);
  client.Open();
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "!REDIS_REFUSED");
}

TEST_F(ConnectByName, AReconnectDoesNotWaitForTheResolver) {
  FakeServer server(Saying("here"));
  redis::Options options = server.options();
  options.host = "server.example";
  options.connect_timeout_ms.reset();
  dns_.Has({"127.0.0.1"});
  Client client(options);
  client.OpenAndWait();
  dns_.Hangs();
  for (std::size_t times = 2; times <= 4; ++times) {
    Break(client);
    ASSERT_TRUE(client.WaitFor("ready", times));
  }
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "here");
}

TEST_F(ConnectByName, OneThatMayNotTakeLongDoesNotWaitForTheResolverEither) {
  FakeServer server(Saying("here"));
  redis::Options options = server.options();
  options.host = "server.example";
  dns_.Has({"127.0.0.1"});
  {
    Client first(options);
    first.OpenAndWait();
  }
  dns_.Hangs();
  options.connect_timeout_ms = 50;  // less than an answer is waited for
  Client second(options);
  second.OpenAndWait();
}

TEST_F(ConnectByName, AReconnectGoesWhereTheNameHasMoved) {
  FakeServer old(Saying("old"));
  redis::Options options = old.options();
  FakeServer young(Saying("young"), "127.0.0.2", options.port);
  options.host = "server.example";
  dns_.Has({"127.0.0.1"});
  Client client(options);
  client.OpenAndWait();
  dns_.Has({"127.0.0.2"});
  Break(client);
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "young");
}

TEST_F(ConnectByName, AnAnswerThatComesLateMovesTheConnection) {
  FakeServer old(Saying("old"));
  redis::Options options = old.options();
  FakeServer young(Saying("young"), "127.0.0.2", options.port);
  options.host = "server.example";
  dns_.Has({"127.0.0.1"});
  Client client(options);
  client.OpenAndWait();
  dns_.Hangs();
  Break(client);
  ASSERT_TRUE(client.WaitFor("ready", 2));
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  dns_.Has({"127.0.0.2"});
  ASSERT_TRUE(client.WaitFor("ready", 3));
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_EQ(client.ledger.All(), (std::vector<std::string>{"old", "young"}));
}

// One that accepts and is no server would be remembered for ever, and hide what the name has
// beside.
TEST_F(ConnectByName, AnAddressWhereTheGreetingFailsIsNotPreferredAgain) {
  FakeServer bad([](Peer& peer) {
    if (peer.number() == 0 && peer.Greet()) peer.KeepSilent();
  });
  redis::Options options = bad.options();
  FakeServer good(Saying("good"), "127.0.0.2", options.port);
  options.host = "server.example";
  dns_.Has({"127.0.0.1"});
  Client client(options);
  client.OpenAndWait();
  dns_.Has({"127.0.0.2", "127.0.0.1"});
  Break(client);
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "good");
}

}  // namespace
}  // namespace sideloop::test
