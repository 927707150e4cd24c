// How long a lease that is kept on the loop thread is certain: its bound, the life of its thread,
// its window. A failure here means a lease that its holder believes in when the server does not, or
// one that is kept for a thread that hangs.
#include "lease/lease_renewer.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "stress/client.h"
#include "stress/event.h"
#include "stress/granting.h"
#include "stress/kept_leases.h"

namespace sideloop::test {
namespace {

using lease::LeaseEnd;
using lease::LeaseRenewer;

constexpr std::uint64_t kMs = 1'000'000;

// Rule 5.
TEST(LeaseRenewer, NothingOutlivesItsBoundNotEvenAtTheServer) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add(
      {.ttl_ms = 300, .renew_every_ms = 20, .renew_timeout_ms = 300, .max_lease_ms = 500});
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kMaxLease);
  // At the bound, less the margin for clocks.
  const std::uint64_t bound = leases.granted_at + 500 * kMs;
  EXPECT_GE(leases.ended_at(slot), bound - 6 * kMs);
  EXPECT_GT(leases.cells[0].renewals, 0u);
  for (const Asked& asked : server.asked()) EXPECT_LE(asked.ttls[0], 300u);
  EXPECT_LT(server.asked().back().ttls[0], 300u);
}

TEST(LeaseRenewer, ABoundCanBeMoved) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add(
      {.ttl_ms = 20'000, .renew_every_ms = 20, .renew_timeout_ms = 300, .max_lease_ms = 10'000});
  leases.On([&](LeaseRenewer& renewer) { renewer.Extend(slot, 60'000); });
  ASSERT_TRUE(leases.WaitForRenewals(1));
  EXPECT_EQ(server.asked().back().ttls[0], 20'000u);
  EXPECT_GT(leases.cells[0].valid_until, leases.granted_at + 10'000 * kMs);
}

// The server was told to hold it to the old bound only, which is before the next renewal.
TEST(LeaseRenewer, ABoundThatIsMovedWhileItsLastRenewalIsUnderWayIsMovedAtTheServerToo) {
  Event answer;
  Granting server([&](int number, const Asked& asked) {
    if (number == 1) {
      EXPECT_TRUE(answer.Wait());
    }
    return Granting::AllOf("1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  // A second of its bound is left.
  const Slot slot = leases.Add({.ttl_ms = 10'000,
                                .renew_every_ms = 9'000,
                                .renew_timeout_ms = 20'000,
                                .max_lease_ms = 10'500},
                               9'500);
  ASSERT_TRUE(WaitUntil([&] { return server.commands() == 1; }));
  EXPECT_LE(server.asked()[0].ttls[0], 1'000u);
  leases.On([&](LeaseRenewer& renewer) { renewer.Extend(slot, 60'000); });
  answer.Set();
  ASSERT_TRUE(leases.WaitForRenewals(2));
  EXPECT_EQ(server.asked()[1].ttls[0], 10'000u);
  EXPECT_FALSE(leases.end(slot));
}

// An idle thread shows nothing: it was not asked.
TEST(LeaseRenewer, AThreadThatWasIdleBeforeTheGrantHasItsWholeTimeFromThen) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Terms terms = kPatient;
  terms.max_block_ms = 400;
  client.LetPass(500);
  const Slot slot = leases.Add(terms);
  const std::uint64_t granted_at = leases.granted_at;
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kJsBlocked);
  EXPECT_GE(leases.ended_at(slot), granted_at + 400 * kMs);
}

TEST(LeaseRenewer, AThreadThatShowsNoLifeLosesItsLease) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Terms terms = kPatient;
  terms.max_block_ms = 200;
  const std::uint64_t seen = leases.js.outbox.LastSeen();
  const Slot slot = leases.Add(terms);
  const Slot patient = leases.Add(kPatient);
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kJsBlocked);
  EXPECT_GE(leases.ended_at(slot), seen + 200 * kMs);
  EXPECT_FALSE(leases.end(patient));
  EXPECT_EQ(leases.js.rings, 1);
}

TEST(LeaseRenewer, AThreadThatShowsLifeKeepsItsLease) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Terms terms = kPatient;
  terms.max_block_ms = 2'000;
  const Slot slot = leases.Add(terms);
  // It answers when it is asked, and not before: twice its bound passes.
  for (int answered = 0; answered < 8; ++answered) {
    ASSERT_TRUE(WaitUntil([&] { return leases.js.rings > answered; }));
    leases.js.outbox.ShowLife();
    EXPECT_TRUE(leases.js.outbox.Take().empty());
  }
  EXPECT_FALSE(leases.end(slot));
  EXPECT_GE(Loop::Now(), leases.granted_at + 3'900 * kMs);
}

// Rule 6.
TEST(LeaseRenewer, AnAnswerThatArrivedInTimeKeepsTheLeaseHoweverLateItIsRead) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Slot slot = 0;
  std::uint64_t first_window = 0;
  leases.On([&](LeaseRenewer& renewer) {
    // Due in 1 s; its window closes 1 s after that.
    slot = renewer.Add({.ttl_ms = 2'100, .renew_every_ms = 1'000, .renew_timeout_ms = 20'000},
                       Loop::Now(), leases.cells.emplace_back());
    first_window = renewer.valid_until(slot);
  });
  leases.HoldLoopAfterNextRenewalUntil(first_window + 20 * kMs);
  ASSERT_TRUE(leases.WaitForRenewals(1));
  EXPECT_GT(Loop::Now(), first_window);
  EXPECT_FALSE(leases.end(slot));
}

TEST(LeaseRenewer, AWindowThatClosedWhileTheLoopWasHeldIsOver) {
  Granting server([](int, const Asked&) { return ""; });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Slot slot = 0;
  leases.On([&](LeaseRenewer& renewer) {
    slot = renewer.Add({.ttl_ms = 60, .renew_every_ms = 20, .renew_timeout_ms = 20}, Loop::Now(),
                       leases.cells.emplace_back());
    const std::uint64_t until = renewer.valid_until(slot) + 20 * kMs;
    while (Loop::Now() < until) {
    }
  });
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kExpired);
}

TEST(LeaseRenewer, AGrantWhoseAnswerCameTooLateIsOverAtOnce) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add({.ttl_ms = 100, .renew_every_ms = 50, .renew_timeout_ms = 50}, 200);
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kExpired);
}

}  // namespace
}  // namespace sideloop::test
