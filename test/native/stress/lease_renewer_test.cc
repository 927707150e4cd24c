// Leases that are kept on the loop thread: their renewals. A failure here means a lease that is
// lost while its holder works.
#include "lease/lease_renewer.h"

#include <gtest/gtest.h>

#include <string>

#include "stress/client.h"
#include "stress/event.h"
#include "stress/granting.h"
#include "stress/kept_leases.h"

namespace sideloop::test {
namespace {

using lease::LeaseEnd;
using lease::LeaseRenewer;

constexpr std::uint64_t kMs = 1'000'000;

TEST(LeaseRenewer, RenewsLeasesTogether) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Terms terms = kPatient;
  terms.renew_every_ms = 200;
  for (int i = 0; i < 1000; ++i) leases.Add(terms);
  ASSERT_TRUE(leases.WaitForRenewals(3000));
  EXPECT_EQ(leases.stats.held, 1000u);
  EXPECT_EQ(leases.stats.failed, 0u);
  // Four full batches would do for a round; a slow machine spreads the leases' beginning.
  EXPECT_LE(leases.stats.commands, leases.stats.accepted / 10);
  for (const lease::LeaseCell& cell : leases.cells) EXPECT_GE(cell.renewals, 1u);
  EXPECT_EQ(leases.stats.jitter.count(), leases.stats.accepted + leases.stats.failed);
}

TEST(LeaseRenewer, GroupsGoInCommandsOfTheirOwn) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  leases.first_of_group_1 = 3;
  for (int i = 0; i < 6; ++i) leases.Add(kPatient);
  ASSERT_TRUE(leases.WaitForRenewals(60));
  for (const Asked& asked : server.asked()) {
    for (const Slot slot : asked.slots) EXPECT_EQ(slot < 3, asked.slots[0] < 3);
  }
}

