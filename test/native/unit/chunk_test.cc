// The memory of chunks. A failure here is memory that is freed twice or by the wrong owner, or that
// is kept without a bound; AddressSanitizer is the judge of most of it.
#include "base/chunk.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "cross/chunk_pool.h"

namespace sideloop {
namespace {

constexpr std::size_t kPooled = ChunkPool::kChunkSize;

class ChunkMemory : public testing::Test {
 protected:
  void TearDown() override { ChunkPool::Shared().Trim(); }
  ChunkPool& pool_ = ChunkPool::Shared();
};

Chunk Filled(Chunk chunk, std::string_view text) {
  std::memcpy(chunk.data(), text.data(), text.size());
  chunk.set_size(text.size());
  return chunk;
}

TEST_F(ChunkMemory, AnEmptyChunkHasNothing) {
  Chunk chunk;
  EXPECT_EQ(chunk.capacity(), 0u);
  EXPECT_EQ(chunk.view(), "");
  Chunk moved = std::move(chunk);
  EXPECT_EQ(moved.view(), "");
}

TEST_F(ChunkMemory, AMovedChunkLeavesNothingBehind) {
  Chunk chunk = Filled(Chunk(10), "text");
  const Chunk moved = std::move(chunk);
  EXPECT_EQ(moved.view(), "text");
  EXPECT_EQ(chunk.capacity(), 0u);
  EXPECT_EQ(chunk.size(), 0u);
}

TEST_F(ChunkMemory, ResizingKeepsWhatIsInIt) {
  for (const bool pooled : {false, true}) {
    Chunk chunk = Filled(pooled ? pool_.Take(kPooled) : Chunk(100), "text");
    ASSERT_TRUE(chunk.Resize(200'000));
    EXPECT_EQ(chunk.view(), "text");
    EXPECT_EQ(chunk.capacity(), 200'000u);
    chunk.ShrinkToFit();
    EXPECT_EQ(chunk.view(), "text");
    EXPECT_EQ(chunk.capacity(), 4u);
  }
}

TEST_F(ChunkMemory, AReleasedChunkIsFreedByItsData) {
  for (const bool pooled : {false, true}) {
    Chunk chunk = Filled(pooled ? pool_.Take(kPooled) : Chunk(100), "text");
    char* data = chunk.Release();
    EXPECT_EQ(chunk.capacity(), 0u);
    EXPECT_EQ(std::string_view(data, 4), "text");
    Chunk::Free(data);
  }
}

TEST_F(ChunkMemory, APooledOneIsTakenAgain) {
  Chunk chunk = pool_.Take(kPooled);
  char* data = chunk.Release();
  Chunk::Free(data);
  EXPECT_EQ(pool_.spare(), 1u);
  EXPECT_EQ(pool_.Take(kPooled).data(), data);
}

TEST_F(ChunkMemory, OneThatShrinksGivesItsMemoryBackToThePool) {
  Chunk chunk = Filled(pool_.Take(kPooled), "short");
  chunk.ShrinkToFit();
  EXPECT_EQ(pool_.spare(), 1u);
  EXPECT_EQ(chunk.view(), "short");
}

TEST_F(ChunkMemory, OtherSizesHaveNothingToDoWithThePool) {
  { const Chunk chunk = pool_.Take(kPooled - 1); }
  { const Chunk chunk = pool_.Take(kPooled + 1); }
  EXPECT_EQ(pool_.spare(), 0u);
}

TEST_F(ChunkMemory, BytesThatFillAGoodPartOfAPooledOneGetOne) {
  for (const std::size_t size : {kPooled / 4, kPooled}) {
    EXPECT_EQ(pool_.TakeFor(size).capacity(), kPooled);
  }
  for (const std::size_t size : {std::size_t{1}, kPooled / 4 - 1, kPooled + 1}) {
    EXPECT_EQ(pool_.TakeFor(size).capacity(), size);
  }
}

TEST_F(ChunkMemory, ThePoolKeepsNoMoreThanItsBound) {
  std::vector<Chunk> burst;
  for (std::size_t i = 0; i < ChunkPool::kMostSpare + 10; ++i) burst.push_back(pool_.Take(kPooled));
  burst.clear();
  EXPECT_EQ(pool_.spare(), ChunkPool::kMostSpare);
}

TEST_F(ChunkMemory, ATrimmedPoolKeepsNothingUntilItIsAskedAgain) {
  Chunk early = pool_.Take(kPooled);
  { const Chunk chunk = pool_.Take(kPooled); }
  EXPECT_EQ(pool_.spare(), 1u);
  pool_.Trim();
  EXPECT_EQ(pool_.spare(), 0u);
  early = Chunk();
  EXPECT_EQ(pool_.spare(), 0u) << "a collector's late gift";
  { const Chunk chunk = pool_.Take(kPooled); }
  EXPECT_EQ(pool_.spare(), 1u);
}

}  // namespace
}  // namespace sideloop
