// Leases on a real server, by many clients on several loops. A failure here is a lease that two
// have at a time, a token that does not grow, or a request that is answered twice or never.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/lease_clock.h"
#include "links/lease_link.h"
#include "stress/client.h"
#include "stress/lease_side.h"
#include "stress/loop_thread.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using lease::EndReason;

constexpr std::size_t kKeys = 3;

// What is leased: it knows who has it, and the last token that it has seen. Relaxed throughout: the
// lease alone orders what its holders do.
struct Thing {
  std::atomic<int> holders{0};
  std::atomic<std::int64_t> token{0};
  std::atomic<std::size_t> grants{0};
};
using Things = std::array<Thing, kKeys>;

std::size_t NumberOf(const std::string& key) { return static_cast<std::size_t>(key.back() - '0'); }
std::string KeyOf(std::size_t number) { return "thing" + std::to_string(number); }

class Leases : public testing::Test {
 protected:
  redis::Options options() const {
    redis::Options options = server_.options();
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    return options;
  }

  RedisServer server_;
};

// Uses things, each for a moment, `turns` times, up to four at a time.
void UseThings(LeaseSide& js, Things& things, std::uint64_t stream, int turns, bool cancels) {
  std::mt19937_64 random = RandomOf(stream);
  std::vector<std::int64_t> asked;
  int begun = 0;
  while (begun < turns || !js.is_settled()) {
    while (begun < turns && asked.size() < 4) {
      lease::AcquireRequest request = LeaseSide::RequestFor(KeyOf(random() % kKeys));
      request.waits = random() % 8 != 0;
      asked.push_back(js.Acquire(std::move(request)));
      ASSERT_NE(asked.back(), 0);
      ++begun;
      if (cancels && random() % 4 == 0) {
        js.Cancel(asked[random() % asked.size()]);
      }
    }
    if (js.is_settled()) {
      asked.clear();
      continue;
    }
    ASSERT_TRUE(js.Read()) << "nothing comes any more";
    asked.clear();
    for (const auto& lease : std::exchange(js.granted, {})) {
      Thing& thing = things[NumberOf(lease.key)];
      // Where the test was held up for that long, it says nothing.
      if (lease.cell->valid_until > LeaseClock::Now() + 1'000'000'000) {
        EXPECT_EQ(thing.holders.fetch_add(1, std::memory_order_relaxed), 0) << "two have it";
        EXPECT_LT(thing.token.exchange(lease.token, std::memory_order_relaxed), lease.token);
        thing.grants.fetch_add(1, std::memory_order_relaxed);
        if (random() % 4 == 0) std::this_thread::yield();
        thing.holders.fetch_sub(1, std::memory_order_relaxed);
      }
      js.Release(lease.id);
    }
  }
}

TEST_F(Leases, AtMostOneHasALeaseAtATime) {
  Things things;
  std::vector<std::shared_ptr<EventLoop>> loops;
  for (int i = 0; i < 3; ++i) loops.push_back(StartLoop());
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      LeaseSide js(loops[i % loops.size()], options());
      UseThings(js, things, 900 + i, 200, false);
      EXPECT_EQ(js.ended[EndReason::kReleased], js.ended_by_release);
      EXPECT_EQ(js.ended.size(), 1u) << "one ended by itself";
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Thing& thing : things) EXPECT_GT(thing.grants, 100u);
  for (const auto& loop : loops) EXPECT_TRUE(loop->Stop());
}

TEST_F(Leases, AtMostOneHasItWhileConnectionsAreKilledAndWaitersGo) {
  Things things;
  Client admin(options());
  admin.OpenAndWait();
  std::vector<std::shared_ptr<EventLoop>> loops;
  for (int i = 0; i < 2; ++i) loops.push_back(StartLoop());
  std::atomic<int> running{4};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      LeaseSide js(loops[i % loops.size()], options());
      UseThings(js, things, 950 + i, 100, true);
      --running;
    });
  }
  while (running > 0) {
    admin.LetPass(15);
    admin.Send({"CLIENT", "KILL", "TYPE", running % 2 == 0 ? "normal" : "pubsub"});
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& loop : loops) EXPECT_TRUE(loop->Stop());
}

