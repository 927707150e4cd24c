// One connection for clients of several threads. A failure here means that one of them got
// another's reply, that one which left took something of the others with it, or that it left
// something behind.
#include "links/shared_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cross/registry.h"
#include "stress/client.h"
#include "stress/js_side.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

class Sharing : public testing::Test {
 protected:
  redis::Options options() const {
    redis::Options options = server_.options();
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    return options;
  }
  RedisServer server_;
};

// What a client's life came to: how many replies were its own, and how many commands failed.
struct Tally {
  std::size_t replies = 0;
  std::size_t failed = 0;
};

Tally Count(const JsSide& js, std::size_t sent) {
  Tally tally;
  EXPECT_EQ(js.settled.size(), sent);
  for (std::size_t i = 0; i < js.settled.size(); ++i) {
    if (js.settled[i].starts_with("!")) {
      ++tally.failed;
    } else {
      EXPECT_EQ(js.settled[i], std::to_string(i)) << "another's reply";
      ++tally.replies;
    }
  }
  return tally;
}

// One client after the other, each of which sends for a while and then leaves in one way or
// another.
void ComeAndGo(const std::shared_ptr<SharedConnection>& connection, std::uint64_t stream,
               int clients, bool may_fail) {
  std::mt19937_64 random = RandomOf(stream);
  for (int i = 0; i < clients; ++i) {
    ASSERT_TRUE(connection->TryEnter());
    JsSide js(connection);
    const int turns = static_cast<int>(random() % 20);
    for (int turn = 0; turn < turns; ++turn) {
      ASSERT_TRUE(js.Echo(static_cast<std::uint32_t>(1 + random() % 50)));
      if (random() % 2 == 0) {
        ASSERT_TRUE(js.SettleAll());
      }
    }
    const std::size_t sent = js.sent();
    switch (random() % 3) {
      case 0: {
        ASSERT_TRUE(js.Quit());
        ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("end"); }));
        ASSERT_EQ(js.settled.size(), sent + 1);
        EXPECT_EQ(js.settled.back(), "OK");
        js.settled.pop_back();
        const Tally tally = Count(js, sent);
        EXPECT_TRUE(may_fail || tally.failed == 0) << tally.failed;
        break;
      }
      case 1: {
        ASSERT_TRUE(js.link().PostClose());
        ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("end"); }));
        Count(js, sent);
        break;
      }
      default:
        break;  // dies with what it has in flight
    }
  }
}

TEST_F(Sharing, ClientsComeAndGoAndTheOthersNoticeNothing) {
  JsSide maker(options());
  const auto& connection = maker.link().connection();
  ASSERT_TRUE(maker.SettleUntil([&] { return maker.Saw("ready"); }));
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { ComeAndGo(connection, 500 + i, 100, false); });
  }
  std::thread waiter([&] {
    for (std::thread& thread : threads) thread.join();
    done = true;
  });
  while (!done) {
    EXPECT_TRUE(maker.Echo(7));
    EXPECT_TRUE(maker.SettleAll());
  }
  waiter.join();
  EXPECT_EQ(Count(maker, maker.sent()).failed, 0u);
  EXPECT_FALSE(maker.Saw("close")) << "one of them ended the connection";
  EXPECT_EQ(connection->stats().connects, 1u);
  // What the dead had in flight has been answered too, to nobody.
  EXPECT_TRUE(WaitUntil([&] { return connection->stats().in_flight == 0; }));
}

