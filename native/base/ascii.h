// Thread: any.
// Owns: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sideloop {

// True where every byte is below 0x80: such text needs no decoding, and is the most common by far.
inline bool IsAscii(std::string_view text) {
  const char* at = text.data();
  std::size_t left = text.size();
  std::uint64_t bits = 0;
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    bits |= word;
  }
  for (; left > 0; --left, ++at) bits |= static_cast<unsigned char>(*at);
  return (bits & 0x8080808080808080) == 0;
}

}  // namespace sideloop
