// Thread: any one at a time: filled on the loop thread, handed over whole, read on a JS thread.
// Owns: its bytes.
// Ends: with the delivery it is part of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/value.h"

namespace sideloop {

// Values one behind the other in one block, each with its size in front and none with an offset:
//   <kind> <number, or size of the text> <text>
// A value's bytes mean the same wherever they stand, so the end of one list becomes the beginning
// of another by being moved there. Numbers take 1 to 10 bytes of 7 bits, the lowest first; that of
// an integer has its sign in the lowest bit. No value takes more than RESP does for it.
class PackedValues {
 public:
  // The most bytes in front of a text.
  static constexpr std::size_t kMostHead = 11;

  void AddNull() {
    *bytes_.Reserve(1) = static_cast<char>(ValueKind::kNull);
    bytes_.Commit(1);
  }
  void AddInteger(std::int64_t n) {
    const std::uint64_t sign = n < 0 ? ~std::uint64_t{0} : 0;
    AddNumber(ValueKind::kInteger, (static_cast<std::uint64_t>(n) << 1) ^ sign);
  }
  void AddArray(std::uint64_t length) { AddNumber(ValueKind::kArray, length); }
  void AddText(ValueKind kind, std::string_view text) {
    char* const begin = bytes_.Reserve(kMostHead + text.size());
    char* const at = PutHead(begin, kind, text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    bytes_.Commit(static_cast<std::size_t>(at - begin) + text.size());
  }

  // A text that stands in a chunk of the delivery. The chunks of a list are those of its values in
  // their order, so that this needs no index.
  void AddChunk(ValueKind kind, std::size_t size) { AddNumber(kind, size); }

  // Takes back what was added behind the first `size` bytes.
  void Truncate(std::size_t size) { bytes_.Truncate(size); }
  // Moves that to the end of another list.
  void MoveTail(std::size_t size, PackedValues& to) {
    to.bytes_.Append(bytes_.view().substr(size));
    bytes_.Truncate(size);
  }

  std::size_t size() const { return bytes_.size(); }
  std::size_t capacity() const { return bytes_.capacity(); }
  bool empty() const { return bytes_.empty(); }
  std::string_view view() const { return bytes_.view(); }
  void Clear() { bytes_.Clear(); }

 private:
  void AddNumber(ValueKind kind, std::uint64_t number) {
    char* const begin = bytes_.Reserve(kMostHead);
    bytes_.Commit(static_cast<std::size_t>(PutHead(begin, kind, number) - begin));
  }

  static char* PutHead(char* at, ValueKind kind, std::uint64_t number) {
    *at++ = static_cast<char>(kind);
    for (; number >= 0x80; number >>= 7) *at++ = static_cast<char>(number | 0x80);
    *at++ = static_cast<char>(number);
    return at;
  }

  ByteBuffer bytes_;
};

}  // namespace sideloop
