// The book of good addresses. A failure here is a reconnect to another's server, or a book that
// grows with every name that a process ever used.
#include "cross/address_book.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sideloop::test {
namespace {

Address At(const std::string& digits, int port = 6379) { return *Address::Parse(digits, port); }

std::vector<std::string> Texts(const std::vector<Address>& addresses) {
  std::vector<std::string> texts;
  for (const auto& each : addresses) {
    texts.push_back(each.text() + " " + std::to_string(each.port()));
  }
  return texts;
}

using List = std::vector<std::string>;

const AddressBook::Name kName{"redis.test", 6379, 0};

class Book : public testing::Test {
 protected:
  List Find(const AddressBook::Name& name = kName) { return Texts(book_.Find(name)); }

  AddressBook book_;
};

TEST_F(Book, KnowsNothingAtFirst) {
  EXPECT_EQ(Find(), List());
  book_.Retain(kName, {At("127.0.0.1")});
  EXPECT_EQ(Find(), List());
  EXPECT_EQ(book_.names(), 0u);
}

TEST_F(Book, HasTheLatestFirstAndTwoAtMost) {
  book_.Add(kName, At("10.0.0.1"));
  EXPECT_EQ(Find(), List({"10.0.0.1 6379"}));
  book_.Add(kName, At("::1"));
  EXPECT_EQ(Find(), List({"::1 6379", "10.0.0.1 6379"}));
  book_.Add(kName, At("10.0.0.1"));
  EXPECT_EQ(Find(), List({"10.0.0.1 6379", "::1 6379"}));
  book_.Add(kName, At("10.0.0.3"));
  EXPECT_EQ(Find(), List({"10.0.0.3 6379", "10.0.0.1 6379"}));
  EXPECT_EQ(book_.names(), 1u);
}

TEST_F(Book, KeepsHostsPortsAndFamiliesApart) {
  book_.Add(kName, At("10.0.0.1"));
  EXPECT_EQ(Find({"redis2.test", 6379, 0}), List());
  EXPECT_EQ(Find({"redis.tes", 6379, 0}), List());
  EXPECT_EQ(Find({"redis.test", 6380, 0}), List());
  EXPECT_EQ(Find({"redis.test", 6379, 4}), List());
  EXPECT_EQ(Find({"redis.test", 6379, 6}), List());
  book_.Add({"redis.test", 6380, 0}, At("10.0.0.2", 6380));
  book_.Add({"redis.test", 6379, 6}, At("::2"));
  EXPECT_EQ(Find(), List({"10.0.0.1 6379"}));
  EXPECT_EQ(Find({"redis.test", 6380, 0}), List({"10.0.0.2 6380"}));
  EXPECT_EQ(Find({"redis.test", 6379, 6}), List({"::2 6379"}));
}

TEST_F(Book, ForgetsWhatTheNameHasNoMore) {
  book_.Add(kName, At("10.0.0.1"));
  book_.Add(kName, At("10.0.0.2"));
  book_.Add({"other.test", 6379, 0}, At("10.0.0.1"));
  book_.Retain(kName, {At("10.0.0.3"), At("10.0.0.1"), At("10.0.0.2", 1)});
  EXPECT_EQ(Find(), List({"10.0.0.1 6379"}));
  book_.Retain(kName, {});
  EXPECT_EQ(Find(), List());
  EXPECT_EQ(Find({"other.test", 6379, 0}), List({"10.0.0.1 6379"}));
  EXPECT_EQ(book_.names(), 1u);
}

TEST_F(Book, ForgetsTheNameThatWasAddedToLongestAgo) {
  const auto name = [](std::size_t i) { return AddressBook::Name{std::to_string(i), 1, 0}; };
  for (std::size_t i = 0; i < AddressBook::kMostNames; ++i) book_.Add(name(i), At("10.0.0.1"));
  book_.Add(name(0), At("10.0.0.2"));
  for (std::size_t i = 0; i < 3; ++i) book_.Add({"new", static_cast<int>(i), 0}, At("10.0.0.3"));
  EXPECT_EQ(book_.names(), AddressBook::kMostNames);
  EXPECT_EQ(Find(name(0)), List({"10.0.0.2 6379", "10.0.0.1 6379"}));
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(Find(name(i)), List()) << i;
  EXPECT_EQ(Find(name(4)), List({"10.0.0.1 6379"}));
}

TEST(Addresses, AreEqualWhereFamilyDigitsPortAndInterfaceAre) {
  EXPECT_EQ(At("10.0.0.1"), At("10.0.0.1"));
  EXPECT_EQ(At("::1"), At("0:0::1"));
  EXPECT_EQ(Address(), Address());
  EXPECT_NE(At("10.0.0.1"), At("10.0.0.2"));
  EXPECT_NE(At("10.0.0.1"), At("10.0.0.1", 1));
  EXPECT_NE(At("::1"), At("::2"));
  EXPECT_NE(At("::1"), At("::1", 1));
  EXPECT_NE(At("127.0.0.1"), At("::ffff:127.0.0.1"));
  EXPECT_NE(At("0.0.0.0", 0), Address());
  sockaddr_in6 link_local = *reinterpret_cast<const sockaddr_in6*>(At("fe80::1").get());
  link_local.sin6_scope_id = 1;
  const Address here(reinterpret_cast<const sockaddr*>(&link_local));
  link_local.sin6_scope_id = 2;
  EXPECT_EQ(here, here);
  EXPECT_NE(here, Address(reinterpret_cast<const sockaddr*>(&link_local)));
}

}  // namespace
}  // namespace sideloop::test
