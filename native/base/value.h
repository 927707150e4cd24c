// Thread: any. One value on its way to JS, as it is read out of a delivery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sideloop {

enum class ValueKind : std::uint8_t {
  kNull,
  kInteger,      // number, which a JS number holds exactly
  kBigInt,       // text: the digits of a BigInt
  kAscii,        // text of bytes below 0x80: V8 keeps it as it is
  kUtf8,         // text that has to be decoded
  kBytes,        // a Buffer of its own, filled by copying
  kChunk,        // a Buffer that takes over chunks[number]
  kAsciiChunk,   // what kAscii is, of chunks[number]
  kUtf8Chunk,    // what kUtf8 is, of chunks[number]
  kWords,        // an Int32Array. text: its elements
  kArray,        // number: how many values follow
  kError,        // settles commands by one error. text: Delivery::TextOf says how
  kNestedError,  // an error inside an array: a value of its own. text: the server's words
};

struct Value {
  ValueKind kind = ValueKind::kNull;
  std::int64_t number = 0;
  std::string_view text;  // valid as long as the delivery is
};

}  // namespace sideloop
