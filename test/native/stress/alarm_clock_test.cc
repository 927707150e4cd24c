// Many alarms on one timer. A failure here means an alarm that is early, that never goes off, or
// that does so after it was stopped; or a descriptor for each.
#include "timers/alarm_clock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "base/nanoseconds.h"
#include "cross/event_loop.h"
#include "stress/event.h"
#include "stress/loop_thread.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using timers::Alarm;
using timers::AlarmClock;
using timers::AlarmListener;

class AlarmClocks : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(event_loop_->Stop()); }
  Loop& loop() { return event_loop_->loop(); }

  std::unique_ptr<EventLoop> event_loop_ = StartLoop();
};

// Calls what it is given, with itself.
class Ring final : public AlarmListener {
 public:
  std::optional<Alarm> alarm;
  std::uint64_t due = 0;
  Job on_alarm;

  void SetIn(std::uint64_t ms) {
    due = Loop::Now() + ToNs(ms);
    alarm->SetAt(due);
  }

 private:
  void OnAlarm() override {
    EXPECT_GE(Loop::Now(), due) << "early";
    if (on_alarm) on_alarm();
  }
};

// Rings that share a clock; they are made and destroyed on the loop thread.
std::vector<std::unique_ptr<Ring>> MakeRings(const std::shared_ptr<AlarmClock>& clock,
                                             std::size_t count) {
  std::vector<std::unique_ptr<Ring>> rings;
  for (std::size_t i = 0; i < count; ++i) {
    AlarmListener& listener = *rings.emplace_back(std::make_unique<Ring>());
    rings.back()->alarm.emplace(clock, listener);
  }
  return rings;
}

TEST_F(AlarmClocks, GoOffOnceEachAndInOrder) {
  std::mt19937_64 random(Seed());
  constexpr std::size_t kCount = 2000;
  Event over;
  std::vector<std::unique_ptr<Ring>> rings;
  std::vector<int> rung(kCount);
  std::size_t left = kCount;
  std::uint64_t last = 0;
  RunOn(*event_loop_, [&] {
    rings = MakeRings(std::make_shared<AlarmClock>(loop()), kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
      Ring& ring = *rings[i];
      ring.on_alarm = [&, i] {
        EXPECT_GE(rings[i]->due, last) << "out of order";
        last = rings[i]->due;
        ++rung[i];
        if (--left == 0) over.Set();
      };
      ring.SetIn(random() % 50);
      // Half of them are set anew, some of those stopped in between.
      if (random() % 4 == 0) ring.alarm->Stop();
      if (random() % 2 == 0 || i % 4 == 0) ring.SetIn(random() % 50);
    }
    // What was stopped and not set again does not go off.
    for (std::size_t i = 0; i < kCount; i += 10) {
      rings[i]->alarm->Stop();
      --left;
    }
    for (std::size_t i = 1; i < kCount; ++i) {
      if (i % 10 != 0) rings[i]->SetIn(random() % 50);
    }
  });
  ASSERT_TRUE(over.Wait());
  RunOn(*event_loop_, [&] { rings.clear(); });
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(rung[i], i % 10 == 0 ? 0 : 1) << i;
}

TEST_F(AlarmClocks, AListenerMayDestroyAllOfThemAndSoTheClock) {
  Event over;
  std::vector<std::unique_ptr<Ring>> rings;
  std::weak_ptr<AlarmClock> weak;
  RunOn(*event_loop_, [&] {
    auto clock = std::make_shared<AlarmClock>(loop());
    weak = clock;
    rings = MakeRings(clock, 3);
    for (const auto& ring : rings) {
      ring->on_alarm = [&] {
        // The closure that runs goes with its ring: what it needs comes first.
        Event& done = over;
        auto gone = std::move(rings);
        for (const auto& each : gone) each->alarm.reset();
        loop().ReleaseLater(std::make_shared<std::vector<std::unique_ptr<Ring>>>(std::move(gone)));
        done.Set();
      };
      ring->SetIn(1);
    }
  });
  ASSERT_TRUE(over.Wait());
  RunOn(*event_loop_, [&] { EXPECT_TRUE(weak.expired()); });
}

TEST_F(AlarmClocks, OneThatIsSetInItsOwnCallbackDoesNotStarveIo) {
  Event over;
  std::vector<std::unique_ptr<Ring>> rings;
  RunOn(*event_loop_, [&] {
    rings = MakeRings(std::make_shared<AlarmClock>(loop()), 1);
    rings[0]->on_alarm = [&] { rings[0]->SetIn(0); };
    rings[0]->SetIn(0);
  });
  // A job gets its turn, although there is always an alarm that is due.
  RunOn(*event_loop_, [&] { rings.clear(); });
}

#ifdef __linux__
std::size_t OpenFiles() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

TEST_F(AlarmClocks, TakeOneDescriptorForAllAlarms) {
  std::vector<std::unique_ptr<Ring>> rings;
  RunOn(*event_loop_, [&] {
    const std::size_t before = OpenFiles();
    rings = MakeRings(std::make_shared<AlarmClock>(loop()), 1000);
    for (const auto& ring : rings) ring->SetIn(60'000);
    EXPECT_LE(OpenFiles(), before + 1);
    rings.clear();
  });
}
#endif

}  // namespace
}  // namespace sideloop::test
