#include "base/delivery_reader.h"

#include <string_view>

namespace sideloop {

bool DeliveryReader::NextPacked(Value& value) {
  value.kind = static_cast<ValueKind>(packed_[at_++]);
  if (value.kind == ValueKind::kNull) return true;
  std::uint64_t number = 0;
  if (!ReadNumber(number)) return false;
  const std::size_t left = packed_.size() - at_;
  switch (value.kind) {
    case ValueKind::kInteger:
      value.number = static_cast<std::int64_t>((number >> 1) ^ (0 - (number & 1)));
      return true;
    case ValueKind::kArray:
      // A value takes a byte at least, so a length that can't be is seen before it is believed.
      if (number > left) return Break("an array is longer than its delivery");
      value.number = static_cast<std::int64_t>(number);
      return true;
    case ValueKind::kBigInt:
    case ValueKind::kAscii:
    case ValueKind::kUtf8:
    case ValueKind::kBytes:
    case ValueKind::kError:
    case ValueKind::kNestedError:
      if (number > left) return Break("a text is longer than its delivery");
      value.text = packed_.substr(at_, static_cast<std::size_t>(number));
      at_ += value.text.size();
      return true;
    case ValueKind::kChunk:
    case ValueKind::kAsciiChunk:
    case ValueKind::kUtf8Chunk:
      if (next_chunk_ == delivery_->chunks.size() ||
          delivery_->chunks[next_chunk_].size() != number) {
        return Break("a chunk is not in its delivery");
      }
      value.number = static_cast<std::int64_t>(next_chunk_++);
      return true;
    case ValueKind::kNull:
    case ValueKind::kWords:
      break;
  }
  return Break("a value is of no kind");
}

bool DeliveryReader::ReadNumber(std::uint64_t& number) {
  for (unsigned shift = 0; at_ < packed_.size() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(packed_[at_++]);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return Break("a number is cut off");
}

bool DeliveryReader::NextToken(Value& value) {
  const Delivery::Token& token = delivery_->tokens[at_++];
  value.kind = token.kind;
  value.number = token.number;
  if (Delivery::HasText(token.kind)) {
    const std::string_view bytes = delivery_->bytes;
    const auto offset = static_cast<std::uint64_t>(token.number);
    if (offset > bytes.size() || token.size > bytes.size() - offset) {
      return Break("a text stands outside of its delivery");
    }
    value.text = bytes.substr(static_cast<std::size_t>(offset), token.size);
  } else if (Delivery::IsChunk(token.kind)) {
    if (static_cast<std::uint64_t>(token.number) >= delivery_->chunks.size()) {
      return Break("a chunk is not in its delivery");
    }
  } else if (token.kind == ValueKind::kArray) {
    if (static_cast<std::uint64_t>(token.number) > delivery_->tokens.size() - at_) {
      return Break("an array is longer than its delivery");
    }
  }
  return true;
}

}  // namespace sideloop