// Rule 1.
TEST(LeaseRenewer, AWindowCountsFromTheSendingOfItsRenewal) {
  Event answer;
  Granting server([&](int number, const Asked& asked) {
    // The first waits; by then more have been sent, and their answers wait behind it.
    if (number == 1) {
      EXPECT_TRUE(answer.Wait());
    }
    return number == 1 ? Granting::AllOf("1")(number, asked) : "-ERR no\r\n";
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  leases.Add({.ttl_ms = 20'000, .renew_every_ms = 50, .renew_timeout_ms = 20'000});
  EXPECT_EQ(leases.cells[0].valid_until, leases.granted_at + 20'000 * kMs - 202 * kMs);
  ASSERT_TRUE(WaitUntil([&] { return server.commands() == 1; }));
  const std::uint64_t arrived = server.asked()[0].at;
  client.LetPass(100);
  answer.Set();
  ASSERT_TRUE(leases.WaitForRenewals(1));
  const std::uint64_t valid_until = leases.cells[0].valid_until;
  EXPECT_GT(valid_until, leases.granted_at + 20'000 * kMs - 202 * kMs);
  EXPECT_LE(valid_until, arrived + 20'000 * kMs - 202 * kMs);
}

// Rule 2.
TEST(LeaseRenewer, AFailedRenewalIsNoLoss) {
  Granting server([](int number, const Asked& asked) {
    return number <= 3 ? "-LOADING soon\r\n" : Granting::AllOf("1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add(kPatient);
  ASSERT_TRUE(leases.WaitForRenewals(3));
  EXPECT_EQ(leases.stats.failed, 3u);
  EXPECT_EQ(leases.cells[0].failed, 3u);
  EXPECT_FALSE(leases.end(slot));
}

TEST(LeaseRenewer, AnAnswerOfAnotherShapeIsAFailure) {
  Granting server([](int number, const Asked& asked) -> std::string {
    if (number == 1) return "*0\r\n";
    if (number == 2) return "+OK\r\n";
    // Of the right length, and no integers: nothing says that the lease is not ours.
    if (number == 3) return "*1\r\n_\r\n";
    if (number == 4) return "*1\r\n-ERR no\r\n";
    if (number == 5) return "*1\r\n:7\r\n";
    return Granting::AllOf("1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add(kPatient);
  ASSERT_TRUE(leases.WaitForRenewals(1));
  EXPECT_EQ(leases.stats.failed, 5u);
  EXPECT_FALSE(leases.end(slot));
}

TEST(LeaseRenewer, ARefusedLeaseIsLostAndTheOthersStay) {
  Granting server([](int, const Asked& asked) {
    std::string reply = "*" + std::to_string(asked.slots.size()) + "\r\n";
    for (const Slot slot : asked.slots) reply += slot == 1 ? ":0\r\n" : ":1\r\n";
    return reply;
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  for (int i = 0; i < 3; ++i) leases.Add(kPatient);
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(1), LeaseEnd::kLost);
  EXPECT_EQ(leases.cells[1].valid_until, 0u);
  EXPECT_EQ(leases.stats.refused, 1u);
  ASSERT_TRUE(leases.WaitForRenewals(20));
  EXPECT_FALSE(leases.end(0) || leases.end(2));
}

// Rule 3.
TEST(LeaseRenewer, ALateAnswerHasRenewedAllTheSame) {
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
  const Slot slot = leases.Add({.ttl_ms = 20'000, .renew_every_ms = 10, .renew_timeout_ms = 20});
  ASSERT_TRUE(WaitUntil([&] { return leases.cells[0].late > 0; }));
  answer.Set();
  ASSERT_TRUE(leases.WaitForRenewals(1));
  EXPECT_FALSE(leases.end(slot));
}

TEST(LeaseRenewer, ASilentServerIsOwedABoundedNumber) {
  Granting server([](int, const Asked&) { return ""; });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot slot = leases.Add({.ttl_ms = 400, .renew_every_ms = 5, .renew_timeout_ms = 5});
  ASSERT_TRUE(leases.WaitForEnds(1));
  EXPECT_EQ(leases.end(slot), LeaseEnd::kExpired);
  EXPECT_GE(leases.ended_at(slot), LeaseRenewer::WindowEnd(leases.granted_at, 400));
  EXPECT_LE(server.commands(), static_cast<int>(LeaseRenewer::kMaxUnanswered));
  EXPECT_GT(leases.cells[0].failed, 0u);
  EXPECT_EQ(leases.stats.expired, 1u);
  EXPECT_EQ(leases.stats.held, 0u);
}

// Rule 4.
TEST(LeaseRenewer, ARefusalBehindItsReleaseIsNoLoss) {
  Granting server(Granting::AllOf("0"));
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  Slot slot = 0;
  leases.On([&](LeaseRenewer& renewer) {
    slot = renewer.Add(kPatient, Loop::Now(), leases.cells.emplace_back());
    renewer.Leave(slot);
  });
  ASSERT_TRUE(WaitUntil([&] { return server.commands() >= 3; }));
  EXPECT_FALSE(leases.end(slot));
  leases.On([&](LeaseRenewer& renewer) { renewer.Remove(slot); });
  EXPECT_FALSE(leases.end(slot));
  EXPECT_EQ(leases.stats.held, 0u);
}

TEST(LeaseRenewer, AnAnswerForAFormerLeaseDoesNotTouchThatOfItsNumber) {
  Event answer;
  Granting server([&](int number, const Asked& asked) {
    if (number == 1) {
      EXPECT_TRUE(answer.Wait());
    }
    return Granting::AllOf(number == 1 ? "0" : "1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  const Slot former = leases.Add(kPatient);
  ASSERT_TRUE(WaitUntil([&] { return server.commands() == 1; }));
  leases.On([&](LeaseRenewer& renewer) { renewer.Remove(former); });
  const Slot slot = leases.Add(kPatient);
  ASSERT_EQ(slot, former);
  answer.Set();
  ASSERT_TRUE(leases.WaitForRenewals(2));
  EXPECT_FALSE(leases.end(slot));
}

// Rule 7.
TEST(LeaseRenewer, WhilePausedNothingIsSentAndThenAllOfIt) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  leases.On([](LeaseRenewer& renewer) { renewer.Pause(); });
  Terms terms = kPatient;
  for (int i = 0; i < 5; ++i) leases.Add(terms);
  ASSERT_TRUE(WaitUntil([&] { return leases.stats.failed >= 15; }));
  EXPECT_EQ(server.commands(), 0);
  leases.On([](LeaseRenewer& renewer) { renewer.Resume(); });
  ASSERT_TRUE(leases.WaitForRenewals(5));
  EXPECT_EQ(server.asked()[0].slots.size(), 5u);
}

TEST(LeaseRenewer, AConnectionThatComesBackRenewsAtOnce) {
  Granting server([](int number, const Asked& asked) {
    return number == 1 ? "hang up" : Granting::AllOf("1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  // Due now, and not again for long.
  const Slot slot =
      leases.Add({.ttl_ms = 100'000, .renew_every_ms = 20'000, .renew_timeout_ms = 20'000}, 20'000);
  ASSERT_TRUE(leases.WaitForRenewals(1));
  EXPECT_EQ(leases.stats.failed, 1u);
  EXPECT_FALSE(leases.end(slot));
}

TEST(LeaseRenewer, AnEndedConnectionEndsEveryLeaseWithItsWindow) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  for (int i = 0; i < 300; ++i) {
    leases.Add({.ttl_ms = 300, .renew_every_ms = 20, .renew_timeout_ms = 20});
  }
  client.Close();
  ASSERT_TRUE(leases.WaitForEnds(300));
  for (Slot slot = 0; slot < 300; ++slot) EXPECT_EQ(leases.end(slot), LeaseEnd::kExpired);
}

// The holder may know nothing of a slot that it has removed.
TEST(LeaseRenewer, ALeaseThatIsRemovedBetweenItsTurnAndTheSendingIsNotAskedAbout) {
  Granting server;
  Client client(server.options());
  client.OpenAndWait();
  KeptLeases leases(client);
  leases.On([&](LeaseRenewer& renewer) {
    const std::uint64_t now = Loop::Now();
    // Due for a renewal first; then the other's window closes, which has the holder remove it.
    const Slot renewed =
        renewer.Add({.ttl_ms = 20'000, .renew_every_ms = 30, .renew_timeout_ms = 20'000}, now,
                    leases.cells.emplace_back());
    renewer.Add({.ttl_ms = 63, .renew_every_ms = 62, .renew_timeout_ms = 62}, now - 20 * kMs,
                leases.cells.emplace_back());
    leases.remove_at_end = renewed;
    // Both are due in one pass.
    while (Loop::Now() < now + 60 * kMs) {
    }
  });
  ASSERT_TRUE(leases.WaitForEnds(1));
  client.LetPass(20);
  EXPECT_EQ(leases.stats.held, 0u);
  EXPECT_EQ(server.commands(), 0);
}

TEST(LeaseRenewer, ItsEndLetsGoOfBatchesUnderWay) {
  Event answer;
  Granting server([&](int number, const Asked& asked) {
    EXPECT_TRUE(answer.Wait());
    return Granting::AllOf("1")(number, asked);
  });
  Client client(server.options());
  client.OpenAndWait();
  {
    KeptLeases leases(client);
    leases.Add(kPatient);
    ASSERT_TRUE(WaitUntil([&] { return server.commands() == 1; }));
  }
  answer.Set();
  client.Send({"PING"});
  ASSERT_TRUE(client.ledger.WaitFor(1));
}

}  // namespace
}  // namespace sideloop::test
