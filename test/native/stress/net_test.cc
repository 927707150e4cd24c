// Sockets as a JS environment holds them: commands cross by jobs, reports come back through the
// outbox. A failure here means bytes lost or out of order, a socket that is closed twice or never,
// or memory that a thread still used.
#include <gtest/gtest.h>

#ifdef __linux__
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "stress/event.h"
#include "stress/loop_thread.h"
#include "stress/net_side.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using net::Id;
using net::Report;

constexpr Id kServer = 2;
constexpr Id kClient = 4;

class Sockets : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(loop_->Stop(0)); }

  int ListeningPort(int most_connections = -1) {
    EXPECT_TRUE(side_.Listen(kServer, "127.0.0.1", 0, most_connections).Submit());
    return side_.Next(Report::kListening).words[1];
  }

  std::shared_ptr<EventLoop> loop_ = StartLoop();
  NetSide side_{loop_};
};

TEST_F(Sockets, WhatOneEndWritesArrivesAtTheOtherInOrder) {
  const int port = ListeningPort();
  std::string sent;
  for (int i = 0; i < 2000; ++i) sent += std::to_string(i * 7919) + ",";
  sent += std::string(300'000, 'x') + "end";
  // In pieces, before there is a connection.
  ASSERT_TRUE(side_.Connect(kClient, port).Write(kClient, sent.substr(0, 10'000)).Submit());
  ASSERT_TRUE(side_.Write(kClient, sent.substr(10'000)).Submit());
  ASSERT_TRUE(side_.Command(kClient, net::Command::kShutdown).Submit());
  std::string received;
  Id accepted = 0;
  bool finished = false;
  bool ended = false;
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    if (report.kind == Report::kAccepted) accepted = report.words[0];
    if (report.kind == Report::kFinished) finished = true;
    if (report.id == accepted && accepted != 0) {
      received += report.bytes;
      if (!report.bytes.empty()) {
        EXPECT_TRUE(
            side_.Acknowledge(accepted, static_cast<std::int32_t>(report.bytes.size())).Submit());
      }
      ended = ended || report.kind == Report::kEnd;
    }
    return finished && ended;
  }));
  EXPECT_EQ(received, sent);
}

TEST_F(Sockets, ReadingStopsAtTheWindowAndGoesOnWhenAcknowledged) {
  const int port = ListeningPort();
  ASSERT_TRUE(side_.Connect(kClient, port).Submit());
  const Id accepted = side_.Next(Report::kAccepted).words[0];
  constexpr std::size_t kTotal = 4 << 20;
  for (int i = 0; i < 64; ++i) side_.Write(kClient, std::string(kTotal / 64, 'x'));
  ASSERT_TRUE(side_.Submit());
  std::size_t received = 0;
  std::size_t unacknowledged = 0;
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    if (report.id != accepted) return false;
    received += report.bytes.size();
    unacknowledged += report.bytes.size();
    // One read may go beyond the window, by what is read at a time.
    EXPECT_LE(unacknowledged, net::Socket::kReadWindow + net::SocketTable::kReadSize);
    if (unacknowledged >= net::Socket::kReadWindow) {
      EXPECT_TRUE(side_.Acknowledge(accepted, static_cast<std::int32_t>(unacknowledged)).Submit());
      unacknowledged = 0;
    }
    return received == kTotal;
  }));
}

TEST_F(Sockets, AConnectionThatIsRefusedSaysSoOnce) {
  // Bound and closed again: nobody listens there.
  const int port = ListeningPort();
  ASSERT_TRUE(side_.Close(kServer).Submit());
  EXPECT_EQ(side_.Next(Report::kClosed).id, kServer);
  ASSERT_TRUE(side_.Connect(kClient, port, "127.0.0.1,127.0.0.1", net::kIsList).Submit());
  EXPECT_EQ(side_.Next(Report::kAttempt).words[0], UV_ECONNREFUSED);
  EXPECT_EQ(side_.Next(Report::kAttempt).words[0], UV_ECONNREFUSED);
  const NetReport error = side_.Next(Report::kError);
  EXPECT_EQ(error.words[0], UV_ECONNREFUSED);
  EXPECT_EQ(error.bytes, "127.0.0.1");
  ASSERT_TRUE(side_.Write(kClient, "for nobody").Close(kClient).Close(kClient).Submit());
  EXPECT_EQ(side_.Next(Report::kClosed).id, kClient);
}

TEST_F(Sockets, ConnectionsBeyondTheMostAreDropped) {
  const int port = ListeningPort(1);
  ASSERT_TRUE(side_.Connect(kClient, port).Submit());
  const Id first = side_.Next(Report::kAccepted).words[0];
  ASSERT_TRUE(side_.Connect(6, port).Submit());
  EXPECT_EQ(side_.Next(Report::kDropped).id, kServer);
  ASSERT_TRUE(side_.Close(first).Submit());
  ASSERT_TRUE(side_.Connect(8, port).Submit());
  EXPECT_NE(side_.Next(Report::kAccepted).words[0], first) << "it was not forgotten yet";
}

TEST_F(Sockets, AnAcceptedNumberComesAgainOnlyWhenItWasForgotten) {
  const int port = ListeningPort();
  ASSERT_TRUE(side_.Connect(kClient, port).Submit());
  const Id first = side_.Next(Report::kAccepted).words[0];
  ASSERT_TRUE(side_.Close(first).Submit());
  while (side_.Next(Report::kClosed).id != first) {
  }
  ASSERT_TRUE(side_.Connect(6, port).Submit());
  EXPECT_NE(side_.Next(Report::kAccepted).words[0], first);
  ASSERT_TRUE(side_.Command(first, net::Command::kForget).Connect(8, port).Submit());
  EXPECT_EQ(side_.Next(Report::kAccepted).words[0], first);
}

TEST_F(Sockets, AListenerAcceptsNoMoreThanJsHasTimeFor) {
  const int port = ListeningPort();
  constexpr int kConnections = net::Listener::kMostUntaken + 50;
  int accepted = 0;
  int connected = 0;
  for (int i = 0; i < kConnections; ++i) {
    side_.Connect(kClient + 2 * i, port);
    // Fewer at a time than the system's queue takes: it is slow to come back to one that it drops.
    if (i % 128 != 127 && i + 1 < kConnections) continue;
    ASSERT_TRUE(side_.Submit());
    ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
      accepted += report.kind == Report::kAccepted ? 1 : 0;
      connected += report.kind == Report::kConnected ? 1 : 0;
      return connected == i + 1;
    }));
  }
  EXPECT_LE(accepted, net::Listener::kMostUntaken);
  ASSERT_TRUE(side_.Acknowledge(kServer, net::Listener::kMostUntaken / 2).Submit());
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    accepted += report.kind == Report::kAccepted ? 1 : 0;
    return accepted == kConnections;
  }));
}

