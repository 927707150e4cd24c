// The buffer behind every read and write. A failure here means that bytes of one reply end up in
// another, or that a buffer grows although it is being emptied.
#include "base/byte_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

namespace sideloop {
namespace {

std::string RandomBytes(std::mt19937_64& random, std::size_t most) {
  std::string bytes(random() % (most + 1), '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(ByteBuffer, AgreesWithAStringOverRandomOperations) {
  std::mt19937_64 random(2);
  ByteBuffer buffer;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    switch (random() % 8) {
      case 0:
      case 1: {
        const std::string bytes = RandomBytes(random, 300);
        buffer.Append(bytes);
        model += bytes;
        break;
      }
      case 2: {
        const std::string bytes = RandomBytes(random, 700);
        char* room = buffer.Reserve(bytes.size());
        ASSERT_GE(buffer.room(), bytes.size());
        if (!bytes.empty()) std::memcpy(room, bytes.data(), bytes.size());
        buffer.Commit(bytes.size());
        model += bytes;
        break;
      }
      case 3:
      case 4:
      case 5: {
        const std::size_t n = random() % (model.size() + 1);
        buffer.Consume(n);
        model.erase(0, n);
        break;
      }
      case 6: {
        const std::size_t n =
            model.size() - random() % (std::min<std::size_t>(model.size(), 50) + 1);
        buffer.Truncate(n);
        model.resize(n);
        break;
      }
      case 7: {
        ByteBuffer other(std::move(buffer));
        buffer = std::move(other);
        break;
      }
    }
    ASSERT_EQ(buffer.view(), model);
    ASSERT_EQ(buffer.empty(), model.empty());
  }
}

TEST(ByteBuffer, DoesNotGrowWhileItIsEmptiedAsFastAsItIsFilled) {
  ByteBuffer buffer;
  const std::string piece(1000, 'x');
  buffer.Append(piece);
  for (int i = 0; i < 100'000; ++i) {
    buffer.Append(piece);
    buffer.Consume(piece.size());
  }
  EXPECT_EQ(buffer.size(), piece.size());
  EXPECT_LE(buffer.capacity(), 8 * piece.size());
}

TEST(ByteBuffer, ReservingAloneChangesNothingThatIsSeen) {
  ByteBuffer buffer;
  buffer.Append("abc");
  buffer.Consume(1);
  buffer.Reserve(1 << 20);
  EXPECT_EQ(buffer.view(), "bc");
  EXPECT_GE(buffer.room(), std::size_t{1} << 20);
}

TEST(ByteBuffer, TrimmingGivesBackOnlyWhatIsTooLarge) {
  ByteBuffer buffer;
  buffer.Append(std::string(1000, 'x'));
  const std::size_t capacity = buffer.capacity();
  buffer.ClearAndTrim(capacity);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), capacity);
  buffer.Append("y");
  buffer.ClearAndTrim(capacity - 1);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.capacity(), 0u);
  buffer.Append("still of use");
  EXPECT_EQ(buffer.view(), "still of use");
}

TEST(ByteBuffer, AMovedOneIsEmptyAndOfUse) {
  ByteBuffer from;
  from.Append("value");
  ByteBuffer to(std::move(from));
  EXPECT_EQ(to.view(), "value");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): empty is what it must be
  from.Append("again");
  EXPECT_EQ(from.view(), "again");
  EXPECT_EQ(to.view(), "value");
}

}  // namespace
}  // namespace sideloop
