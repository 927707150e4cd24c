// What a queue keeps of commands that nobody waits for any more, while a server that takes them all
// answers none. A client whose command has failed may send the next: so a failure here is memory,
// and time for each deadline, that grow for as long as the server is silent.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "unit/queue_fixture.h"

namespace sideloop::redis {
namespace {

using test::Queue;
using test::QueueTarget;
using test::StageOf;

constexpr std::uint32_t kBlocking = resp::Stage::kBlocking;
constexpr std::uint32_t kAsBytes = resp::Stage::kAsBytes;
constexpr std::uint64_t kMs = kNsPerMs;
constexpr std::size_t kAll = resp::StageEncoder::kNoLimit;
constexpr std::uint64_t kCount = 20'000;
// Of the kinds of commands there are, to any target.
constexpr std::size_t kKinds = 8;
const Error kGone = {ErrorCode::kClosed, "gone"};

class OwedReplies : public Queue {
 protected:
  // The server answers all that it owes; then the next command meets its own reply.
  void ExpectThatItRecovers(CommandQueue& queue, std::uint64_t now) {
    QueueTarget last;
    Add(queue, last, {"GET", "last"}, 0, now);
    Write(queue, kAll, now);
    while (queue.in_flight() > 1) Answer(queue, "late");
    EXPECT_EQ(queue.front().target, &last);
    Answer(queue, "mine");
    EXPECT_EQ(last.outcomes, std::vector<std::string>{"mine"});
    EXPECT_FALSE(queue.has_blocking());
    EXPECT_TRUE(queue.is_quiet());
  }
};

TEST_F(OwedReplies, OfCommandsOneByOneTakeNoMemoryEach) {
  target_.keeps_turns = true;
  std::uint64_t now = 0;
  for (std::uint64_t i = 0; i < kCount; ++i, now += 100 * kMs) {
    Add(timed_, target_, {"GET", "key"}, i % 3 == 0 ? kAsBytes : 0, now);
    Write(timed_, kAll, now);
    timed_.FailOverdue(now + 100 * kMs);
    ASSERT_EQ(target_.settled, i + 1);
    ASSERT_LE(timed_.runs_in_flight(), kKinds);
  }
  EXPECT_EQ(timed_.in_flight(), kCount);
  EXPECT_FALSE(timed_.has_unsent());
  ExpectThatItRecovers(timed_, now);
}

// As where a pause is computed from what is left of another, or has a jitter.
TEST_F(OwedReplies, OfWaitsThatAreAllDifferentTakeNoMemoryEach) {
  target_.keeps_turns = true;
  std::uint64_t now = 0;
  for (std::uint64_t i = 0; i < kCount; ++i, now += 30'000 * kMs) {
    const auto wait_ms = static_cast<std::int32_t>(1 + i);
    timed_.Add(StageOf({{"BLPOP", "list", std::to_string(wait_ms)}}, {kBlocking}, wait_ms), 1,
               target_, now);
    Write(timed_, kAll, now);
    timed_.FailOverdue(now + 30'000 * kMs);
    ASSERT_EQ(target_.settled, i + 1);
    ASSERT_LE(timed_.runs_in_flight(), kKinds);
  }
  EXPECT_TRUE(timed_.has_blocking());
  // Silence means nothing for as long as any of them may make the server wait.
  EXPECT_EQ(timed_.front().wait_ms, static_cast<std::int32_t>(kCount));
  ExpectThatItRecovers(timed_, now);
}

TEST_F(OwedReplies, OfOneThatWaitsForEverIsNotTakenForAFiniteWait) {
  other_.keeps_turns = true;
  timed_.Add(StageOf({{"BLPOP", "list", "0"}}, {kBlocking}), 1, other_, 0);
  timed_.Add(StageOf({{"BLPOP", "list", "5"}}, {kBlocking}, 5000), 1, other_, 0);
  Write(timed_);
  timed_.FailInPlace(other_, kGone);
  EXPECT_EQ(timed_.runs_in_flight(), 2u);
  EXPECT_EQ(timed_.front().wait_ms, resp::Stage::kForEver);
}

TEST_F(OwedReplies, OfClientsThatComeAndCloseTakeNoMemoryEach) {
  for (std::uint64_t i = 0; i < kCount; ++i) {
    QueueTarget target;
    Add(queue_, target, {"GET", "key"}, i % 2 == 0 ? kAsBytes : 0);
    Write(queue_);
    queue_.Fail(target, kGone);
    ASSERT_EQ(target.settled, 1u);
    ASSERT_LE(queue_.runs_in_flight(), kKinds);
  }
  ExpectThatItRecovers(queue_, 0);
}

TEST_F(OwedReplies, OfClientsWhoseThreadDiesTakeNoMemoryEach) {
  for (std::uint64_t i = 0; i < kCount; ++i) {
    QueueTarget target;
    timed_.Add(StageOf({{"BLPOP", "list"}, {"GET", "key"}}, {kBlocking, 0},
                       static_cast<std::int32_t>(1 + i)),
               2, target, 0);
    Write(timed_);
    timed_.Abandon(target);
    ASSERT_LE(timed_.runs_in_flight(), kKinds);
  }
  ExpectThatItRecovers(timed_, 0);
}

// One that does not take its replies, beside one that does: its turns are bounded by the client,
// and what is kept of them is not even that.
TEST_F(OwedReplies, OfTurnsThatAreKeptTakeNoMemoryEach) {
  target_.keeps_turns = true;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    Add(queue_, target_, {"GET", "key"});
    Add(queue_, target_, {"GET", "key"}, kAsBytes);
    Write(queue_);
    queue_.FailInPlace(target_, kGone);
    ASSERT_LE(queue_.runs_in_flight(), kKinds);
  }
  EXPECT_EQ(target_.settled, 2 * kCount);
  ExpectThatItRecovers(queue_, 0);
}

TEST_F(OwedReplies, OfOneClientKeepTheOrderOfThoseThatAnotherWaitsFor) {
  other_.keeps_turns = true;
  constexpr std::uint64_t kRounds = 100;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    QueueTarget target;
    Add(queue_, target, {"GET", "key"});
    Add(queue_, target, {"GET", "key"}, kAsBytes);
    Add(queue_, other_, {"ECHO", std::to_string(i)});
    Write(queue_);
    queue_.Fail(target, kGone);
  }
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    Answer(queue_, "late");
    Answer(queue_, "late");
    Answer(queue_, std::to_string(i));
    ASSERT_EQ(other_.outcomes.back(), std::to_string(i));
  }
  EXPECT_TRUE(queue_.is_quiet());
}

// Of a server that swallowed some 50 GB of commands: a count that began anew would give the replies
// to those behind them.
TEST_F(OwedReplies, AreCountedBeyondWhatOneRunCanCount) {
  constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
  timed_.Sent({.target = &timed_.discard(), .count = kMost - 1, .is_own = true});
  timed_.Sent({.target = &timed_.discard(), .count = 2, .is_own = true});
  Add(timed_, target_, {"GET", "key"});
  Write(timed_);
  timed_.FailOverdue(100 * kMs);
  EXPECT_EQ(timed_.runs_in_flight(), 2u);
  EXPECT_EQ(timed_.front().count, kMost - 1);
  EXPECT_EQ(timed_.in_flight(), std::size_t{kMost} + 2);
}

}  // namespace
}  // namespace sideloop::redis
