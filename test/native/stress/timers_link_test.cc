// Timers as a JS thread holds them: orders cross by a job, reports come back through the outbox. A
// failure here means a timer that fires early, twice or after it was cleared, a report without
// bound, or memory and handles that stay behind when one of the two sides ends.
#include "links/timers_link.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "stress/event.h"
#include "stress/loop_thread.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using timers::Order;

// The loop thread counts whole nanoseconds: closer due times than that are the same to it.
constexpr double kRounding = 2e-6;

double NowMs() { return static_cast<double>(Loop::Now()) / 1e6; }

// The JS side, on the test's thread.
class JsSide final : public Bell {
 public:
  explicit JsSide(std::shared_ptr<EventLoop> loop = StartLoop())
      : loop_(std::move(loop)), link_(std::make_shared<TimersLink>(loop_, outbox_, 1)) {}
  ~JsSide() { outbox_->Close(); }

  [[nodiscard]] bool Post(std::vector<Order> orders) { return link_->PostOrders(orders, false); }

  // Has what was posted before this be executed.
  void Settle() {
    RunOn(*loop_, [] {});
  }

  // Reads reports until `done` holds. False where nothing rings any more.
  template <typename Done>
  [[nodiscard]] bool ReadUntil(Done done) {
    while (!done()) {
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kHang, [this] { return rung_; })) return false;
        rung_ = false;
      }
      Read();
    }
    return true;
  }

  void Read() {
    for (auto& delivery : outbox_->Take()) {
      EXPECT_EQ(delivery->purpose, Delivery::Purpose::kMessages);
      const Delivery::Token& first = delivery->tokens[0];
      if (first.kind == Delivery::Kind::kArray) {
        EXPECT_TRUE(end.empty()) << "the end came twice";
        end = delivery->TextOf(delivery->tokens[1]);
        continue;
      }
      EXPECT_TRUE(end.empty()) << "a report after the end";
      for (const Delivery::Token& token : delivery->tokens) {
        const std::string_view bytes = delivery->TextOf(token);
        std::vector<std::int32_t> words(bytes.size() / 4);
        std::memcpy(words.data(), bytes.data(), bytes.size());
        ++reports;
        link_->Read(static_cast<std::uint32_t>(words[0]));
        for (std::size_t i = 1; i < words.size(); i += 2) {
          fired.push_back(
              {static_cast<std::uint32_t>(words[i]), static_cast<std::uint32_t>(words[i + 1])});
        }
      }
      outbox_->Recycle(std::move(delivery));
    }
  }

  struct Fired {
    std::uint32_t slot;
    std::uint32_t serial;
  };
  std::vector<Fired> fired;
  std::size_t reports = 0;
  std::string end;

  EventLoop& loop() { return *loop_; }
  TimersLink& link() { return *link_; }
  std::weak_ptr<TimersLink> DestroyReleased() {
    const std::weak_ptr<TimersLink> weak = link_;
    link_.reset();
    return weak;
  }

 private:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  std::shared_ptr<TimersLink> link_;
};

TEST(TimersLink, FiresInTheOrderOfDueTimesAndNeverEarly) {
  auto random = RandomOf(1);
  JsSide js;
  constexpr std::uint32_t kTimers = 5000;
  std::vector<double> due;
  std::vector<Order> orders;
  for (std::uint32_t i = 0; i < kTimers; ++i) {
    due.push_back(NowMs() + static_cast<double>(random() % 30'000) / 1000);
    orders.push_back({double(i), double(i), due.back(), 0});
  }
  ASSERT_TRUE(js.Post(orders));
  ASSERT_TRUE(js.ReadUntil([&] {
    // Whatever has been read by now was due by now.
    for (const auto& fired : js.fired) EXPECT_LE(due[fired.slot], NowMs() + kRounding);
    return js.fired.size() >= kTimers;
  }));
  for (std::size_t i = 1; i < kTimers; ++i) {
    EXPECT_LE(due[js.fired[i - 1].slot], due[js.fired[i].slot] + kRounding);
  }
  EXPECT_EQ(js.link().stats().fired, kTimers);
  EXPECT_EQ(js.link().stats().loop_lateness.count(), kTimers);
  EXPECT_LT(js.reports, kTimers) << "what fires together is reported together";
  EXPECT_TRUE(js.loop().Stop());
}

TEST(TimersLink, WhatWasClearedOrSetAnewDoesNotFire) {
  JsSide js;
  const double soon = NowMs() + 5;
  ASSERT_TRUE(js.Post({{0, 1, soon, 0}, {1, 2, soon, 0}, {2, 3, soon, 0}}));
  ASSERT_TRUE(js.Post({{0, 0, -1, 0}, {1, 4, soon + 10, 0}, {7, 0, -1, 0}}));
  ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 2; }));
  EXPECT_EQ(js.fired[0].serial, 3u);
  EXPECT_EQ(js.fired[1].serial, 4u);
  EXPECT_EQ(js.link().stats().pending, 0u);
  EXPECT_TRUE(js.loop().Stop());
}

