// Messages to one JS environment. A failure here means bytes of one message in another, or memory
// that a dead environment keeps.
#include "cross/message_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "unit/deliveries.h"

namespace sideloop {
namespace {

// The test stands in for the loop thread.
void AssertOnLoop() ASSERTS_ON_LOOP;
void AssertOnLoop() {}

Chunk ChunkOf(std::string_view text) {
  Chunk chunk(text.size());
  std::memcpy(chunk.data(), text.data(), text.size());
  chunk.set_size(text.size());
  return chunk;
}

class MessageWriterTest : public testing::Test {
 protected:
  MessageWriterTest() { AssertOnLoop(); }

  CountingBell bell_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(bell_);
  MessageWriter writer_{outbox_, 7};
};

TEST_F(MessageWriterTest, EveryDeliveryIsOneOfMessagesForItsTarget) {
  AssertOnLoop();
  for (int round = 0; round < 2; ++round) {
    writer_.delivery().AddInteger(round);
    writer_.Commit();
  }
  const auto taken = outbox_->Take();
  ASSERT_EQ(taken.size(), 2u);
  for (const auto& delivery : taken) {
    EXPECT_EQ(delivery->purpose, Delivery::Purpose::kMessages);
    EXPECT_EQ(delivery->target, 7u);
    EXPECT_EQ(delivery->settled, 0u) << "a message settles nothing";
  }
}

TEST_F(MessageWriterTest, CommitOfNothingRingsNobody) {
  AssertOnLoop();
  writer_.Commit();
  EXPECT_EQ(bell_.rings, 0);
}

TEST_F(MessageWriterTest, ASpareDeliveryKeepsItsKind) {
  AssertOnLoop();
  auto settlements = std::make_unique<Delivery>();
  settlements->target = 3;
  outbox_->Recycle(std::move(settlements));
  writer_.delivery().AddInteger(1);
  writer_.Commit();
  EXPECT_EQ(writer_.delivery().purpose, Delivery::Purpose::kMessages)
      << "recycled from one that was not of messages";
  EXPECT_EQ(writer_.delivery().target, 7u);
}

TEST_F(MessageWriterTest, ChunksTravelWithoutBeingCopied) {
  AssertOnLoop();
  Chunk chunk = ChunkOf("first");
  const char* memory = chunk.data();
  writer_.delivery().AddChunk(std::move(chunk));
  writer_.delivery().AddChunk(ChunkOf("second"));
  writer_.Commit();
  const auto taken = outbox_->Take();
  ASSERT_EQ(taken.size(), 1u);
  Delivery& delivery = *taken[0];
  ASSERT_EQ(delivery.tokens.size(), 2u);
  EXPECT_EQ(delivery.tokens[1].number, 1);
  EXPECT_EQ(delivery.chunks[0].data(), memory);
  EXPECT_EQ(delivery.chunks[1].view(), "second");
}

TEST_F(MessageWriterTest, WordsArriveAsTheyWere) {
  AssertOnLoop();
  const std::array<std::int32_t, 3> words = {-1, 0, 2147483647};
  writer_.delivery().AddText(Delivery::Kind::kBytes, "odd");  // an offset that is not aligned
  writer_.delivery().AddWords(words);
  const Delivery& delivery = writer_.delivery();
  const std::string_view text = delivery.TextOf(delivery.tokens[1]);
  ASSERT_EQ(text.size(), sizeof(words));
  EXPECT_EQ(std::memcmp(text.data(), words.data(), sizeof(words)), 0);
}

TEST_F(MessageWriterTest, WhatADeadEnvironmentDoesNotTakeIsFreed) {
  // LeakSanitizer is the judge.
  AssertOnLoop();
  writer_.delivery().AddChunk(ChunkOf("waiting"));
  writer_.Commit();
  outbox_->Close();
  writer_.delivery().AddChunk(ChunkOf("late"));
  writer_.Commit();
  EXPECT_TRUE(writer_.delivery().empty());
  EXPECT_TRUE(writer_.delivery().chunks.empty());
}

TEST(Chunk, ReleaseGivesTheMemoryAway) {
  Chunk chunk = ChunkOf("text");
  char* memory = chunk.Release();
  EXPECT_EQ(chunk.data(), nullptr);
  EXPECT_EQ(chunk.size(), 0u);
  Chunk::Free(memory);
}

}  // namespace
}  // namespace sideloop
