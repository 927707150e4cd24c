#include "resp/parser.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace sideloop::resp {

namespace {

// A whole line's integer: an optional minus and 1 to 19 digits, within 64 bits. The + that some
// servers' line numbers may carry is allowed by RESP3.
std::optional<std::int64_t> ParseInteger(std::string_view line) {
  bool negative = false;
  if (!line.empty() && (line[0] == '-' || line[0] == '+')) {
    negative = line[0] == '-';
    line.remove_prefix(1);
  }
  if (line.empty() || line.size() > 19) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : line) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');  // 19 digits can't overflow 64 bits
  }
  const std::uint64_t limit = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
  if (value > limit) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

}  // namespace

Parser::Step Parser::Next(std::string_view data, ReplySink& sink) {
  std::size_t consumed = 0;
  for (;;) {
    if (is_long_) consumed += FillLongText(data.substr(consumed));
    const Element element = is_long_ ? EndLongText(data.substr(consumed), sink)
                                     : ParseElement(data.substr(consumed), sink);
    if (element == Element::kBroken) return {Result::kBroken, consumed, 0};
    if (element == Element::kMore) return {Result::kMore, consumed, element_bytes_};
    consumed += element_bytes_;
    reply_bytes_ += element_bytes_;
    // Of a long string too it is the end that counts.
    if (element != Element::kLong && reply_bytes_ > limits_.max_reply) {
      Break("a reply is larger than the limit");
      return {Result::kBroken, consumed, 0};
    }
    if (element == Element::kScalar && FinishElement()) {
      reply_bytes_ = 0;
      return {Result::kComplete, consumed, 0};
    }
  }
}

// The first byte gives the type, the rest of the line a value or a length, and a length announces a
// body.
Parser::Element Parser::ParseElement(std::string_view data, ReplySink& sink) {
  const void* end = data.empty() ? nullptr : std::memchr(data.data(), '\r', data.size());
  line_end_ = end == nullptr
                  ? data.size()
                  : static_cast<std::size_t>(static_cast<const char*>(end) - data.data());
  if (line_end_ > kMaxLine) return Break("a line is longer than 1 MiB");
  if (line_end_ + 2 > data.size()) {
    element_bytes_ = line_end_ + 2;
    return Element::kMore;
  }
  if (line_end_ == 0) return Break("an empty line stands where a type was expected");
  if (data[line_end_ + 1] != '\n') return Break("a carriage return without its line feed");
  element_bytes_ = line_end_ + 2;
  const std::string_view line = data.substr(1, line_end_ - 1);
  const bool kept = attributes_ == 0;

  switch (data[0]) {
    case '$':
    case '=':
    case '!':
      return ParseText(data, sink);
    case '+':
    case ',':
    case '(':
      if (kept) sink.OnText(line);
      return Element::kScalar;
    case '-':
      if (kept) sink.OnError(line);
      return Element::kScalar;
    case ':': {
      const auto value = ParseInteger(line);
      if (!value) return Break("an integer is not one of 64 bits");
      if (kept) sink.OnInteger(*value);
      return Element::kScalar;
    }
    case '#':
      if (line != "t" && line != "f") return Break("a boolean is neither t nor f");
      if (kept) sink.OnInteger(line == "t" ? 1 : 0);
      return Element::kScalar;
    case '_':
      if (!line.empty()) return Break("a null carries a value");
      if (kept) sink.OnNull();
      return Element::kScalar;
    case '*':
    case '~':
    case '>':
    case '%':
    case '|': {
      const auto length = ParseInteger(line);
      if (length == -1 && data[0] == '*') {
        if (kept) sink.OnNull();
        return Element::kScalar;
      }
      if (!length || *length < 0) return Break("an aggregate's length is not a count");
      if (data[0] == '>' && midway()) return Break("a push message stands inside a reply");
      const bool pairs = data[0] == '%' || data[0] == '|';
      if (static_cast<std::uint64_t>(*length) > limits_.max_elements / (pairs ? 2 : 1)) {
        return Break("an aggregate announces more elements than the limit");
      }
      return OpenAggregate(static_cast<std::uint64_t>(*length) * (pairs ? 2 : 1), data[0] == '|',
                           sink);
    }
    default:
      return Break("a type byte is unknown");
  }
}

