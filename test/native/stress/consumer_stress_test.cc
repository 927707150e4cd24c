// Consumers on a real server, several at a time, each with a thread in place of JS. A
// failure here means a job that is lost or settled twice, a report that never comes or comes twice,
// or memory and threads that are used by two at a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "stress/consumer_side.h"
#include "stress/moving.h"
#include "stress/redis_server.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

constexpr int kLost = static_cast<int>(lease::JobEnd::kLost);
constexpr int kReleased = static_cast<int>(lease::JobEnd::kReleased);

lease::ConsumerOptions Options(const RedisServer& server, const std::string& name) {
  lease::ConsumerOptions options;
  options.levels = {"{q}:high", "{q}:low"};
  options.group = "g";
  options.name = name;
  options.start = "0";
  options.delayed = "{q}:delayed";
  options.history = "{q}:g:history";
  options.dead = "{q}:dead";
  options.lease_ms = 2000;
  options.renew_every_ms = 500;
  options.recover_every_ms = 200;
  options.max_attempts = 1'000'000;
  options.room = 40;
  options.redis = server.options();
  options.redis.backoff_min_ms = 1;
  options.redis.backoff_max_ms = 20;
  return options;
}

void AddJobs(Console& console, const std::string& stream, int first, int count) {
  console.Ask({"EVAL",
               "for n = ARGV[1], ARGV[1] + ARGV[2] - 1 do "
               "redis.call('XADD', KEYS[1], '*', 'n', string.format('%d', n)) end return 1",
               "1", stream, std::to_string(first), std::to_string(count)});
}

// What all consumers of a test have settled, and how often their threads looked at that.
class Settled {
 public:
  explicit Settled(int jobs) : acked_(static_cast<std::size_t>(jobs)) {}

  void Acked(const ConsumerSide::Job& job) {
    EXPECT_EQ(acked_[std::stoul(job.fields.at(1))]++, 0) << "acked twice";
    ++count_;
  }
  // Of a thread that was told something, before it looks how many there are.
  void Looks() {
    const std::lock_guard lock(mutex_);
    ++looks_;
    changed_.notify_all();
  }
  // No thread will look any more.
  void End() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  int count() const { return count_; }
  // Once a thread has looked since there were so many looks, or none will. False at the end.
  bool WaitForALook(std::uint64_t since) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kHang, [&] { return over_ || looks_ > since; }));
    return !over_;
  }
  // Once so many are settled.
  bool WaitFor(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return count_ >= count; });
  }
  std::uint64_t looks() {
    const std::lock_guard lock(mutex_);
    return looks_;
  }

 private:
  std::vector<std::atomic<int>> acked_;
  std::atomic<int> count_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t looks_ = 0;
  bool over_ = false;
};

// Settles jobs in one of several ways until there is `enough`, or it has had `most` of them, and
// closes its consumer.
void Work(ConsumerSide& side, Settled& ledger, int enough, int most, std::uint64_t seed) {
  AssertOnJs();
  auto random = RandomOf(seed);
  std::set<std::string> failed;
  // An id is that of one stream: entries of two may have the same.
  const auto entry_of = [](const ConsumerSide::Job& job) {
    return std::to_string(job.level) + job.id;
  };
  int had = 0;
  bool closing = false;
  while (!side.closed()) {
    const bool came = side.Read(
        [&](const ConsumerSide::Job& job) {
          AssertOnJs();
          if (closing || !side.Begin(job)) return;
          ++had;
          if (job.fields.at(1) == "-1") return side.GiveBack(job);
          const auto choice = random() % 20;
          if (choice == 0) {
            side.GiveBack(job);
          } else if (choice < 3) {
            failed.insert(entry_of(job));
            side.Fail(job, "no");
          } else {
            side.Ack(job);
          }
        },
        [&](const ConsumerSide::Job& job, int why) {
          if (why == -1 && failed.erase(entry_of(job)) == 0) ledger.Acked(job);
          EXPECT_TRUE(why == -1 || why == kReleased || why == kLost) << why;
        });
    ASSERT_TRUE(came);
    ledger.Looks();
    if (!closing && (ledger.count() >= enough || had >= most)) {
      closing = true;
      side.Close(5000);
    }
    EXPECT_TRUE(side.Submit());
  }
}

