// What is text and what is bytes, decided by each code point there is. A failure here means bytes
// that reach JS as U+FFFD, or a text that reaches it as a Buffer.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace sideloop {
namespace {

// Of `size` bytes, whether that is the shortest form or not.
std::string Encode(std::uint32_t code, int size) {
  if (size == 1) return {static_cast<char>(code)};
  std::string text(static_cast<std::size_t>(size), '\0');
  for (int at = size - 1; at > 0; --at) {
    text[static_cast<std::size_t>(at)] = static_cast<char>(0x80 | (code & 0x3F));
    code >>= 6;
  }
  text[0] = static_cast<char>((0xF00 >> size) | code);
  return text;
}

int ShortestOf(std::uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

TEST(Utf8, IsEachCodePointButSurrogates) {
  for (std::uint32_t code = 0; code < 0x1FFFFF; ++code) {
    const bool is_valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    ASSERT_EQ(IsUtf8(Encode(code, ShortestOf(code))), is_valid) << code;
  }
}

TEST(Utf8, HasNoOverlongForm) {
  for (std::uint32_t code = 0; code < 0x10000; ++code) {
    for (int size = ShortestOf(code) + 1; size <= 4; ++size) {
      ASSERT_FALSE(IsUtf8(Encode(code, size))) << code << " in " << size;
    }
  }
}

TEST(Utf8, IsNoneWhereACharacterIsCutOrBroken) {
  for (const std::uint32_t code : {0xE4U, 0x20ACU, 0x1F600U}) {
    const std::string whole = Encode(code, ShortestOf(code));
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const std::string head = whole.substr(0, size);
      EXPECT_FALSE(IsUtf8(head));
      EXPECT_FALSE(IsUtf8("a" + head + "b"));
      EXPECT_FALSE(IsUtf8(head + whole));
      EXPECT_FALSE(IsUtf8(whole.substr(size)));
    }
    EXPECT_TRUE(IsUtf8("a" + whole + "b" + whole));
  }
}

TEST(Utf8, IsNoneWithAByteThatBeginsNothing) {
  for (int byte = 0x80; byte <= 0xFF; ++byte) {
    const bool is_first = byte >= 0xC2 && byte <= 0xF4;
    const std::string text(1, static_cast<char>(byte));
    EXPECT_FALSE(IsUtf8(text));
    if (!is_first) {
      EXPECT_FALSE(IsUtf8(text + "\x80\x80\x80"));
    }
  }
  EXPECT_TRUE(IsUtf8(""));
}

}  // namespace
}  // namespace sideloop
