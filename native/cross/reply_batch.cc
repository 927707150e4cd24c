#include "cross/reply_batch.h"

#include <algorithm>
#include <iterator>

namespace sideloop {

void ReplyBatch::CutOff() {
  Abort();
  Fail(1, {ErrorCode::kDelivery, "A reply was cut off by the next one", true});
}

void ReplyBatch::AddChunk(ValueKind kind, Chunk chunk) {
  open().AddChunk(kind, chunk.size());
  delivery_->chunks.push_back(std::move(chunk));
}

void ReplyBatch::Abort() {
  is_open_ = false;
  delivery_->packed.Truncate(begin_);
  delivery_->chunks.resize(begin_chunk_);
}

void ReplyBatch::Fail(std::uint32_t count, const Error& error) {
  if (is_open_) {
    late_.emplace_back(count, error);
    return;
  }
  AddFailure(count, error);
  AddLate();
}

std::size_t ReplyBatch::late() const {
  std::size_t commands = 0;
  for (const auto& [count, error] : late_) commands += count;
  return commands;
}

void ReplyBatch::AddFailure(std::uint32_t count, const Error& error) {
  while (count > 0) {
    const std::uint32_t portion = std::min(count, kFailedAtOnce);
    delivery_->packed.AddText(ValueKind::kError, Delivery::TextOf(portion, error));
    delivery_->settled += portion;
    count -= portion;
  }
}

void ReplyBatch::AddAllLate() {
  for (const auto& [count, error] : std::exchange(late_, {})) AddFailure(count, error);
}

void ReplyBatch::PassTo(Outbox& outbox) {
  if (delivery_->settled == 0) return;
  PackedValues half;
  std::vector<Chunk> half_chunks;
  if (is_open_) {
    delivery_->packed.MoveTail(begin_, half);
    const auto first = delivery_->chunks.begin() + static_cast<std::ptrdiff_t>(begin_chunk_);
    half_chunks.assign(std::make_move_iterator(first),
                       std::make_move_iterator(delivery_->chunks.end()));
    delivery_->chunks.resize(begin_chunk_);
  }
  held_ = outbox.Commit(delivery_);
  begin_ = 0;
  begin_chunk_ = 0;
  if (!half.empty()) delivery_->packed = std::move(half);
  if (!half_chunks.empty()) delivery_->chunks = std::move(half_chunks);
}

}  // namespace sideloop
