// Thread: any one at a time. Reads a delivery value by value, and takes nothing that it says for
// granted: each size, offset and count is held against what is there.
// Owns: its place in the delivery, which it borrows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/delivery.h"
#include "base/value.h"

namespace sideloop {

class DeliveryReader {
 public:
  // Arrays within arrays; the parser of replies allows no more.
  static constexpr std::size_t kMaxDepth = 128;

  DeliveryReader() = default;
  explicit DeliveryReader(Delivery& delivery) : delivery_(&delivery) {}

  // Reads the next value. False at the end, and where it is no value: then broken_because() says
  // what is wrong, and nothing is read any more.
  [[nodiscard]] bool Next(Value& value) {
    return delivery_->purpose == Delivery::Purpose::kMessages ? NextToken(value)
                                                              : NextPacked(value);
  }
  // The kind of the next value, where there is one.
  [[nodiscard]] bool Peek(ValueKind& kind) const;
  // Whether all was read, or can't be.
  bool done() const;
  // That of a value in a chunk.
  Chunk& ChunkOf(const Value& value) {
    return delivery_->chunks[static_cast<std::size_t>(value.number)];
  }

  // For who finds that values do not fit together.
  bool Break(const char* because) {
    if (broken_because_ == nullptr) broken_because_ = because;
    return false;
  }
  const char* broken_because() const { return broken_because_; }

 private:
  bool NextPacked(Value& value);
  bool NextToken(Value& value);
  bool ReadNumber(std::uint64_t& number);

  Delivery* delivery_ = nullptr;
  std::size_t at_ = 0;          // a byte of `packed`, or a token
  std::size_t next_chunk_ = 0;  // of `packed`
  const char* broken_because_ = nullptr;
};

}  // namespace sideloop
