// What is known of the server's clock decides whose jobs are taken over: a step that goes unnoticed
// has running jobs run twice, and one that is never forgotten keeps those of the dead for ever.
#include "lease/server_clock.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "lease/entry_id.h"

namespace sideloop::lease {
namespace {

constexpr std::uint64_t kLease = 30'000 * kNsPerMs;
constexpr std::int64_t kHour = 3'600'000;

class ServerClockTest : public testing::Test {
 protected:
  // It is asked at `at_ms` of our clock, and takes a millisecond to answer.
  void Ask(std::uint64_t at_ms) {
    clock_.Add(static_cast<std::int64_t>(at_ms) + server_, at_ms * kNsPerMs,
               (at_ms + 1) * kNsPerMs);
  }
  // By how much the server's clock seems to be ahead.
  std::int64_t Ahead(std::uint64_t at_ms) {
    const std::optional<std::int64_t> expected = clock_.Expected(at_ms * kNsPerMs);
    return static_cast<std::int64_t>(at_ms) + server_ - expected.value_or(0);
  }

  std::int64_t server_ = 1'700'000'000'000;  // less our clock, ms
  ServerClock clock_{kLease};
};

TEST_F(ServerClockTest, KnowsNothingAtFirst) {
  EXPECT_EQ(clock_.Expected(kLease), std::nullopt);
  EXPECT_FALSE(clock_.TakePutBack());
}

TEST_F(ServerClockTest, IsWhereItWasExpected) {
  for (std::uint64_t at = 1000; at < 100'000; at += 10'000) {
    Ask(at);
    EXPECT_EQ(Ahead(at + 5000), 1);
    EXPECT_FALSE(clock_.TakePutBack());
  }
}

TEST_F(ServerClockTest, IsAheadForALeaseFromWhenAStepForwardIsSeen) {
  Ask(1000);
  server_ += kHour;
  EXPECT_EQ(Ahead(2000), kHour + 1);
  Ask(10'000);
  Ask(20'000);
  EXPECT_EQ(Ahead(10'001), kHour + 1);
  EXPECT_EQ(Ahead(40'000), kHour + 1);
  EXPECT_EQ(Ahead(40'001), 1);
}

TEST_F(ServerClockTest, RemembersTheLastAnswerHoweverOldItIs) {
  Ask(1000);
  server_ += kHour;
  EXPECT_EQ(Ahead(900'000), kHour + 1);
  Ask(900'000);
  EXPECT_EQ(Ahead(901'000), kHour + 1);
  EXPECT_EQ(Ahead(930'002), 1);
}

TEST_F(ServerClockTest, AddsStepsUp) {
  Ask(1000);
  for (std::uint64_t at = 2000; at <= 10'000; at += 1000) {
    server_ += 1000;
    Ask(at);
  }
  EXPECT_EQ(Ahead(10'500), 9001);
  // They are forgotten one after the other.
  EXPECT_EQ(Ahead(35'500), 5001);
  EXPECT_EQ(Ahead(41'000), 1);
}

TEST_F(ServerClockTest, SaysOnceThatItWasPutBack) {
  Ask(1000);
  server_ -= kHour;
  Ask(2000);
  EXPECT_TRUE(clock_.TakePutBack());
  EXPECT_FALSE(clock_.TakePutBack());
  EXPECT_EQ(Ahead(2500), 1);
  server_ += kHour;
  EXPECT_EQ(Ahead(3000), kHour + 1);
  Ask(3000);
  EXPECT_FALSE(clock_.TakePutBack());
}

TEST_F(ServerClockTest, HasNoEyeForWhatIsLessThanATenthOfALease) {
  Ask(1000);
  server_ -= 2900;
  Ask(2000);
  EXPECT_FALSE(clock_.TakePutBack());
}

TEST_F(ServerClockTest, LearnsNothingFromWhatTookLong) {
  Ask(1000);
  clock_.Add(server_ + 2000, 2000 * kNsPerMs, 60'000 * kNsPerMs);
  EXPECT_FALSE(clock_.TakePutBack());
  EXPECT_EQ(Ahead(61'000), 1);
}

// The jobs of the dead would wait for as much longer.
TEST_F(ServerClockTest, IsNoVaguerForAnAnswerThatTookAWhile) {
  Ask(1000);
  for (const std::uint64_t took : {5, 50, 700, 6000}) {
    clock_.Add(server_ + 2000, 2000 * kNsPerMs, (2000 + took) * kNsPerMs);
    EXPECT_EQ(Ahead(9000), 1) << took;
    EXPECT_FALSE(clock_.TakePutBack());
  }
  // What contradicts it is a step.
  server_ -= kHour;
  clock_.Add(server_ + 9000, 9000 * kNsPerMs, 9700 * kNsPerMs);
  EXPECT_TRUE(clock_.TakePutBack());
  EXPECT_EQ(Ahead(10'000), 700);
}

TEST_F(ServerClockTest, GrowsNoListOfAClockThatRunsFast) {
  for (std::uint64_t at = 1000; at < 1'000'000; at += 100) {
    server_ += 700;
    Ask(at);
  }
  // What it gained in a lease, or a little more where steps stand for each other.
  EXPECT_GE(Ahead(1'000'000), 300 * 700);
  EXPECT_LE(Ahead(1'000'000), 330 * 700);
}

TEST(EntryId, IsBehindAnotherByItsNumbers) {
  EXPECT_TRUE(IsBehind("1-0", ""));
  EXPECT_TRUE(IsBehind("10-0", "9-9"));
  EXPECT_TRUE(IsBehind("9-10", "9-9"));
  EXPECT_FALSE(IsBehind("9-9", "9-9"));
  EXPECT_FALSE(IsBehind("9-8", "9-9"));
  for (const char* nonsense : {"", "-", "OK", "1", "1-", "-1", "1-x", "1-2-3", " 1-2"}) {
    EXPECT_FALSE(IsBehind(nonsense, "")) << nonsense;
  }
}

}  // namespace
}  // namespace sideloop::lease