#ifdef __linux__
// libuv keeps a descriptor for this, but may have lost it to another thread: then it would try the
// same connection again for ever.
TEST_F(Sockets, OutOfDescriptorsAListenerTurnsConnectionsAwayAndGoesOn) {
  const int port = ListeningPort();
  const int early = socket(AF_INET, SOCK_STREAM, 0);
  RunOn(*loop_, [&] { close(std::exchange(loop_->loop().uv()->emfile_fd, -1)); });
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = 200;
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<int> all;
  for (int fd = dup(early); fd >= 0; fd = dup(early)) all.push_back(fd);
  sockaddr_in address{};
  uv_ip4_addr("127.0.0.1", port, &address);
  ASSERT_EQ(connect(early, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(side_.Next(Report::kDropped).id, kServer);
  for (const int fd : all) close(fd);
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_TRUE(side_.Connect(kClient, port).Submit());
  EXPECT_EQ(side_.Next(Report::kAccepted).id, kServer);
  close(early);
}
#endif

TEST_F(Sockets, AnIdleOneSaysSoAndAgainAfterTheNextTraffic) {
  const int port = ListeningPort();
  ASSERT_TRUE(side_.Connect(kClient, port).Command(kClient, net::Command::kTimeout, {5}).Submit());
  EXPECT_EQ(side_.Next(Report::kTimedOut).id, kClient);
  ASSERT_TRUE(side_.Write(kClient, "x").Submit());
  EXPECT_EQ(side_.Next(Report::kTimedOut).id, kClient);
}

TEST_F(Sockets, TheEndOfTheEnvironmentClosesAllOfItOnALoopThatGoesOn) {
  const int port = ListeningPort();
  NetSide other(loop_);
  for (int i = 0; i < 20; ++i) {
    other.Connect(2 + 2 * i, port).Write(2 + 2 * i, std::string(500'000, 'x'));
  }
  other.Connect(100, 1, "localhost");
  ASSERT_TRUE(other.Submit());
  std::set<Id> open;
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    if (report.kind == Report::kAccepted) open.insert(report.words[0]);
    return open.size() == 20;
  }));
  other.End();
  // They are destroyed with bytes unsent, which the peer sees as an end or a reset.
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    if (report.kind == Report::kLarge || report.kind == Report::kData) {
      EXPECT_TRUE(
          side_.Acknowledge(report.id, static_cast<std::int32_t>(report.bytes.size())).Submit());
    }
    if (report.kind == Report::kEnd || report.kind == Report::kError) open.erase(report.id);
    return open.empty();
  }));
}

