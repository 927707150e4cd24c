// The end of a connection, at each stage of its life. A failure here means a command that was never
// settled, a use after free, or a loop that can't end: the client checks at its end that everything
// was settled once, and the sanitizers check the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "stress/client.h"
#include "stress/fake_server.h"

namespace sideloop::test {
namespace {

using testing::Contains;
using testing::ElementsAre;

// Greets, and answers nothing.
void Greeting(Peer& peer) {
  if (peer.Greet()) peer.KeepSilent();
}

TEST(ConnectionEnd, QuitComesBehindAllThatWasSent) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write(":1\r\n:2\r\n");
    const auto quit = peer.Read();
    if (quit && quit->at(0) == "QUIT") peer.Write("+OK\r\n");
  });
  Client client(server.options());
  client.OpenAndWait();
  client.On([&] {
    client.SendOnLoop({"ONE"});
    client.SendOnLoop({"TWO"});
  });
  client.Quit();
  client.Send({"TOO LATE"});
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(),
              testing::UnorderedElementsAre(":1", ":2", "OK", "!REDIS_CLOSED"));
}

TEST(ConnectionEnd, QuitOfAConnectionThatIsNotUpEndsItAtOnce) {
  FakeServer server([](Peer& peer) { peer.KeepSilent(); });
  Client client(server.options());
  client.Open();
  client.Quit();
  ASSERT_TRUE(client.WaitFor("ended"));
  EXPECT_THAT(client.ledger.All(), ElementsAre("OK"));
}

// ---- The loop's end, at each stage ----

TEST(ConnectionEnd, TheLoopStopsWhileANameIsResolved) {
  redis::Options options;
  options.host = "localhost";
  Client client(options);
  // All threads of libuv's pool are held, so that the lookup waits for one.
  struct Held {
    Event open;
    std::atomic<int> holding = 0;
  };
  const auto held = std::make_shared<Held>();
  struct Work {
    uv_work_t request;
    std::shared_ptr<Held> held;
  };
  constexpr int kPool = 4;
  client.On([&] {
    for (int i = 0; i < kPool; ++i) {
      auto* work = new Work{{}, held};
      work->request.data = work;
      uv_queue_work(
          client.loop().loop().uv(), &work->request,
          [](uv_work_t* request) {
            auto* working = static_cast<Work*>(request->data);
            ++working->held->holding;
            EXPECT_TRUE(working->held->open.Wait());
          },
          [](uv_work_t* request, int) { delete static_cast<Work*>(request->data); });
    }
  });
  ASSERT_TRUE(WaitUntil([&] { return held->holding == kPool; }));
  client.Open();
  client.Send({"GET"});
  // The loop can't end before the pool's threads, which are ours, let go of it.
  Event stopping;
  ASSERT_TRUE(client.loop().StopThen(0, [&] { stopping.Set(); }));
  ASSERT_TRUE(stopping.Wait());
  EXPECT_THAT(client.ledger.All(), ElementsAre("!STOPPED"));
  held->open.Set();
}

// A port that accepts the connection only into the kernel's queue, if at all.
class DeafListener {
 public:
  DeafListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 0), 0);
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    // Fills the queue, so that Linux drops what asks next and the client is left connecting.
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
  }
  ~DeafListener() {
    for (const int filler : fillers_) close(filler);
    close(fd_);
  }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
  int fillers_[3];
};

TEST(ConnectionEnd, TheLoopStopsWhileItConnects) {
  const DeafListener listener;
  redis::Options options;
  options.port = listener.port();
  Client client(options);
  client.Open();
  client.Send({"GET"});
  EXPECT_TRUE(client.loop().Stop(0));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!STOPPED"));
  EXPECT_THAT(client.events(), ElementsAre("connecting", "closed STOPPED", "ended"));
}

TEST(ConnectionEnd, AConnectThatHangsIsGivenUpAtItsDeadline) {
  const DeafListener listener;
  redis::Options options;
  options.port = listener.port();
  options.connect_timeout_ms = 50;
  Client client(options);
  client.Open();
  ASSERT_TRUE(client.WaitFor("closed REDIS_CONNECT_TIMEOUT", 2));
}

TEST(ConnectionEnd, TheLoopStopsWhileItGreets) {
  FakeServer server([](Peer& peer) { peer.KeepSilent(); });
  Client client(server.options());
  client.Open();
  ASSERT_TRUE(client.WaitFor("connected"));
  client.Send({"GET"});
  EXPECT_TRUE(client.loop().Stop(0));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!STOPPED"));
}

TEST(ConnectionEnd, TheLoopStopsInTheMiddleOfAReply) {
  FakeServer server([](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write("*3\r\n:1\r\n$10\r\nhal");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  const std::uint64_t before = client.stats().bytes_received;
  client.Send({"ONE"});
  client.Send({"TWO"});
  ASSERT_TRUE(WaitUntil([&] { return client.stats().bytes_received > before; }));
  EXPECT_TRUE(client.loop().Stop(0));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!STOPPED?", "!STOPPED?"));
}

TEST(ConnectionEnd, TheLoopStopsWhileItBacksOff) {
  FakeServer server([](Peer&) {});
  redis::Options options = server.options();
  options.backoff_min_ms = options.backoff_max_ms = 1'000'000;
  Client client(options);
  client.Open();
  ASSERT_TRUE(client.WaitFor("reconnecting"));
  client.Send({"GET"});
  EXPECT_TRUE(client.loop().Stop(0));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!STOPPED"));
}

TEST(ConnectionEnd, TheLoopIsDestroyedWithCommandsInFlight) {
  FakeServer server(Greeting);
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"GET"});
  client.loop().Destroy();
  ASSERT_TRUE(client.ledger.WaitFor(1));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!DESTROYED?"));
}

TEST(ConnectionEnd, AStopWithADeadlineLetsCommandsFinish) {
  Event answer;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    EXPECT_TRUE(answer.Wait());
    peer.Write(":1\r\n:2\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"ONE"});
  client.Send({"TWO"});
  ASSERT_TRUE(client.loop().StopThen(60'000, [] {}));
  answer.Set();
  EXPECT_TRUE(client.loop().Join(60'000));
  EXPECT_THAT(client.ledger.All(), ElementsAre(":1", ":2"));
}

TEST(ConnectionEnd, AClosedConnectionStaysClosed) {
  FakeServer server(Greeting);
  Client client(server.options());
  client.OpenAndWait();
  client.Close();
  EXPECT_THAT(client.events(), Contains("ended"));
  client.Close();  // again is nothing
  client.Send({"GET"});
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_CLOSED"));
}

}  // namespace
}  // namespace sideloop::test
