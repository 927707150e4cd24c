#include "resp/encoder.h"

#include <charconv>
#include <cstring>

namespace sideloop::resp {

namespace {

// A type byte, a 64-bit number and a line end.
constexpr std::size_t kMostHeader = 24;

char* PutHeader(char* at, char type, std::size_t n) {
  *at++ = type;
  at = std::to_chars(at, at + 20, n).ptr;
  *at++ = '\r';
  *at++ = '\n';
  return at;
}

char* PutBytes(char* at, std::string_view bytes) {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

void AppendArgument(std::string_view argument, ByteBuffer& out) {
  char* const begin = out.Reserve(kMostHeader + argument.size() + 2);
  char* at = PutHeader(begin, '$', argument.size());
  if (!argument.empty()) at = PutBytes(at, argument);
  *at++ = '\r';
  *at++ = '\n';
  out.Commit(static_cast<std::size_t>(at - begin));
}

void AppendCount(std::size_t arguments, ByteBuffer& out) {
  char* const begin = out.Reserve(kMostHeader);
  out.Commit(static_cast<std::size_t>(PutHeader(begin, '*', arguments) - begin));
}

bool IsHighSurrogate(char16_t c) { return (c & 0xfc00) == 0xd800; }
bool IsLowSurrogate(char16_t c) { return (c & 0xfc00) == 0xdc00; }

// UTF-16 to UTF-8. A surrogate without its partner becomes U+FFFD, as in the WHATWG Encoding
// standard.
void AppendUtf8(std::u16string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t c = text[i];
    if (IsHighSurrogate(text[i]) && i + 1 < text.size() && IsLowSurrogate(text[i + 1])) {
      c = 0x10000 + ((c & 0x3ff) << 10) + (text[++i] & 0x3ffu);
    } else if (c >= 0xd800 && c <= 0xdfff) {
      c = 0xfffd;
    }
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
}

}  // namespace

std::string EncodeArgument(std::string_view argument) {
  ByteBuffer out;
  AppendArgument(argument, out);
  return std::string(out.view());
}

void EncodeCommand(std::span<const std::string_view> arguments, ByteBuffer& out) {
  AppendCount(arguments.size(), out);
  for (const std::string_view argument : arguments) AppendArgument(argument, out);
}

bool StageEncoder::EncodeNext(ByteBuffer& out, std::uint32_t& flags) {
  if (head_ == stage_.heads.size()) return false;
  valid_ = false;
  if (stage_.heads.size() - head_ < 2) return false;
  const auto word = static_cast<std::uint32_t>(stage_.heads[head_]);
  const std::int32_t arguments = stage_.heads[head_ + 1];
  head_ += 2;
  const std::size_t left = stage_.heads.size() - head_;
  if (arguments < 0 || static_cast<std::size_t>(arguments) > left) return false;
  const auto count = static_cast<std::size_t>(arguments);
  const std::uint32_t opcode = word & Stage::kOpcodeMask;
  flags = word & ~Stage::kOpcodeMask;
  if (opcode == Stage::kUnnamed) {
    AppendCount(count, out);
  } else {
    if (opcode >= stage_.table->size()) return false;
    AppendCount(count + 1, out);
    out.Append((*stage_.table)[opcode]);
  }
  return valid_ = EncodeArguments(count, out);
}

bool StageEncoder::EncodeArguments(std::size_t count, ByteBuffer& out) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t length = stage_.heads[head_++];
    if (length < 0) {
      const auto index = static_cast<std::size_t>(~length);
      if (index >= stage_.bytes.size()) return false;
      AppendArgument(stage_.bytes[index], out);
      continue;
    }
    const auto units = static_cast<std::size_t>(length);
    if (stage_.is_wide) {
      if (!EncodeWide(units, out)) return false;
    } else {
      if (units > stage_.text.size() - text_) return false;
      AppendArgument(std::string_view(stage_.text).substr(text_, units), out);
    }
    text_ += units;
  }
  return true;
}

bool StageEncoder::EncodeWide(std::size_t units, ByteBuffer& out) {
  if (units > stage_.wide.size() - text_) return false;
  std::string utf8;
  utf8.reserve(units * 3);
  // Each argument on its own: the end of one and the beginning of the next never make one
  // character.
  AppendUtf8(std::u16string_view(stage_.wide).substr(text_, units), utf8);
  AppendArgument(utf8, out);
  return true;
}

}  // namespace sideloop::resp