TEST_F(Sharing, ClientsComeAndGoWhileConnectionsAreKilled) {
  Client admin(options());
  admin.OpenAndWait();
  JsSide maker(options());
  const auto& connection = maker.link().connection();
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { ComeAndGo(connection, 600 + i, 60, true); });
  }
  std::thread waiter([&] {
    for (std::thread& thread : threads) thread.join();
    done = true;
  });
  while (!done) {
    EXPECT_TRUE(maker.Echo(7));
    admin.Send({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    EXPECT_TRUE(maker.SettleAll());
  }
  waiter.join();
  Count(maker, maker.sent());
  EXPECT_TRUE(maker.Saw("reconnecting")) << "nothing was killed";
}

TEST_F(Sharing, TheLastOneToDieEndsTheConnection) {
  const std::shared_ptr<EventLoop> loop = StartLoop();
  std::weak_ptr<SharedConnection> ended;
  {
    auto connection = std::make_shared<SharedConnection>(loop, options());
    ended = connection;
    ASSERT_TRUE(connection->TryEnter());
    ASSERT_TRUE(connection->TryEnter());
    JsSide first(connection);
    JsSide second(connection);
    connection.reset();
    ASSERT_TRUE(first.link().PostOpen());
    ASSERT_TRUE(first.Echo(3));
    ASSERT_TRUE(second.Echo(3));
  }
  EXPECT_TRUE(WaitUntil([&] { return ended.expired(); })) << "it is still there";
  EXPECT_TRUE(loop->Stop());
}

TEST_F(Sharing, NobodyEntersWhatItsLastClientHasLeft) {
  JsSide maker(options());
  const auto connection = maker.link().connection();
  ASSERT_TRUE(maker.SettleUntil([&] { return maker.Saw("ready"); }));
  ASSERT_TRUE(maker.Quit());
  ASSERT_TRUE(maker.SettleUntil([&] { return maker.Saw("end"); }));
  EXPECT_FALSE(connection->TryEnter());
}

TEST_F(Sharing, ABlockedCommandOfTheLastClientToDieDoesNotKeepTheConnection) {
  const std::shared_ptr<EventLoop> loop = StartLoop();
  std::weak_ptr<SharedConnection> ended;
  {
    auto connection = std::make_shared<SharedConnection>(loop, options());
    ended = connection;
    ASSERT_TRUE(connection->TryEnter());
    JsSide js(connection);
    connection.reset();
    ASSERT_TRUE(js.link().PostOpen());
    ASSERT_TRUE(js.SettleUntil([&] { return js.Saw("ready"); }));
    auto stage = std::make_unique<resp::Stage>();
    stage->table = std::make_shared<const resp::CommandTable>(
        resp::CommandTable{resp::EncodeArgument("BLPOP")});
    stage->text = "none0";
    stage->heads = {static_cast<std::int32_t>(resp::Stage::kBlocking), 2, resp::Stage::kForEver, 4,
                    1};
    ASSERT_TRUE(js.link().PostSubmit(std::move(stage), 1));
    const auto& stats = js.link().connection()->stats();
    EXPECT_TRUE(WaitUntil([&] { return stats.in_flight == 1; }));
  }
  EXPECT_TRUE(WaitUntil([&] { return ended.expired(); })) << "it waits for the server";
  EXPECT_TRUE(loop->Stop());
}

TEST(Registry, FindsWhatIsThereAndForgetsWhatIsGone) {
  Registry<int> registry;
  auto thing = std::make_shared<int>(7);
  registry.Add("handle", thing);
  EXPECT_EQ(registry.Find("handle"), thing);
  EXPECT_EQ(registry.Find("another"), nullptr);
  thing.reset();
  EXPECT_EQ(registry.Find("handle"), nullptr);
}

TEST(EndWatcher, EveryLinkHearsOfTheEndOnceAndALateOneIsRefused) {
  struct Watcher final : EndWatcher {
    void OnLoopEnded() override { ++ends; }
    std::atomic<int> ends{0};
  };
  const std::shared_ptr<EventLoop> loop = StartLoop();
  std::vector<std::shared_ptr<Watcher>> watchers;
  for (int i = 0; i < 3; ++i) {
    watchers.push_back(std::make_shared<Watcher>());
    EXPECT_TRUE(loop->WatchEnd(watchers.back()));
  }
  watchers.pop_back();  // gone before: nobody calls it
  EXPECT_FALSE(loop->stop_asked());
  EXPECT_TRUE(loop->Stop());
  EXPECT_TRUE(loop->stop_asked());
  for (const auto& watcher : watchers) EXPECT_EQ(watcher->ends, 1);
  EXPECT_FALSE(loop->WatchEnd(watchers.front()));
}

}  // namespace
}  // namespace sideloop::test
