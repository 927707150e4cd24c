// What a delivery says of itself is held against what is there: a failure here is memory read out
// of bounds, in the process of somebody who only waited for a reply.
#include "base/delivery_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "unit/deliveries.h"
#include "unit/packed_delivery.h"

namespace sideloop {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string At(ValueKind kind, std::string_view rest) {
  return std::string(1, static_cast<char>(kind)).append(rest);
}

TEST(DeliveryReader, ReadsBackEveryNumber) {
  Delivery delivery;
  std::vector<std::int64_t> numbers = {0, 1, -1, 63, 64, -64, -65, kLeast, kMost};
  for (int bit = 7; bit < 63; ++bit) {
    for (const int by : {-1, 0, 1}) {
      numbers.push_back((std::int64_t{1} << bit) + by);
      numbers.push_back(-(std::int64_t{1} << bit) + by);
    }
  }
  for (const std::int64_t number : numbers) delivery.packed.AddInteger(number);
  DeliveryReader reader(delivery);
  Value value;
  for (const std::int64_t number : numbers) {
    ASSERT_TRUE(reader.Next(value));
    EXPECT_EQ(value.number, number);
  }
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.Next(value));
  EXPECT_EQ(reader.broken_because(), nullptr);
}

TEST(DeliveryReader, ReadsBackTextsOfEveryLength) {
  Delivery delivery;
  for (std::size_t length = 0; length < 300; ++length) {
    delivery.packed.AddText(ValueKind::kAscii, std::string(length, 'x'));
  }
  DeliveryReader reader(delivery);
  Value value;
  for (std::size_t length = 0; length < 300; ++length) {
    ASSERT_TRUE(reader.Next(value));
    EXPECT_EQ(value.text, std::string(length, 'x'));
  }
  EXPECT_TRUE(reader.done());
}

TEST(DeliveryReader, SaysWhatIsWrongAndReadsNoFurther) {
  const std::vector<std::pair<std::string, const char*>> wrong = {
      {At(ValueKind::kInteger, ""), "a number is cut off"},
      {At(ValueKind::kInteger, "\x80"), "a number is cut off"},
      {At(ValueKind::kInteger, std::string(10, '\xff')), "a number is cut off"},
      {At(ValueKind::kAscii, "\x02x"), "a text is longer than its delivery"},
      {At(ValueKind::kUtf8, std::string(9, '\xff') + "\x01x"),
       "a text is longer than its delivery"},
      {At(ValueKind::kBytes, "\x01"), "a text is longer than its delivery"},
      {At(ValueKind::kBigInt, "\x7f"), "a text is longer than its delivery"},
      {At(ValueKind::kError, "\x05oops"), "a text is longer than its delivery"},
      {At(ValueKind::kNestedError, "\x03up"), "a text is longer than its delivery"},
      {At(ValueKind::kArray, "\x01"), "an array is longer than its delivery"},
      {At(ValueKind::kArray, std::string(9, '\xff') + "\x01"),
       "an array is longer than its delivery"},
      {At(ValueKind::kArray, "\x02") + At(ValueKind::kArray, "\x05"),
       "an array is longer than its delivery"},
      {At(ValueKind::kChunk, std::string(1, '\0')), "a chunk is not in its delivery"},
      {At(ValueKind::kWords, std::string(1, '\0')), "a value is of no kind"},
      {"\x63x", "a value is of no kind"},
      {"\xffx", "a value is of no kind"},
  };
  for (const auto& [bytes, because] : wrong) {
    Delivery delivery = Packed(At(ValueKind::kNull, "") + bytes);
    EXPECT_THAT(Describe(delivery), testing::StartsWith("null "));
    EXPECT_THAT(Describe(delivery), EndsWith(std::string("broken<") + because + ">"));
    DeliveryReader reader(delivery);
    Value value;
    while (reader.Next(value)) {
    }
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(reader.Next(value));
  }
}

TEST(DeliveryReader, AnArrayThatEndsTooSoonIsSeenAsOne) {
  Delivery delivery;
  delivery.packed.AddArray(2);
  delivery.packed.AddText(ValueKind::kAscii, "only");
  EXPECT_THAT(Describe(delivery), HasSubstr("broken<it ends too soon>"));
}

TEST(DeliveryReader, HoldsTheIndexOfAMessageAgainstWhatIsThere) {
  using Token = Delivery::Token;
  const std::vector<std::pair<Token, const char*>> wrong = {
      {{ValueKind::kAscii, 1, 8}, "a text stands outside of its delivery"},
      {{ValueKind::kAscii, 9, 0}, "a text stands outside of its delivery"},
      {{ValueKind::kUtf8, 1, -1}, "a text stands outside of its delivery"},
      {{ValueKind::kWords, 0xffffffff, 4}, "a text stands outside of its delivery"},
      {{ValueKind::kBytes, 1, kLeast}, "a text stands outside of its delivery"},
      {{ValueKind::kChunk, 1, 0}, "a chunk is not in its delivery"},
      {{ValueKind::kChunk, 1, -1}, "a chunk is not in its delivery"},
      {{ValueKind::kArray, 0, 1}, "an array is longer than its delivery"},
      {{ValueKind::kArray, 0, -1}, "an array is longer than its delivery"},
      {{ValueKind::kArray, 0, kMost}, "an array is longer than its delivery"},
  };
  for (const auto& [token, because] : wrong) {
    Delivery delivery;
    delivery.purpose = Delivery::Purpose::kMessages;
    delivery.AddText(ValueKind::kAscii, "12345678");
    delivery.tokens.push_back(token);
    EXPECT_EQ(Describe(delivery), std::string("ascii<12345678> broken<") + because + ">");
  }
}

TEST(DeliveryReader, ChunksAreThoseOfTheValuesOrRefused) {
  for (const ValueKind kind : {ValueKind::kChunk, ValueKind::kAsciiChunk, ValueKind::kUtf8Chunk}) {
    for (const std::size_t size : {2, 3}) {
      Delivery delivery;
      Chunk chunk(3);
      std::memcpy(chunk.data(), "abc", 3);
      chunk.set_size(3);
      delivery.chunks.push_back(std::move(chunk));
      delivery.packed.AddChunk(kind, size);
      delivery.packed.AddChunk(kind, 3);  // one more than there are
      DeliveryReader reader(delivery);
      Value value;
      EXPECT_EQ(reader.Next(value), size == 3);
      if (size == 3) {
        EXPECT_EQ(reader.ChunkOf(value).view(), "abc");
        EXPECT_FALSE(reader.Next(value));
      }
      EXPECT_STREQ(reader.broken_because(), "a chunk is not in its delivery");
    }
  }
}

}  // namespace
}  // namespace sideloop
