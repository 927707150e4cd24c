// A server of which a name has several addresses. A failure here is a client that waits at an
// address that swallows what it gets, while the next one would answer.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cross/resolver.h"
#include "stress/client.h"
#include "stress/fake_server.h"

namespace sideloop::test {
namespace {

// Listens at 127.0.0.2 and takes no connection: its queue is full, so that SYNs are dropped.
class Hole {
 public:
  explicit Hole(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = inet_addr("127.0.0.2");
    sockets_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(sockets_[0], reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(sockets_[0], 0), 0);
    for (int i = 0; i < 4; ++i) {
      sockets_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)connect(sockets_.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  ~Hole() {
    for (const int each : sockets_) close(each);
  }

 private:
  std::vector<int> sockets_;
};

std::vector<const char*> g_addresses;

Resolver::Answer AskTest(const std::string&, int) {
  Resolver::Answer answer;
  for (const char* each : g_addresses) answer.addresses.push_back(*net::Address::Parse(each, 0));
  return answer;
}

class ConnectByName : public testing::Test {
 protected:
  ConnectByName() {
    static Resolver& resolver = *new Resolver(&AskTest);
    before_ = &Resolver::Shared();
    Resolver::SetShared(resolver);
  }
  ~ConnectByName() override { Resolver::SetShared(*before_); }

 private:
  Resolver* before_;
};

TEST_F(ConnectByName, AnAddressThatSwallowsEverythingDoesNotHideTheNext) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    peer.Write("+here\r\n");
    peer.KeepSilent();
  });
  redis::Options options = server.options();
  const Hole hole(options.port);
  g_addresses = {"127.0.0.2", "127.0.0.1"};
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
  g_addresses = {"127.0.0.3", "127.0.0.4"};
  options.host = "server.example";
  options.attempts_per_command = 0;
  Client client(options);
  client.Open();
  client.Send({"WHERE"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_EQ(client.ledger.All()[0], "!REDIS_REFUSED");
}

}  // namespace
}  // namespace sideloop::test