TEST(TimersLink, ATickIsReportedOnceUntilItIsRead) {
  JsSide js;
  ASSERT_TRUE(js.Post({{3, 1, NowMs() + 1, 1}}));
  // Nobody reads for a while: more ticks pass than the outbox gets to hold.
  ASSERT_TRUE(WaitUntil([&] { return js.link().stats().ticks >= 50; }));
  js.Read();
  EXPECT_EQ(js.fired.size(), 1u);
  EXPECT_GE(js.link().stats().merged, 40u);
  // From the reading on they are reported again.
  ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 5; }));
  ASSERT_TRUE(js.Post({{3, 0, -1, 0}}));
  js.Settle();
  EXPECT_EQ(js.link().stats().pending, 0u);
  EXPECT_TRUE(js.loop().Stop());
}

TEST(TimerQueue, ATickOfLongAgoWasReadThoughNumbersWrapAround) {
  constexpr std::uint64_t kNewest = (std::uint64_t{3} << 32) + 5;
  constexpr std::uint32_t kLastRead = 3;
  const auto unread = [](std::uint64_t report) {
    return timers::TimerQueue::IsUnread(report, kNewest, kLastRead);
  };
  EXPECT_TRUE(unread(kNewest));
  EXPECT_TRUE(unread(kNewest - 1));
  EXPECT_FALSE(unread(kNewest - 2));
  EXPECT_FALSE(unread(kNewest - 0x8000'0005)) << "the tick would never be reported again";
  EXPECT_FALSE(unread(kNewest - (std::uint64_t{1} << 32)));
  EXPECT_FALSE(unread(0)) << "it is in no report yet";
}

TEST(TimersLink, TicksKeepToTheirFirstDueTime) {
  JsSide js;
  constexpr double kPeriod = 3;
  const double start = NowMs();
  ASSERT_TRUE(js.Post({{0, 1, start + kPeriod, kPeriod}}));
  ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 20; }));
  // Each tick comes after its own due time: with every one read, the n-th is no earlier than that.
  EXPECT_GE(NowMs(), start + 20 * kPeriod);
  // And there are no more of them than periods passed.
  const std::uint64_t ticks = js.link().stats().ticks;
  EXPECT_LE(static_cast<double>(ticks), (NowMs() - start) / kPeriod);
  EXPECT_TRUE(js.loop().Stop());
}

TEST(TimersLink, AnIdleOneWakesNobody) {
  JsSide js;
  ASSERT_TRUE(js.Post({{0, 1, NowMs() + 1e9, 0}, {1, 2, NowMs() + 1, 1}}));
  ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 3; }));
  ASSERT_TRUE(js.Post({{1, 0, -1, 0}}));
  js.Settle();
  const std::uint64_t iterations = js.loop().stats().iterations;
  // Not a wait for something to happen, but for something not to.
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_LE(js.loop().stats().iterations, iterations + 1);
  EXPECT_TRUE(js.loop().Stop());
}

