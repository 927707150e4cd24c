// What a JS thread is told of its sockets, and addresses. A failure here means that data reach the
// wrong socket, or that a small piece of them keeps much memory alive.
#include "net/reports.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cross/outbox.h"
#include "unit/deliveries.h"

namespace sideloop {
namespace {

using net::Report;
using net::Reports;

class NetReports : public testing::Test {
 protected:
  void Data(net::Id id, std::size_t size) {
    Chunk chunk(64 << 10);
    std::memset(chunk.data(), 'a' + id, size);
    reports_.AddData(id, chunk, size);
    taken_ = chunk.capacity() == 0;
  }

  std::unique_ptr<Delivery> Committed() {
    reports_.Commit();
    auto all = outbox_->Take();
    EXPECT_EQ(all.size(), 1u);
    return std::move(all.front());
  }

  static std::vector<std::int32_t> WordsOf(const Delivery& delivery) {
    const std::string_view text = delivery.TextOf(delivery.tokens[1]);
    std::vector<std::int32_t> words(text.size() / sizeof(std::int32_t));
    std::memcpy(words.data(), text.data(), text.size());
    return words;
  }

  static std::int32_t Head(net::Id id, Report report) {
    return net::HeadOf(id, static_cast<int>(report));
  }

  CountingBell bell_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(bell_);
  Reports reports_{MessageWriter(outbox_, 1)};
  bool taken_ = false;  // the last chunk was
};

TEST_F(NetReports, SmallDataOfManySocketsShareOneSlab) {
  Data(1, 3);
  Data(2, 2);
  reports_.Add(1, Report::kEnd);
  const auto delivery = Committed();
  ASSERT_EQ(delivery->tokens.size(), 3u);
  EXPECT_EQ(delivery->tokens[0].number, 2);
  EXPECT_EQ(WordsOf(*delivery),
            (std::vector<std::int32_t>{Head(0, Report::kSlab), Head(1, Report::kData), 3,
                                       Head(2, Report::kData), 2, Head(1, Report::kEnd)}));
  EXPECT_EQ(delivery->TextOf(delivery->tokens[2]), "bbbcc");
}

TEST_F(NetReports, ASlabNeverOutgrowsItsBound) {
  for (int i = 0; i < 64; ++i) Data(1, 1500);
  const auto delivery = Committed();
  std::size_t bytes = 0;
  for (std::size_t i = 2; i < delivery->tokens.size(); ++i) {
    EXPECT_LE(delivery->tokens[i].size, Reports::kSlabSize);
    bytes += delivery->tokens[i].size;
  }
  EXPECT_EQ(bytes, 64u * 1500);
}

TEST_F(NetReports, LargeDataHaveAnItemOfTheirOwn) {
  Data(1, 10);
  Data(2, Reports::kLargeFrom);
  EXPECT_FALSE(taken_);
  Data(3, Reports::kChunkFrom);
  EXPECT_TRUE(taken_) << "large data are not copied";
  Data(4, 10);
  const auto delivery = Committed();
  EXPECT_EQ(WordsOf(*delivery),
            (std::vector<std::int32_t>{Head(0, Report::kSlab), Head(1, Report::kData), 10,
                                       Head(2, Report::kLarge), Head(3, Report::kLarge),
                                       Head(0, Report::kSlab), Head(4, Report::kData), 10}));
  ASSERT_EQ(delivery->tokens.size(), 6u);
  EXPECT_EQ(delivery->tokens[3].size, Reports::kLargeFrom);
  EXPECT_EQ(delivery->tokens[4].kind, Delivery::Kind::kChunk);
  EXPECT_EQ(delivery->chunks[0].size(), Reports::kChunkFrom);
  EXPECT_EQ(delivery->TextOf(delivery->tokens[5]), std::string(10, 'e'));
}

TEST_F(NetReports, NothingIsCommittedWhereNothingHappened) {
  reports_.Commit();
  EXPECT_EQ(bell_.rings, 0);
  reports_.Add(1, Report::kEnd);
  reports_.Commit();
  reports_.Commit();
  EXPECT_EQ(outbox_->Take().size(), 1u);
}

TEST(NetAddress, IsReadAndWritten) {
  const auto ipv4 = Address::Parse("127.0.0.1", 80);
  ASSERT_TRUE(ipv4);
  EXPECT_EQ(ipv4->family(), 4);
  EXPECT_EQ(ipv4->port(), 80);
  EXPECT_EQ(ipv4->text(), "127.0.0.1");
  const auto ipv6 = Address::Parse("2001:db8:0:0::1", 65535);
  ASSERT_TRUE(ipv6);
  EXPECT_EQ(ipv6->family(), 6);
  EXPECT_EQ(ipv6->port(), 65535);
  EXPECT_EQ(ipv6->text(), "2001:db8::1");
  EXPECT_EQ(Address(ipv6->get()).text(), ipv6->text());
}

TEST(NetAddress, IsNoName) {
  EXPECT_FALSE(Address::Parse("localhost", 1));
  EXPECT_FALSE(Address::Parse("", 1));
  EXPECT_FALSE(Address::Parse("127.0.0", 1));
  EXPECT_EQ(Address().family(), 0);
  EXPECT_EQ(Address().text(), "");
}

}  // namespace
}  // namespace sideloop
