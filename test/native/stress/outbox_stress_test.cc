// Loop threads commit while the JS thread takes and, in the end, closes. A failure here is a reply
// that sits in the outbox with nobody rung for it, which is a promise that never settles.
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/delivery_reader.h"
#include "cross/outbox.h"
#include "stress/event.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

// TurnSubscription the taker, and counts.
class WakingBell final : public Bell {
 public:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    ++rings_;
    ++pending_;
    changed_.notify_one();
  }

  // Waits for a ring. Nothing else ever wakes the taker: a lost ring is a hang.
  [[nodiscard]] bool WaitForRing() {
    std::unique_lock lock(mutex_);
    const bool rung = changed_.wait_for(lock, kHang, [this] { return pending_ > 0; });
    EXPECT_LE(pending_, 1) << "rang twice without a Take between";
    pending_ = 0;
    return rung;
  }

  int rings() {
    const std::lock_guard lock(mutex_);
    return rings_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int pending_ = 0;
  int rings_ = 0;
};

constexpr int kWriters = 3;

TEST(OutboxStress, NoRingIsLostAndEveryWritersOrderIsKept) {
  constexpr std::int64_t kEach = 20'000;
  WakingBell bell;
  Outbox outbox(bell);
  std::vector<std::thread> writers;
  for (std::uint32_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&outbox, w] {
      std::mt19937_64 random = RandomOf(200 + w);
      auto delivery = std::make_unique<Delivery>();
      delivery->target = w;
      for (std::int64_t i = 0; i < kEach; ++i) {
        delivery->packed.AddInteger(i);
        ++delivery->settled;
        if (random() % 3 == 0 || i + 1 == kEach) outbox.Commit(delivery);
        if (random() % 64 == 0) std::this_thread::yield();
      }
    });
  }
  std::int64_t next[kWriters] = {};
  std::int64_t taken = 0;
  while (taken < kWriters * kEach) {
    ASSERT_TRUE(bell.WaitForRing()) << "a ring was lost after " << taken;
    for (auto& delivery : outbox.Take()) {
      std::uint32_t read = 0;
      Value value;
      for (DeliveryReader reader(*delivery); reader.Next(value); ++read) {
        ASSERT_EQ(value.number, next[delivery->target]++);
      }
      ASSERT_EQ(delivery->settled, read);
      taken += read;
      outbox.Recycle(std::move(delivery));
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(outbox.Take().empty());
}

TEST(OutboxStress, NothingRingsOnceItIsClosed) {
  for (int round = 0; round < 50; ++round) {
    // Freed at once after Close, as an environment is: a late ring is a use after free.
    auto bell = std::make_unique<WakingBell>();
    Outbox outbox(*bell);
    Event closed;
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&] {
        auto delivery = std::make_unique<Delivery>();
        for (int left = 100; left > 0;) {
          delivery->packed.AddInteger(1);
          outbox.Commit(delivery);
          if (closed.is_set()) --left;  // and on for a while
        }
      });
    }
    EXPECT_TRUE(bell->WaitForRing());
    for (auto& delivery : outbox.Take()) outbox.Recycle(std::move(delivery));
    outbox.Close();
    bell.reset();
    closed.Set();
    for (std::thread& writer : writers) writer.join();
    EXPECT_TRUE(outbox.Take().empty());
  }
}

}  // namespace
}  // namespace sideloop::test