TEST_F(Sockets, TheEndOfTheLoopClosesEveryOneAndSaysWhatWasLost) {
  const int port = ListeningPort();
  ASSERT_TRUE(side_.Connect(kClient, port).Submit());
  const Id accepted = side_.Next(Report::kAccepted).words[0];
  // More than the kernel takes while nobody reads beyond the window.
  for (int i = 0; i < 300; ++i) side_.Write(kClient, std::string(100'000, 'x'));
  ASSERT_TRUE(side_.Submit());
  loop_->Destroy();
  std::map<Id, bool> lost;
  ASSERT_TRUE(side_.ReadUntil([&](const NetReport& report) {
    if (report.kind == Report::kClosed) {
      EXPECT_EQ(report.words[0], 2);
      EXPECT_TRUE(lost.emplace(report.id, report.words[1] == 1).second) << "closed twice";
    }
    return report.kind == Report::kClosed && report.id == net::kTableId;
  }));
  EXPECT_EQ(lost,
            (std::map<Id, bool>{
                {net::kTableId, false}, {kServer, false}, {kClient, true}, {accepted, false}}));
}

// Several environments on one loop, each with sockets that come, write and go at random; every id
// that was begun is closed exactly once, and every echo is the bytes that were sent.
TEST(SocketStress, ManyEnvironmentsOpenWriteAndCloseAtOnce) {
  const std::shared_ptr<EventLoop> loop = StartLoop();
  NetSide server(loop);
  ASSERT_TRUE(server.Listen(kServer).Submit());
  const int port = server.Next(Report::kListening).words[1];
  constexpr int kEnvironments = 3;
  constexpr int kSockets = 60;
  std::vector<std::thread> threads;
  for (int environment = 0; environment < kEnvironments; ++environment) {
    threads.emplace_back([&loop, port, environment] {
      auto random = RandomOf(static_cast<std::uint64_t>(environment));
      NetSide side(loop);
      std::map<Id, std::string> expected;
      Id next = 2;
      std::size_t closed = 0;
      const auto begin = [&] {
        const Id id = next;
        next += 2;
        side.Connect(id, port);
        std::string& bytes = expected[id];
        const int writes = static_cast<int>(random() % 4);
        for (int i = 0; i < writes; ++i) {
          const std::string piece(random() % (i == 3 ? 200'000 : 3000), static_cast<char>('a' + i));
          side.Write(id, piece);
          bytes += piece;
        }
        // Some go at once, some when they have heard everything, and some with a reset.
        if (random() % 4 == 0) side.Close(id, random() % 2 == 0);
        EXPECT_TRUE(side.Submit());
      };
      for (int i = 0; i < 8; ++i) begin();
      std::map<Id, std::string> received;
      const bool done = side.ReadUntil([&](const NetReport& report) {
        switch (report.kind) {
          case Report::kConnected:
            if (expected[report.id].empty()) {
              EXPECT_TRUE(side.Close(report.id).Submit());
            }
            break;
          case Report::kData:
          case Report::kLarge: {
            std::string& bytes = received[report.id];
            bytes += report.bytes;
            EXPECT_EQ(expected[report.id].compare(0, bytes.size(), bytes), 0);
            side.Acknowledge(report.id, static_cast<std::int32_t>(report.bytes.size()));
            if (bytes == expected[report.id]) side.Close(report.id);
            EXPECT_TRUE(side.Submit());
            break;
          }
          case Report::kEnd:
          case Report::kError:
            ADD_FAILURE() << "socket " << report.id << " ended by itself";
            EXPECT_TRUE(side.Close(report.id).Submit());
            break;
          case Report::kClosed:
            EXPECT_EQ(expected.erase(report.id), 1u) << "closed twice";
            ++closed;
            if (next < 2 + 2 * kSockets) begin();
            break;
          default:
            break;
        }
        return closed == kSockets;
      });
      EXPECT_TRUE(done);
      EXPECT_TRUE(expected.empty());
    });
  }
  // When all are done, one more says so.
  NetSide last(loop);
  std::thread end([&] {
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(last.Connect(2, port).Write(2, "the end").Submit());
  });
  // The server: echoes, and closes what has ended.
  EXPECT_TRUE(server.ReadUntil([&](const NetReport& report) {
    switch (report.kind) {
      case Report::kAccepted:
        server.Acknowledge(kServer, 1);
        break;
      case Report::kData:
      case Report::kLarge:
        server.Write(report.id, report.bytes);
        server.Acknowledge(report.id, static_cast<std::int32_t>(report.bytes.size()));
        break;
      case Report::kEnd:
      case Report::kError:
        server.Close(report.id);
        break;
      case Report::kClosed:
        server.Command(report.id, net::Command::kForget);
        break;
      default:
        return false;
    }
    EXPECT_TRUE(server.Submit());
    return report.bytes == "the end";
  }));
  end.join();
  EXPECT_TRUE(loop->Stop(0));
}

// The loop ends at a random moment, by another thread, with environments in the midst of it.
TEST(SocketStress, TheLoopMayEndAtAnyMoment) {
  auto random = RandomOf(99);
  for (int round = 0; round < 20; ++round) {
    const std::shared_ptr<EventLoop> loop = StartLoop();
    const bool ends_first = round % 2 == 0;
    std::thread environment([&loop, round, ends_first] {
      auto random = RandomOf(static_cast<std::uint64_t>(100 + round));
      NetSide side(loop);
      std::set<Id> open;
      bool accepted = side.Listen(kServer).Submit();
      if (accepted) open.insert(kServer);
      int port = 0;
      Id next = kClient;
      std::size_t heard = 0;
      while (accepted && heard < 300) {
        const bool came = side.ReadUntil([&](const NetReport& report) {
          ++heard;
          if (report.kind == Report::kListening) port = report.words[1];
          if (report.kind == Report::kClosed && report.id % 2 == 0) open.erase(report.id);
          return true;
        });
        if (!came) break;
        if (open.empty()) break;
        side.Connect(next, port).Write(next, std::string(random() % 30'000, 'x'));
        if (random() % 3 == 0) side.Close(next);
        accepted = side.Submit();
        if (accepted) open.insert(next);
        next += 2;
      }
      if (!ends_first) return side.End();
      // What was accepted is closed, whichever way.
      if (!open.empty() && !accepted) {
        EXPECT_TRUE(side.ReadUntil([&](const NetReport& report) {
          if (report.kind == Report::kClosed) open.erase(report.id);
          return open.empty();
        }));
      }
    });
    for (std::uint64_t i = random() % 2000; i > 0; --i) std::this_thread::yield();
    if (ends_first) loop->Destroy();
    environment.join();
    loop->Destroy();
  }
}

}  // namespace
}  // namespace sideloop::test
