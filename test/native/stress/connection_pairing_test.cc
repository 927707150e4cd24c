// Replies and commands over connections that break at the worst moments, against a scripted server.
// A failure here means a command that was answered by another's reply, never settled, or reported
// as not sent although it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "stress/client.h"
#include "stress/fake_server.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIDELOOP_COUNTS_BYTES 1
// Of the sanitizers' runtimes; GCC ships no header for it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace sideloop::test {
namespace {

using testing::ElementsAre;

TEST(ConnectionPairing, RepliesSplitAtEveryByteMeetTheirCommands) {
  std::atomic<const redis::ConnectionStats*> stats = nullptr;
  FakeServer server([&](Peer& peer) {
    if (!peer.Skip(1)) return;
    std::uint64_t written = 0;
    const auto drip = [&](std::string_view bytes) {
      // The next byte only when the last has been read: each is a read of its own.
      for (const char byte : bytes) {
        peer.Write({&byte, 1});
        ++written;
        EXPECT_TRUE(WaitUntil([&] { return stats.load()->bytes_received >= written; }));
      }
    };
    drip("%1\r\n+proto\r\n:3\r\n");
    if (!peer.Skip(1)) return;
    drip("+PONG\r\n");
    if (!peer.Skip(7)) return;
    drip("+a\r\n$3\r\nb\r\n\r\n*2\r\n:1\r\n*1\r\n_\r\n-ERR e\r\n|1\r\n+k\r\n+v\r\n:7\r\n");
    drip(">2\r\n+invalidate\r\n_\r\n$0\r\n\r\n%1\r\n+k\r\n#t\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  stats = &client.stats();
  client.Open();
  for (int i = 0; i < 7; ++i) client.Send({"COMMAND", std::to_string(i)});
  ASSERT_TRUE(client.ledger.WaitFor(7));
  EXPECT_THAT(client.ledger.All(), ElementsAre("a", "b\r\n", "[2]", "-ERR e", ":7", "", "[2]"));
  client.On([] {});  // the figures are brought up to date behind the replies
  EXPECT_EQ(client.stats().pushes, 1u);
  EXPECT_EQ(client.stats().replies, 7u);
}

TEST(ConnectionPairing, ALongReplyIsReadInShortPieces) {
  // Bytes that are read at once hold up what is urgent, and a buffer that grows with them is copied
  // at once.
  const std::string text(20 << 20, 'x');
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write("*3\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n:1\r\n$3\r\nend\r\n");
    peer.Write("$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"FIRST"});
  client.Send({"SECOND"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_EQ(client.ledger.All()[0], "[3]");
  EXPECT_TRUE(client.ledger.All()[1] == text);
  EXPECT_GE(client.stats().reads * redis::Socket::kReadSize, client.stats().bytes_received);
}

TEST(ConnectionPairing, AReplyNeverMeetsACommandOfTheNextConnection) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 0) {
      if (!peer.Skip(3)) return;
      peer.Write("$5\r\nfirst\r\n$6\r\nsec");  // and the rest never comes
      return;
    }
    if (!peer.Skip(1)) return;
    peer.Write("$3\r\nnew\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  std::uint64_t generation = 0;
  client.On([&] {
    generation = client.connection().generation();
    for (const char* name : {"FIRST", "SECOND", "THIRD"}) client.SendOnLoop({name});
  });
  ASSERT_TRUE(client.ledger.WaitFor(3));
  ASSERT_TRUE(client.WaitFor("ready", 2));
  client.Send({"NEW"});
  ASSERT_TRUE(client.ledger.WaitFor(4));
  EXPECT_THAT(client.ledger.All(),
              ElementsAre("first", "!REDIS_DISCONNECTED?", "!REDIS_DISCONNECTED?", "new"));
  client.On([&] { EXPECT_GT(client.connection().generation(), generation); });
}

TEST(ConnectionPairing, CommandsThatWereNotSentSurviveConnectionsThatFail) {
  FakeServer server([&](Peer& peer) {
    if (peer.number() == 0) return;                     // hangs up at once
    if (peer.number() == 1) return (void)peer.Skip(1);  // hangs up on HELLO
    if (peer.number() == 2) {
      peer.ResetAtEnd();
      peer.Skip(1);
      return peer.Write("%1\r\n+pro");  // breaks in the middle of the greeting
    }
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write(":1\r\n:2\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.Open();
  client.Send({"ONE"});
  client.Send({"TWO"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre(":1", ":2"));
  EXPECT_EQ(client.stats().connects, 1u);
}

TEST(ConnectionPairing, ErrorRepliesAreRepliesAndTheConnectionStays) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(2)) return;
    peer.Write("-WRONGTYPE Operation against a key\r\n-LOADING Redis is loading\r\n");
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"ONE"});
  client.Send({"TWO"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(),
              ElementsAre("-WRONGTYPE Operation against a key", "-LOADING Redis is loading"));
  EXPECT_THAT(client.events(), ElementsAre("connecting", "connected", "ready"));
}

// What a hostile or broken server sends in place of the reply to one command.
class BrokenReply : public testing::TestWithParam<const char*> {};

TEST_P(BrokenReply, IsANamedErrorAndTheNextConnectionIsSound) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    if (peer.number() > 0) peer.Write("+sound\r\n");
    if (peer.number() == 0) peer.Write(GetParam());
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
  ASSERT_TRUE(client.WaitFor("closed REDIS_PROTOCOL"));
  client.Send({"GET"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_PROTOCOL?", "sound"));
}

INSTANTIATE_TEST_SUITE_P(ConnectionPairing, BrokenReply,
                         testing::Values("HTTP/1.1 400 Bad Request\r\n\r\n", "\r\n", "$-5\r\n",
                                         "$99999999999999999999\r\n", "*2\r\n:1\r\n?\r\n",
                                         "$3\r\nabcde\r\n", ":x\r\n", "*2\r\n:1\r\n>1\r\n+p\r\n",
                                         "|1\r\n+a\r\n+b\r\n>0\r\n"));

TEST(ConnectionPairing, AReplyThatNobodyAskedForEndsTheConnection) {
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 0) {
      if (!peer.Skip(1)) return;
      peer.Write("+asked\r\n+unasked\r\n");
    } else {
      if (!peer.Skip(1)) return;
      peer.Write("+next\r\n");
    }
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  client.Send({"ONE"});
  ASSERT_TRUE(client.WaitFor("closed REDIS_PROTOCOL"));
  client.Send({"TWO"});
  ASSERT_TRUE(client.ledger.WaitFor(2));
  EXPECT_THAT(client.ledger.All(), ElementsAre("asked", "next"));
}

#ifdef SIDELOOP_COUNTS_BYTES
TEST(ConnectionPairing, MessagesOfASubscriptionGoToThePushTarget) {
  for (const bool resp3 : {false, true}) {
    Event subscribed;
    FakeServer server([&](Peer& peer) {
      if (!(resp3 ? peer.Greet() : peer.GreetPlainly())) return;
      if (!peer.Skip(1)) return;
      // RESP3 sends the same as pushes, the confirmation too: the command gets no reply at all.
      const std::string type = resp3 ? ">" : "*";
      peer.Write(type + "3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
      if (!subscribed.Wait()) return;
      for (const char* text : {"one", "two"}) {
        peer.Write(type + "3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\n" + text + "\r\n");
      }
      peer.KeepSilent();
    });
    redis::Options options = server.options();
    options.protocol = resp3 ? 3 : 2;
    // It outlives the connection.
    Ledger messages;
    Client client(options);
    client.On([&] { client.connection().set_push_target(messages); });
    client.OpenAndWait();
    client.Send({"SUBSCRIBE", "c"});
    ASSERT_TRUE(resp3 ? messages.WaitFor(1) : client.ledger.WaitFor(1));
    subscribed.Set();
    ASSERT_TRUE(messages.WaitFor(resp3 ? 3 : 2));
    EXPECT_EQ(messages.All().back(), "[3]");
    EXPECT_EQ(client.stats().pushes, resp3 ? 3u : 2u);
  }
}

TEST(ConnectionPairing, AHugeReplyCostsOnlyWhatHasArrived) {
  constexpr std::size_t kArrived = 1 << 20;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet() || !peer.Skip(1)) return;
    peer.Write("*1000000000\r\n$536870912\r\n" + std::string(kArrived, 'x'));
    peer.KeepSilent();
  });
  Client client(server.options());
  client.OpenAndWait();
  const std::size_t before = __sanitizer_get_current_allocated_bytes();
  client.Send({"GET"});
  ASSERT_TRUE(WaitUntil([&] { return client.stats().bytes_received >= kArrived; }));
  EXPECT_LT(__sanitizer_get_current_allocated_bytes(), before + 16 * kArrived);
  client.Close();
  EXPECT_THAT(client.ledger.All(), ElementsAre("!REDIS_CLOSED?"));
}
#endif

// 200'000 commands for a server that does not read: what the kernel does not take stays here, and
// is known not to have been sent.
TEST(ConnectionPairing, AServerThatDoesNotReadHoldsCommandsBackAndTheyAreSafe) {
  constexpr std::size_t kCommands = 200'000;
  const std::string ballast(100, 'x');
  Event hang_up;
  FakeServer server([&](Peer& peer) {
    if (!peer.Greet()) return;
    if (peer.number() == 0) {
      EXPECT_TRUE(hang_up.Wait());
      return;
    }
    std::string replies;
    while (const auto command = peer.Read()) {
      replies += ":" + command->at(1) + "\r\n";
      if (replies.size() > 4096 || command->at(1) == std::to_string(kCommands - 1)) {
        peer.Write(replies);
        replies.clear();
      }
    }
  });
  redis::Options options = server.options();
  Client client(options);
  client.OpenAndWait();
  client.On([&] {
    for (std::size_t i = 0; i < kCommands; ++i) {
      client.SendOnLoop({"SET", std::to_string(i), ballast});
    }
  });
  client.On([] {});  // the flush came between
  ASSERT_TRUE(WaitUntil([&] { return client.stats().in_flight > 0; }));
  // The kernel's two buffers take up to about 10 MB of these 26 MB; of what is left one write at
  // most was handed over.
  EXPECT_LT(client.stats().bytes_sent, 16u << 20);
  EXPECT_GT(client.stats().waiting, kCommands / 4);
  hang_up.Set();
  ASSERT_TRUE(client.ledger.WaitFor(kCommands));
  const std::vector<std::string> all = client.ledger.All();
  ASSERT_EQ(all.size(), kCommands);
  std::size_t lost = 0;
  while (lost < all.size() && all[lost] == "!REDIS_DISCONNECTED?") ++lost;
  EXPECT_GT(lost, 0u);
  for (std::size_t i = lost; i < kCommands; ++i) ASSERT_EQ(all[i], ":" + std::to_string(i));
  EXPECT_EQ(client.stats().failed, lost);
}

}  // namespace
}  // namespace sideloop::test