// $<length>\r\n<bytes>\r\n, the same with = (verbatim, `txt:` in front) and ! (an error).
Parser::Element Parser::ParseText(std::string_view data, ReplySink& sink) {
  const char type = data[0];
  const auto length = ParseInteger(data.substr(1, line_end_ - 1));
  if (length == -1 && type == '$') {
    if (attributes_ == 0) sink.OnNull();
    return Element::kScalar;
  }
  if (!length || *length < 0) return Break("a string's length is not a count");
  const auto bytes = static_cast<std::uint64_t>(*length);
  if (bytes > limits_.max_bulk) return Break("a string announces more bytes than the limit");
  const std::size_t begin = line_end_ + 2;
  element_bytes_ = begin + static_cast<std::size_t>(bytes) + 2;
  if (data.size() < element_bytes_) {
    if (type != '$' || bytes < limits_.long_text) return Element::kMore;
    long_text_ = GrowingChunk(static_cast<std::size_t>(bytes));
    is_long_ = true;
    is_ascii_ = true;
    element_bytes_ = begin;
    return Element::kLong;
  }
  if (data[element_bytes_ - 2] != '\r' || data[element_bytes_ - 1] != '\n') {
    return Break("a string does not end where its length says");
  }
  std::string_view text = data.substr(begin, static_cast<std::size_t>(bytes));
  if (type == '=') {
    if (text.size() < 4 || text[3] != ':') return Break("a verbatim string lacks its format");
    text.remove_prefix(4);
  }
  if (attributes_ > 0) return Element::kScalar;
  if (type == '!') {
    sink.OnError(text);
  } else {
    sink.OnText(text);
  }
  return Element::kScalar;
}

// Takes what has arrived of the long string out of `data`. Returns how much that is.
std::size_t Parser::FillLongText(std::string_view data) {
  std::size_t taken = 0;
  while (taken < data.size()) {
    const std::span<char> room = long_text_.Room(data.size() - taken);
    if (room.empty()) break;
    std::memcpy(room.data(), data.data() + taken, room.size());
    taken += room.size();
    Commit(room.size());
  }
  return taken;
}

void Parser::Commit(std::size_t bytes) {
  // Looked at while it is in the processor's cache.
  const std::span<char> arrived = long_text_.Room(bytes);
  is_ascii_ = is_ascii_ && IsAscii({arrived.data(), arrived.size()});
  long_text_.Commit(bytes);
  reply_bytes_ += bytes;
}

// What stands behind the long string in `data`.
Parser::Element Parser::EndLongText(std::string_view data, ReplySink& sink) {
  if (long_text_.missing() > 0 && !data.empty()) return Break("there is no memory for a string");
  element_bytes_ = long_text_.missing() > 0 ? 1 : 2;
  if (data.size() < element_bytes_) return Element::kMore;
  if (data[0] != '\r' || data[1] != '\n') {
    return Break("a string does not end where its length says");
  }
  is_long_ = false;
  Chunk text = long_text_.Take();
  if (attributes_ == 0) sink.OnLongText(std::move(text), is_ascii_);
  return Element::kScalar;
}

Parser::Element Parser::OpenAggregate(std::uint64_t elements, bool attribute, ReplySink& sink) {
  if (!attribute && attributes_ == 0) sink.OnArray(elements);
  if (elements == 0) return attribute ? Element::kNothing : Element::kScalar;
  if (depth_ == kMaxDepth) return Break("aggregates are nested deeper than 128");
  frames_[depth_++] = {elements, attribute};
  if (attribute) ++attributes_;
  return Element::kOpened;
}

Parser::Element Parser::Break(const char* because) {
  broken_because_ = because;
  return Element::kBroken;
}

// Counts an element off in the aggregates that it completes. True where the whole reply is
// complete.
bool Parser::FinishElement() {
  while (depth_ > 0) {
    Frame& frame = frames_[depth_ - 1];
    if (--frame.remaining > 0) return false;
    --depth_;
    if (frame.attribute) {
      --attributes_;
      return false;  // what it describes comes next
    }
  }
  return true;
}

}  // namespace sideloop::resp