// Whether it is asked for, waited for or held when the loop ends, everybody hears of it once.
void EndInTheMidst(const redis::Options& options, std::uint64_t stream, bool destroys) {
  std::mt19937_64 random = RandomOf(stream);
  std::shared_ptr<EventLoop> loop = StartLoop();
  LeaseSide js(loop, options);
  std::size_t asked = 0;
  for (int i = 0; i < 12; ++i) {
    lease::AcquireRequest request = LeaseSide::RequestFor(KeyOf(random() % kKeys));
    request.terms = {.ttl_ms = 200, .renew_every_ms = 5, .renew_timeout_ms = 5};
    if (random() % 4 == 0) request.for_ms = 1 + random() % 10;
    if (js.Acquire(std::move(request)) != 0) ++asked;
  }
  // Of three keys, as many are granted while nobody releases.
  const std::uint64_t settled_before = random() % 3;
  const auto settled = [&] {
    std::size_t count = js.granted.size();
    for (const auto& [code, times] : js.refused) count += times;
    return count;
  };
  EXPECT_TRUE(js.ReadUntil([&] { return settled() >= settled_before; }));
  for (const auto& lease : js.granted) {
    if (random() % 2 == 0) js.Release(lease.id);
  }
  if (destroys) {
    loop->RequestDestroy();
  } else {
    EXPECT_TRUE(loop->StopThen(60'000, [] {}));
  }
  EXPECT_TRUE(js.ReadUntil([&] { return js.is_settled(); })) << "somebody heard of nothing";
  EXPECT_EQ(settled(), asked);
  EXPECT_EQ(js.Acquire(LeaseSide::RequestFor("thing0")), 0);
  loop->Join(60'000);
}

TEST_F(Leases, EverybodyHearsOfTheLoopsStopOnce) {
  for (std::uint64_t i = 0; i < 40; ++i) EndInTheMidst(options(), 1000 + i, false);
  // All was given back.
  Client admin(options());
  admin.OpenAndWait();
  admin.Send({"EXISTS", KeyOf(0), KeyOf(1), KeyOf(2), "{thing0}:queue"});
  ASSERT_TRUE(admin.ledger.WaitFor(1));
  EXPECT_EQ(admin.ledger.All()[0], ":0");
}

TEST_F(Leases, EverybodyHearsOfTheLoopsDestructionOnce) {
  Client admin(options());
  admin.OpenAndWait();
  for (std::uint64_t i = 0; i < 40; ++i) {
    EndInTheMidst(options(), 1100 + i, true);
    // What a destroyed loop had would last for a while.
    admin.Send({"FLUSHALL"});
    ASSERT_TRUE(admin.ledger.WaitFor(i + 1));
  }
}

// The environment, or the client, ends with all that it has; the loop goes on for others.
TEST_F(Leases, WhoDiesGivesBackWhatItHad) {
  std::mt19937_64 random = RandomOf(1200);
  std::shared_ptr<EventLoop> loop = StartLoop();
  for (int i = 0; i < 50; ++i) {
    LeaseSide js(loop, options());
    for (int k = 0; k < 6; ++k) {
      lease::AcquireRequest request = LeaseSide::RequestFor(KeyOf(random() % kKeys));
      // Longer than the test may take.
      request.terms = {.ttl_ms = 600'000, .renew_every_ms = 200'000, .renew_timeout_ms = 200'000};
      EXPECT_NE(js.Acquire(std::move(request)), 0);
    }
    // Sometimes before it has anything, sometimes with a lease or two and others behind them.
    if (random() % 2 == 0) {
      ASSERT_TRUE(js.ReadUntil([&] { return !js.granted.empty(); })) << "the dead have kept it";
    }
    if (random() % 2 == 0) {
      js.Close();
      ASSERT_TRUE(js.ReadUntil([&] { return js.is_settled(); }));
    }
  }
  LeaseSide last(loop, options());
  for (std::size_t k = 0; k < kKeys; ++k) last.Acquire(LeaseSide::RequestFor(KeyOf(k)));
  EXPECT_TRUE(last.ReadUntil([&] { return last.held.size() == kKeys; }));
  EXPECT_TRUE(loop->Stop());
}

}  // namespace
}  // namespace sideloop::test
