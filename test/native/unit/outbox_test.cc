// The way back to one JS environment. A failure here means a JS thread that is never woken for a
// reply, is woken for every single one, or is called after it went away.
#include "cross/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "unit/deliveries.h"

namespace sideloop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::unique_ptr<Delivery> DeliveryOf(std::int64_t number) {
  auto delivery = std::make_unique<Delivery>();
  delivery->packed.AddInteger(number);
  return delivery;
}

TEST(Outbox, RingsOnceForAnyNumberOfCommitsUntilTheyAreTaken) {
  CountingBell bell;
  Outbox outbox(bell);
  auto delivery = std::make_unique<Delivery>();
  for (int i = 0; i < 100; ++i) {
    delivery->packed.AddInteger(i);
    outbox.Commit(delivery);
  }
  EXPECT_EQ(bell.rings, 1);
  EXPECT_EQ(outbox.Take().size(), 100u);
  delivery->packed.AddInteger(100);
  outbox.Commit(delivery);
  EXPECT_EQ(bell.rings, 2) << "a commit after Take must ring again";
}

TEST(Outbox, AsksForASignOfLifeOnceAndNotesIt) {
  CountingBell bell;
  Outbox outbox(bell);
  const std::uint64_t made = outbox.LastSeen();
  outbox.AskForLife();
  outbox.AskForLife();
  EXPECT_EQ(bell.rings, 1) << "who has been woken for something else is not woken for this";
  EXPECT_EQ(outbox.LastSeen(), made);
  outbox.ShowLife();
  EXPECT_GT(outbox.LastSeen(), made);
  EXPECT_THAT(TakeAll(outbox), IsEmpty());
  auto delivery = DeliveryOf(1);
  outbox.Commit(delivery);
  EXPECT_EQ(bell.rings, 2);
  outbox.Close();
  outbox.AskForLife();
  EXPECT_EQ(bell.rings, 2);
}

TEST(Outbox, GivesWhatItTookInTheOrderCommitted) {
  CountingBell bell;
  Outbox outbox(bell);
  for (int i = 0; i < 3; ++i) {
    auto delivery = DeliveryOf(i);
    outbox.Commit(delivery);
  }
  EXPECT_THAT(TakeAll(outbox), ElementsAre("0: integer<0>", "0: integer<1>", "0: integer<2>"));
  EXPECT_THAT(TakeAll(outbox), IsEmpty());
}

TEST(Outbox, LeavesAnEmptyDeliveryForTheSameTargetBehind) {
  CountingBell bell;
  Outbox outbox(bell);
  auto used = DeliveryOf(1);
  used->target = 3;
  used->settled = 5;
  outbox.Recycle(std::move(used));
  auto delivery = DeliveryOf(2);
  delivery->target = 8;
  outbox.Commit(delivery);
  ASSERT_NE(delivery, nullptr);
  EXPECT_TRUE(delivery->empty());
  EXPECT_EQ(delivery->settled, 0u);
  EXPECT_EQ(delivery->target, 8u);
}

TEST(Outbox, DropsWhatIsCommittedAfterItsClosing) {
  CountingBell bell;
  Outbox outbox(bell);
  outbox.Close();
  auto delivery = DeliveryOf(1);
  outbox.Commit(delivery);
  EXPECT_EQ(bell.rings, 0);
  ASSERT_NE(delivery, nullptr) << "the writer goes on writing until it hears of the closing";
  EXPECT_TRUE(delivery->empty());
  EXPECT_THAT(TakeAll(outbox), IsEmpty());
}

TEST(Outbox, ClosingFreesWhatWaits) {
  // LeakSanitizer is the judge of the freeing; here, that nothing of it can be taken any more.
  CountingBell bell;
  Outbox outbox(bell);
  auto delivery = DeliveryOf(1);
  outbox.Commit(delivery);
  outbox.Close();
  EXPECT_THAT(TakeAll(outbox), IsEmpty());
}

TEST(Outbox, DoesNotKeepTheMemoryOfABurst) {
  CountingBell bell;
  Outbox outbox(bell);
  auto burst = std::make_unique<Delivery>();
  burst->packed.AddText(ValueKind::kAscii, std::string(4 << 20, 'x'));
  burst->AddText(ValueKind::kAscii, std::string(4 << 20, 'x'));
  burst->Clear();
  outbox.Recycle(std::move(burst));
  auto delivery = DeliveryOf(1);
  outbox.Commit(delivery);
  EXPECT_LT(delivery->bytes.capacity(), std::size_t{1} << 20);
  EXPECT_LT(delivery->packed.capacity(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace sideloop
