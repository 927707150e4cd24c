#include "resp/encoder.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

namespace sideloop::resp {

namespace {

// A type byte, a 64-bit number and a line end.
constexpr std::size_t kMostHeader = 24;
// Of a UTF-16 unit. Two that make one character become four.
constexpr std::size_t kMostBytesOfUnit = 3;

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

void AppendHeader(char type, std::size_t n, ByteBuffer& out) {
  char* const begin = out.Reserve(kMostHeader);
  out.Commit(static_cast<std::size_t>(PutHeader(begin, type, n) - begin));
}

void AppendArgument(std::string_view argument, ByteBuffer& out) {
  char* const begin = out.Reserve(kMostHeader + argument.size() + 2);
  char* at = PutHeader(begin, '$', argument.size());
  if (!argument.empty()) at = PutBytes(at, argument);
  *at++ = '\r';
  *at++ = '\n';
  out.Commit(static_cast<std::size_t>(at - begin));
}

bool IsHighSurrogate(char16_t c) { return (c & 0xfc00) == 0xd800; }
bool IsLowSurrogate(char16_t c) { return (c & 0xfc00) == 0xdc00; }

// The character at `i`, which is moved to its last unit. A surrogate without its partner becomes
// U+FFFD, as in the WHATWG Encoding standard.
char32_t CharacterAt(std::u16string_view text, std::size_t& i) {
  const char16_t c = text[i];
  if (c < 0xd800 || c > 0xdfff) return c;
  if (IsHighSurrogate(c) && i + 1 < text.size() && IsLowSurrogate(text[i + 1])) {
    return 0x10000 + ((static_cast<char32_t>(c) & 0x3ff) << 10) + (text[++i] & 0x3ffu);
  }
  return 0xfffd;
}

std::size_t Utf8Size(std::u16string_view text) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = CharacterAt(text, i);
    size += c < 0x80 ? 1u : c < 0x800 ? 2u : c < 0x10000 ? 3u : 4u;
  }
  return size;
}

char* PutUtf8(char* at, std::u16string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = CharacterAt(text, i);
    if (c < 0x80) {
      *at++ = static_cast<char>(c);
    } else if (c < 0x800) {
      *at++ = static_cast<char>(0xc0 | c >> 6);
      *at++ = static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      *at++ = static_cast<char>(0xe0 | c >> 12);
      *at++ = static_cast<char>(0x80 | (c >> 6 & 0x3f));
      *at++ = static_cast<char>(0x80 | (c & 0x3f));
    } else {
      *at++ = static_cast<char>(0xf0 | c >> 18);
      *at++ = static_cast<char>(0x80 | (c >> 12 & 0x3f));
      *at++ = static_cast<char>(0x80 | (c >> 6 & 0x3f));
      *at++ = static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return at;
}

// The first units of `text`, about `most` of them: no character is divided.
std::u16string_view Piece(std::u16string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const bool divides = IsHighSurrogate(text[most - 1]) && IsLowSurrogate(text[most]);
  return text.substr(0, divides ? most + 1 : most);
}

}  // namespace

std::string EncodeArgument(std::string_view argument) {
  ByteBuffer out;
  AppendArgument(argument, out);
  return std::string(out.view());
}

void EncodeCommand(std::span<const std::string_view> arguments, ByteBuffer& out) {
  AppendHeader('*', arguments.size(), out);
  for (const std::string_view argument : arguments) AppendArgument(argument, out);
}

// All that can be wrong with a command is found here, before a byte of it is sent.
bool StageEncoder::Begin() {
  assert(arguments_ == 0 && announced_);
  const std::vector<std::int32_t>& heads = stage_->heads;
  if (at_.head == heads.size()) return false;
  valid_ = false;
  if (heads.size() - at_.head < 2) return false;
  const auto word = static_cast<std::uint32_t>(heads[at_.head]);
  const std::int32_t count = heads[at_.head + 1];
  const bool blocks = (word & Stage::kBlocking) != 0;
  const std::size_t first = at_.head + (blocks ? 3 : 2);
  if (first > heads.size()) return false;
  wait_ms_ = blocks ? heads[first - 1] : 0;
  if (wait_ms_ < Stage::kForEver) return false;
  if (count < 0 || static_cast<std::size_t>(count) > heads.size() - first) return false;
  const auto arguments = static_cast<std::size_t>(count);
  opcode_ = word & Stage::kOpcodeMask;
  flags_ = word & ~Stage::kOpcodeMask;
  if (opcode_ != Stage::kUnnamed && opcode_ >= stage_->table->size()) return false;
  std::size_t left = (stage_->is_wide ? stage_->wide.size() : stage_->text.size()) - at_.text;
  for (std::size_t i = first; i < first + arguments; ++i) {
    const std::int32_t length = heads[i];
    if (length < 0) {
      if (static_cast<std::size_t>(~length) >= stage_->bytes.size()) return false;
    } else if (static_cast<std::size_t>(length) > left) {
      return false;
    } else {
      left -= static_cast<std::size_t>(length);
    }
  }
  at_.head = first;
  arguments_ = arguments;
  announced_ = false;
  return valid_ = true;
}

