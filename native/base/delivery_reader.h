// Thread: any one at a time. Reads a delivery value by value, and takes nothing that it says for
// granted: each size, offset and count is held against what is there.
// Owns: its place in the delivery, which it borrows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/delivery.h"
#include "base/value.h"

namespace sideloop {

class DeliveryReader {
 public:
  // Arrays within arrays; the parser of replies allows no more.
  static constexpr std::size_t kMaxDepth = 128;

  DeliveryReader() = default;
  // Requires: the delivery stays as it is while it is read.
  explicit DeliveryReader(Delivery& delivery)
      : delivery_(&delivery),
        has_index_(delivery.purpose == Delivery::Purpose::kMessages),
        packed_(delivery.packed.view()),
        end_(has_index_ ? delivery.tokens.size() : packed_.size()) {}

  // Reads the next value. False at the end, and where it is no value: then broken_because() says
  // what is wrong, and nothing is read any more.
  [[nodiscard]] bool Next(Value& value) {
    if (done()) return false;
    return has_index_ ? NextToken(value) : NextPacked(value);
  }
  // The kind of the next value, where there is one.
  [[nodiscard]] bool Peek(ValueKind& kind) const {
    if (done()) return false;
    kind = has_index_ ? delivery_->tokens[at_].kind : static_cast<ValueKind>(packed_[at_]);
    return true;
  }
  // Whether all was read, or can't be.
  bool done() const { return at_ >= end_; }
  // That of a value in a chunk.
  Chunk& ChunkOf(const Value& value) {
    return delivery_->chunks[static_cast<std::size_t>(value.number)];
  }

  // For who finds that values do not fit together.
  bool Break(const char* because) {
    if (broken_because_ == nullptr) broken_because_ = because;
    end_ = 0;
    return false;
  }
  const char* broken_because() const { return broken_because_; }

 private:
  bool NextPacked(Value& value);
  bool NextToken(Value& value);
  bool ReadNumber(std::uint64_t& number);

  Delivery* delivery_ = nullptr;
  bool has_index_ = false;
  std::string_view packed_;
  std::size_t at_ = 0;          // a byte of `packed`, or a token
  std::size_t end_ = 0;         // where to stop: 0 where reading is over
  std::size_t next_chunk_ = 0;  // of `packed`
  const char* broken_because_ = nullptr;
};

}  // namespace sideloop