// Has each job acked once by consumers that come and go, whatever happens to their connections.
void RunAll(bool with_kills) {
  RedisServer server;
  Console console(server.options());
  constexpr int kJobs = 3000;
  constexpr int kThreads = 3;
  AddJobs(console, "{q}:high", 0, kJobs / 2);
  AddJobs(console, "{q}:low", kJobs / 2, kJobs / 2);
  Settled ledger(kJobs);
  std::vector<std::thread> threads;
  // One for all threads: of descriptors that pass from one loop to another ThreadSanitizer sees
  // half, as libuv closes them by a system call of its own.
  const std::shared_ptr<EventLoop> loop = StartLoop();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t life = 0; ledger.count() < kJobs; ++life) {
        const auto number = static_cast<std::uint64_t>(t) * 1000 + life;
        ConsumerSide side(loop, Options(server, "c" + std::to_string(number)));
        ASSERT_TRUE(side.Start());
        Work(side, ledger, kJobs, 400, number);
        EXPECT_EQ(side.stats().held, 0u);
      }
    });
  }
  constexpr int kJobsBetweenKills = 30;
  for (int count = 0; with_kills && count < kJobs; count = ledger.count()) {
    console.Ask({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
    ASSERT_TRUE(ledger.WaitFor(std::min(count + kJobsBetweenKills, kJobs)));
  }
  // Some wait for jobs, and all have been done: each is told so by one more.
  ASSERT_TRUE(ledger.WaitFor(kJobs));
  std::thread waker([&] {
    std::uint64_t looks = 0;
    do {
      looks = ledger.looks();
      console.Ask({"XADD", "{q}:high", "*", "n", "-1"});
    } while (ledger.WaitForALook(looks));
  });
  for (std::thread& thread : threads) thread.join();
  ledger.End();
  waker.join();
  EXPECT_TRUE(loop->Stop(5000));
  EXPECT_EQ(ledger.count(), kJobs);
  // Killed reads may have brought markers, which nobody has seen and nobody needs any more.
  if (with_kills) return;
  EXPECT_EQ(console.Ask({"XPENDING", "{q}:low", "g"}).elements.at(0).integer, 0);
}

TEST(ConsumerStress, EachJobIsAckedOnce) { RunAll(false); }

TEST(ConsumerStress, EachJobIsAckedOnceThoughConnectionsAreKilled) { RunAll(true); }

TEST(ConsumerStress, LoopsStopAndAreDestroyedInTheMidstOfIt) {
  RedisServer server;
  Console console(server.options());
  for (int round = 0; round < 20; ++round) {
    AddJobs(console, "{q}:high", 0, 200);
    const std::shared_ptr<EventLoop> loop = StartLoop();
    ConsumerSide side(loop, Options(server, "c" + std::to_string(round)));
    ASSERT_TRUE(side.Start());
    auto random = RandomOf(static_cast<std::uint64_t>(round));
    int seen = 0;
    // A third is never settled, and at some time there is no room for more.
    const auto limit = static_cast<int>(random() % 100);
    std::vector<std::thread> enders;
    while (!side.closed()) {
      AssertOnJs();
      ASSERT_TRUE(side.Read(
          [&](const ConsumerSide::Job& job) {
            AssertOnJs();
            ++seen;
            if (side.Begin(job) && seen % 3 > 0) side.Ack(job);
          },
          [](const ConsumerSide::Job&, int) {}));
      side.Submit();
      if (seen >= limit && enders.empty()) {
        enders.emplace_back([&] {
          if (round % 2 == 0) {
            EXPECT_TRUE(loop->Stop(5000));
          } else {
            loop->RequestDestroy();
            EXPECT_TRUE(loop->Join(5000));
          }
        });
      }
    }
    for (std::thread& ender : enders) ender.join();
    EXPECT_EQ(side.stats().held, 0u);
  }
}

TEST(ConsumerStress, EnvironmentsEndInTheMidstOfIt) {
  RedisServer server;
  Console console(server.options());
  AddJobs(console, "{q}:high", 0, 2000);
  const std::shared_ptr<EventLoop> loop = StartLoop();
  for (int round = 0; round < 20; ++round) {
    ConsumerSide side(loop, Options(server, "c" + std::to_string(round)));
    ASSERT_TRUE(side.Start());
    int seen = 0;
    while (seen < round) {
      AssertOnJs();
      ASSERT_TRUE(side.Read(
          [&](const ConsumerSide::Job& job) {
            AssertOnJs();
            ++seen;
            if (side.Begin(job)) side.Ack(job);
          },
          [](const ConsumerSide::Job&, int) {}));
      EXPECT_TRUE(side.Submit());
    }
    side.End();
  }
  EXPECT_TRUE(loop->Stop(5000));
  // All that they held was handed back: nothing is left that was not idle for a lease.
  const auto idle = console.Ask({"XPENDING", "{q}:high", "g", "-", "+", "2000"});
  for (const resp::Reply& entry : idle.elements) EXPECT_GE(entry.elements.at(2).integer, 2000);
}

}  // namespace
}  // namespace sideloop::test
