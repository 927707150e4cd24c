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

class RoomCounter final : public RoomListener {
 public:
  int told = 0;
  void PostRoom() override { ++told; }
};

// A delivery of at least so many bytes, and what is held with it.
Outbox::Held CommitBytes(Outbox& outbox, std::uint32_t target, std::size_t bytes) {
  auto delivery = std::make_unique<Delivery>();
  delivery->target = target;
  delivery->packed.AddText(ValueKind::kAscii, std::string(bytes, 'x'));
  return outbox.Commit(delivery);
}

TEST(Outbox, HoldsTheBytesOfRepliesUntilTheirDeliveryIsRecycled) {
  CountingBell bell;
  Outbox outbox(bell);
  const Outbox::Held first = CommitBytes(outbox, 3, 10'000);
  EXPECT_GE(first.by_target, 10'000u);
  EXPECT_EQ(first.total, first.by_target);
  const Outbox::Held other = CommitBytes(outbox, 5, 20'000);
  EXPECT_EQ(other.total, first.total + other.by_target);
  auto taken = outbox.Take();
  const Outbox::Held later = CommitBytes(outbox, 3, 1);
  EXPECT_GT(later.by_target, first.by_target) << "taken, and still memory of ours";
  outbox.Recycle(std::move(taken[0]));
  outbox.Recycle(std::move(taken[1]));
  EXPECT_LT(CommitBytes(outbox, 5, 1).by_target, 10'000u);
}

TEST(Outbox, CountsLongTextsToo) {
  CountingBell bell;
  Outbox outbox(bell);
  auto delivery = std::make_unique<Delivery>();
  delivery->chunks.emplace_back(std::size_t{1} << 20);
  EXPECT_GE(outbox.Commit(delivery).total, std::size_t{1} << 20);
  for (auto& taken : outbox.Take()) outbox.Recycle(std::move(taken));
  EXPECT_LT(CommitBytes(outbox, 0, 1).total, 1000u);
}

TEST(Outbox, CountsNoEventsAndNoMessages) {
  CountingBell bell;
  Outbox outbox(bell);
  for (const auto purpose : {Delivery::Purpose::kEvent, Delivery::Purpose::kMessages}) {
    auto delivery = DeliveryOf(1);
    delivery->purpose = purpose;
    EXPECT_EQ(outbox.Commit(delivery).total, 0u);
  }
}

TEST(Outbox, TellsOfRoomOnceThereIsSome) {
  CountingBell bell;
  Outbox outbox(bell);
  const auto listener = std::make_shared<RoomCounter>();
  CommitBytes(outbox, 1, 1000);
  CommitBytes(outbox, 1, 1000);
  ASSERT_TRUE(outbox.TellOfRoom(1, {.by_target = 1500, .total = 1 << 20}, listener));
  auto taken = outbox.Take();
  EXPECT_EQ(listener->told, 0) << "nothing of it is free yet";
  outbox.Recycle(std::move(taken[0]));
  EXPECT_EQ(listener->told, 1);
  outbox.Recycle(std::move(taken[1]));
  EXPECT_EQ(listener->told, 1);
}

TEST(Outbox, TellsOfRoomInAllToWhoWaitsForThat) {
  CountingBell bell;
  Outbox outbox(bell);
  const auto own = std::make_shared<RoomCounter>();
  const auto all = std::make_shared<RoomCounter>();
  CommitBytes(outbox, 1, 1000);
  CommitBytes(outbox, 2, 50'000);
  ASSERT_TRUE(outbox.TellOfRoom(1, {.by_target = 0, .total = 1 << 20}, own));
  ASSERT_TRUE(outbox.TellOfRoom(2, {.by_target = 1 << 20, .total = 500}, all));
  auto taken = outbox.Take();
  outbox.Recycle(std::move(taken[1]));
  EXPECT_EQ(own->told, 0);
  EXPECT_EQ(all->told, 0);
  outbox.Recycle(std::move(taken[0]));
  EXPECT_EQ(own->told, 1);
  EXPECT_EQ(all->told, 1);
}

TEST(Outbox, TellsNobodyWhereThereIsRoomOrWhoIsGone) {
  CountingBell bell;
  Outbox outbox(bell);
  auto listener = std::make_shared<RoomCounter>();
  EXPECT_FALSE(outbox.TellOfRoom(1, {}, listener)) << "nothing is held";
  CommitBytes(outbox, 1, 1000);
  ASSERT_TRUE(outbox.TellOfRoom(1, {}, listener));
  EXPECT_FALSE(outbox.TellOfRoom(1, {.by_target = 1 << 20, .total = 1 << 20}, listener));
  auto taken = outbox.Take();
  outbox.Recycle(std::move(taken[0]));
  EXPECT_EQ(listener->told, 0) << "what it asked first is void";
  CommitBytes(outbox, 1, 1000);
  ASSERT_TRUE(outbox.TellOfRoom(1, {}, listener));
  listener.reset();
  taken = outbox.Take();
  outbox.Recycle(std::move(taken[0]));
  CommitBytes(outbox, 1, 1000);
  outbox.Close();
  EXPECT_FALSE(outbox.TellOfRoom(1, {}, std::make_shared<RoomCounter>()))
      << "nobody takes anything any more";
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