TEST(TimersLink, AStopWaitsForNoTimerAndSaysThatItIsOver) {
  JsSide js;
  ASSERT_TRUE(js.Post({{0, 1, NowMs() + 1e9, 0}, {1, 2, NowMs() + 1, 1e9}}));
  ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 1; }));
  ASSERT_TRUE(js.loop().Stop(60'000));
  js.Read();
  EXPECT_EQ(js.end, "STOPPED");
  EXPECT_FALSE(js.Post({{0, 3, NowMs(), 0}}));
}

TEST(TimersLink, OrdersThatComeWithTheDestroyAreToldOfTheEnd) {
  JsSide js;
  {
    Barrier barrier(js.loop());
    ASSERT_TRUE(js.Post({{0, 1, NowMs() + 1e9, 0}}));
    js.loop().RequestDestroy();
  }
  ASSERT_TRUE(js.loop().Join(5000));
  js.Read();
  EXPECT_EQ(js.end, "DESTROYED");
}

TEST(TimersLink, TheEndOfItsEnvironmentClosesItOnALoopThatLivesOn) {
  const std::shared_ptr<EventLoop> loop = StartLoop();
  std::weak_ptr<TimersLink> weak;
  {
    JsSide js(loop);
    ASSERT_TRUE(js.Post({{0, 1, NowMs() + 1e9, 0}, {1, 2, NowMs() + 1, 1}}));
    ASSERT_TRUE(js.ReadUntil([&] { return js.fired.size() >= 2; }));
    js.link().PostDetach();
    // What is on its way behind it finds it closed.
    ASSERT_TRUE(js.Post({{2, 3, NowMs() + 1, 1}}));
    weak = js.DestroyReleased();
  }
  EXPECT_TRUE(WaitUntil([&] { return weak.expired(); }));
  EXPECT_TRUE(loop->Stop());
}

TEST(TimersLink, LettingGoOfItWithoutAWordLeaksNothing) {
  const std::shared_ptr<EventLoop> loop = StartLoop();
  std::weak_ptr<TimersLink> weak;
  {
    JsSide js(loop);
    ASSERT_TRUE(js.Post({{0, 1, NowMs() + 1e9, 0}}));
    js.Settle();
    weak = js.DestroyReleased();
  }
  EXPECT_FALSE(weak.expired()) << "the loop would call into freed memory";
  EXPECT_TRUE(loop->Stop());
  EXPECT_TRUE(weak.expired());
}

// One thread sets, clears and sets anew as it likes, while the loop fires: every deadline that was
// not cleared fires once, every one that was fires once at most, and then it was under way.
TEST(TimersLink, WhateverIsSetAndClearedFiresAsOftenAsItShould) {
  auto random = RandomOf(2);
  JsSide js;
  std::map<std::uint32_t, bool> cleared;        // by serial
  std::map<std::uint32_t, std::uint32_t> live;  // serial by slot
  std::uint32_t serial = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<Order> orders;
    for (int i = 0; i < 10; ++i) {
      const auto slot = static_cast<std::uint32_t>(random() % 64);
      if (const auto before = live.find(slot); before != live.end()) {
        cleared[before->second] = true;
        live.erase(before);
      }
      if (random() % 3 == 0) {
        orders.push_back({double(slot), 0, -1, 0});
        continue;
      }
      live[slot] = ++serial;
      cleared[serial] = false;
      orders.push_back(
          {double(slot), double(serial), NowMs() + static_cast<double>(random() % 2000) / 1000, 0});
    }
    ASSERT_TRUE(js.Post(std::move(orders)));
    js.Read();
    for (const auto& fired : js.fired) {
      if (const auto at = live.find(fired.slot); at != live.end() && at->second == fired.serial) {
        live.erase(at);
      }
    }
  }
  std::map<std::uint32_t, int> times;
  const auto all_fired = [&] {
    times.clear();
    for (const auto& fired : js.fired) ++times[fired.serial];
    for (const auto& [slot, number] : live) {
      if (times[number] == 0) return false;
    }
    return true;
  };
  ASSERT_TRUE(js.ReadUntil(all_fired));
  for (const auto& [number, was_cleared] : cleared) {
    if (was_cleared) {
      EXPECT_LE(times[number], 1);
    } else {
      EXPECT_EQ(times[number], 1);
    }
  }
  EXPECT_TRUE(js.loop().Stop());
}

}  // namespace
}  // namespace sideloop::test
