// How far a reader may be ahead. A failure here is memory without a bound, or a reader that rests
// for ever.
#include "cross/read_window.h"

#include <gtest/gtest.h>

namespace sideloop {
namespace {

constexpr std::size_t kChunk = 64 << 10;

// Reserves chunks until there is no room. Returns the bytes.
std::size_t Fill(ReadWindow& window, std::size_t chunk = kChunk) {
  std::size_t bytes = 0;
  while (window.Reserve(chunk)) bytes += chunk;
  return bytes;
}

TEST(ReadWindow, HoldsNoMoreThanItsLimit) {
  ReadWindow window(kChunk);
  EXPECT_EQ(Fill(window), ReadWindow::kFirstLimit);
  EXPECT_EQ(window.unread(), ReadWindow::kFirstLimit);
}

TEST(ReadWindow, GrowsAsItIsEmptiedUpToABound) {
  ReadWindow window(kChunk);
  for (int i = 0; i < 10; ++i) {
    const std::size_t bytes = Fill(window);
    EXPECT_LE(bytes, ReadWindow::kLastLimit);
    EXPECT_TRUE(window.Take(bytes));
  }
  EXPECT_EQ(Fill(window), ReadWindow::kLastLimit);
}

TEST(ReadWindow, HasTheReaderResumedOnceWhenHalfOfItIsFree) {
  ReadWindow window(kChunk);
  std::size_t unread = Fill(window);
  std::size_t limit = ReadWindow::kFirstLimit;
  int resumed = 0;
  while (unread > 0) {
    limit = std::min(ReadWindow::kLastLimit, limit * 2);
    unread -= kChunk;
    const bool resume = window.Take(kChunk);
    EXPECT_EQ(resume, resumed == 0 && unread <= limit / 2);
    resumed += resume ? 1 : 0;
  }
  EXPECT_EQ(resumed, 1);
}

TEST(ReadWindow, SaysNothingToAReaderThatDoesNotRest) {
  ReadWindow window(kChunk);
  ASSERT_TRUE(window.Reserve(kChunk));
  EXPECT_FALSE(window.Take(kChunk));
}

TEST(ReadWindow, TakesBackWhatTheFileDidNotGive) {
  ReadWindow window(kChunk);
  ASSERT_TRUE(window.Reserve(kChunk));
  window.Return(kChunk, 1000);
  EXPECT_EQ(window.unread(), 1000u);
}

// A million Buffers of a byte each would take some hundred megabytes.
TEST(ReadWindow, CountsASmallChunkForWhatItTakes) {
  ReadWindow window(1);
  constexpr std::size_t kMost = ReadWindow::kFirstLimit / ReadWindow::kLeastCount;
  EXPECT_EQ(Fill(window, 1), kMost);
  EXPECT_TRUE(window.Take(kMost * ReadWindow::CountOf(1)));
  EXPECT_EQ(window.unread(), 0u);
  ASSERT_TRUE(window.Reserve(kChunk));
  window.Return(kChunk, 1);
  EXPECT_EQ(window.unread(), ReadWindow::kLeastCount);
  EXPECT_FALSE(window.Take(ReadWindow::kLeastCount));
  EXPECT_EQ(window.unread(), 0u);
  ASSERT_TRUE(window.Reserve(1));
  window.Return(1, 0);
  EXPECT_EQ(window.unread(), 0u);
}

TEST(ReadWindow, IsAsLargeAsTwoLargeChunks) {
  constexpr std::size_t kLarge = 5 << 20;
  ReadWindow window(kLarge);
  EXPECT_EQ(Fill(window, kLarge), 2 * kLarge);
}

TEST(ReadWindow, AChunkThatIsReadBeyondItEndsTheRest) {
  ReadWindow window(kChunk);
  const std::size_t bytes = Fill(window);
  window.ReserveBeyond(kChunk);
  window.Return(kChunk, 0);
  // The reader went on, and found room or rests anew by itself.
  EXPECT_FALSE(window.Take(bytes));
}

}  // namespace
}  // namespace sideloop
