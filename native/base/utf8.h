// Thread: any.
// Owns: nothing.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/ascii.h"

namespace sideloop {

// True where `text` is well-formed UTF-8, as the Unicode Standard has it (table 3-7): no overlong
// form, no surrogate, nothing beyond U+10FFFF. Anything else a decoder would replace by U+FFFD.
inline bool IsUtf8(std::string_view text) {
  if (IsAscii(text)) return true;
  const auto byte = [&](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const auto follows = [&](std::size_t at, unsigned least, unsigned most) {
    return byte(at) >= least && byte(at) <= most;
  };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned first = byte(at);
    std::size_t size = 1;
    if (first >= 0xC2 && first <= 0xDF) {
      size = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
      size = 3;
    } else if (first >= 0xF0 && first <= 0xF4) {
      size = 4;
    } else if (first >= 0x80) {
      return false;
    }
    if (size > 1) {
      const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
      const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
      if (!follows(at + 1, least, most)) return false;
    }
    for (std::size_t next = 2; next < size; ++next) {
      if (!follows(at + next, 0x80, 0xBF)) return false;
    }
    at += size;
  }
  return true;
}

}  // namespace sideloop
