// Which reply belongs to which command. A failure here is the worst one that a client can have: a
// promise resolved with another command's reply.
#include "resp/pairing.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <random>

namespace sideloop::resp {
namespace {

class NoTarget final : public ReplyTarget {
 public:
  ReplySink& BeginReply(std::uint32_t) override { std::abort(); }
  bool EndReply() override { std::abort(); }
  void AbortReply() override { std::abort(); }
  bool FailReplies(std::uint32_t, const Error&) override { std::abort(); }
};

TEST(Pairing, RepliesMeetTheCommandsInTheOrderTheyWereSent) {
  std::mt19937_64 random(9);
  NoTarget targets[3];
  Pairing pairing;
  std::deque<ReplyTarget*> model;  // one entry for each command
  for (int step = 0; step < 20'000; ++step) {
    if (model.empty() || random() % 3 == 0) {
      const auto count = static_cast<std::uint32_t>(1 + random() % 5);
      NoTarget& target = targets[random() % 3];
      pairing.Sent({.target = &target, .count = count});
      model.insert(model.end(), count, &target);
    } else {
      ASSERT_EQ(pairing.front().target, model.front());
      pairing.Answered();
      model.pop_front();
    }
    ASSERT_EQ(pairing.in_flight(), model.size());
    ASSERT_EQ(pairing.empty(), model.empty());
  }
}

TEST(Pairing, TakingOutALostConnectionsCommandsCountsOnlyTheUnanswered) {
  NoTarget first;
  NoTarget second;
  Pairing pairing;
  pairing.Sent({.target = &first, .count = 3});
  pairing.Sent({.target = &second, .count = 2});
  pairing.Answered();
  const auto oldest = pairing.TakeRun();
  ASSERT_TRUE(oldest);
  EXPECT_EQ(oldest->target, &first);
  EXPECT_EQ(oldest->count, 2u);
  EXPECT_EQ(pairing.in_flight(), 2u);
  ASSERT_TRUE(pairing.TakeRun());
  EXPECT_FALSE(pairing.TakeRun());
  EXPECT_EQ(pairing.in_flight(), 0u);
}

TEST(Pairing, AGenerationBeginsOnlyWithNothingInFlight) {
  NoTarget target;
  Pairing pairing;
  EXPECT_EQ(pairing.generation(), 0u);
  pairing.NextGeneration();
  EXPECT_EQ(pairing.generation(), 1u);
  pairing.Sent({.target = &target, .count = 1});
#ifndef NDEBUG
  EXPECT_DEATH(pairing.NextGeneration(), "runs_");
#endif
}

}  // namespace
}  // namespace sideloop::resp