bool StageEncoder::Encode(ByteBuffer& out, std::size_t most) {
  if (!std::exchange(announced_, true)) {
    if (opcode_ == Stage::kUnnamed) {
      AppendHeader('*', arguments_, out);
    } else {
      AppendHeader('*', arguments_ + 1, out);
      out.Append((*stage_->table)[opcode_]);
    }
  }
  while (arguments_ > 0) {
    if (out.size() >= most || !EncodeArgument(out, most)) return false;
    const std::int32_t length = stage_->heads[at_.head++];
    if (length > 0) at_.text += static_cast<std::size_t>(length);
    --arguments_;
  }
  return true;
}

void StageEncoder::Skip() {
  announced_ = true;
  has_header_ = false;
  done_ = measured_ = bytes_ = 0;
  for (; arguments_ > 0; --arguments_) {
    const std::int32_t length = stage_->heads[at_.head++];
    if (length > 0) at_.text += static_cast<std::size_t>(length);
  }
}

bool StageEncoder::EncodeArgument(ByteBuffer& out, std::size_t most) {
  const std::int32_t length = stage_->heads[at_.head];
  if (length >= 0 && stage_->is_wide) {
    const std::u16string_view wide = stage_->wide;
    return EncodeWide(wide.substr(at_.text, static_cast<std::size_t>(length)), out, most);
  }
  std::string_view bytes;
  if (length < 0) {
    bytes = stage_->bytes[static_cast<std::size_t>(~length)];
  } else {
    bytes = std::string_view(stage_->text).substr(at_.text, static_cast<std::size_t>(length));
  }
  if (bytes.size() > kUndivided) return EncodeLong(bytes, out, most);
  AppendArgument(bytes, out);
  return true;
}

bool StageEncoder::EncodeLong(std::string_view bytes, ByteBuffer& out, std::size_t most) {
  if (!std::exchange(has_header_, true)) AppendHeader('$', bytes.size(), out);
  const std::size_t room = most > out.size() ? most - out.size() : 0;
  const std::string_view piece = bytes.substr(done_, room);
  out.Append(piece);
  done_ += piece.size();
  if (done_ < bytes.size()) return false;
  out.Append("\r\n");
  has_header_ = false;
  done_ = 0;
  return true;
}

// Each argument on its own: the end of one and the beginning of the next never make one character.
bool StageEncoder::EncodeWide(std::u16string_view units, ByteBuffer& out, std::size_t most) {
  if (!has_header_) {
    const std::u16string_view piece = Piece(units.substr(measured_), kUnitsAtOnce);
    bytes_ += Utf8Size(piece);
    measured_ += piece.size();
    if (measured_ < units.size()) return false;
    AppendHeader('$', bytes_, out);
    has_header_ = true;
  }
  while (done_ < units.size()) {
    if (out.size() >= most) return false;
    // By bytes, so that a slice is not much longer than it should be; but at least one unit.
    const std::size_t room = (most - out.size()) / kMostBytesOfUnit + 1;
    const std::u16string_view piece = Piece(units.substr(done_), std::min(room, kUnitsAtOnce));
    char* const begin = out.Reserve(piece.size() * kMostBytesOfUnit);
    out.Commit(static_cast<std::size_t>(PutUtf8(begin, piece) - begin));
    done_ += piece.size();
  }
  out.Append("\r\n");
  has_header_ = false;
  done_ = measured_ = bytes_ = 0;
  return true;
}

}  // namespace sideloop::resp
