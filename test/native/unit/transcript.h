// Thread: any one at a time. Writes down what a parser says, so that two runs can be compared.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "resp/parser.h"
#include "resp/reply_sink.h"

namespace sideloop::resp {

// One word for each event, its value in angle brackets: `array<2> integer<1> null done`.
class Transcript final : public ReplySink {
 public:
  void OnNull() override { Note("null"); }
  void OnInteger(std::int64_t value) override { Note("integer", std::to_string(value)); }
  void OnText(std::string_view text) override { Note("text", text); }
  void OnArray(std::uint64_t length) override { Note("array", std::to_string(length)); }
  void OnError(std::string_view text) override { Note("error", text); }
  void OnDone() { Note("done"); }
  void OnBroken(std::string_view because) { Note("broken", because); }

  const std::string& text() const { return text_; }

 private:
  void Note(std::string_view kind) { text_.append(text_.empty() ? "" : " ").append(kind); }
  void Note(std::string_view kind, std::string_view value) {
    Note(kind);
    text_.append("<").append(value).append(">");
  }

  std::string text_;
};

// Feeds `bytes` to a new parser as they arrive: all up to each of `ends`, which rise, then all up
// to the next. Holds the parser to its contract at every step.
inline std::string ParseInPieces(std::string_view bytes, const std::vector<std::size_t>& ends,
                                 ParserLimits limits = {}) {
  Parser parser(limits);
  Transcript transcript;
  std::size_t consumed = 0;
  std::size_t wanted_up_to = 0;  // bytes without which a call must change nothing
  for (const std::size_t end : ends) {
    while (consumed < end) {
      // A block of exactly this size: a read beyond it is one that AddressSanitizer sees.
      const std::vector<char> block(bytes.begin() + static_cast<std::ptrdiff_t>(consumed),
                                    bytes.begin() + static_cast<std::ptrdiff_t>(end));
      const std::size_t said = transcript.text().size();
      const Parser::Step step = parser.Next({block.data(), block.size()}, transcript);
      EXPECT_LE(step.consumed, block.size());
      consumed += step.consumed;
      if (step.result == Parser::Result::kBroken) {
        EXPECT_NE(parser.broken_because(), nullptr);
        transcript.OnBroken(parser.broken_because());
        return transcript.text();
      }
      if (end < wanted_up_to) {
        EXPECT_EQ(step.result, Parser::Result::kMore) << "went on without what it wanted";
        EXPECT_EQ(step.consumed, 0u) << "consumed although what it wanted was not there";
        EXPECT_EQ(transcript.text().size(), said) << "spoke although what it wanted was not there";
      }
      if (step.result == Parser::Result::kMore) {
        EXPECT_GT(step.wanted, end - consumed) << "wants what it already has";
        wanted_up_to = consumed + step.wanted;
        break;
      }
      EXPECT_GT(step.consumed, 0u) << "completed a reply of no bytes";
      EXPECT_FALSE(parser.midway());
      transcript.OnDone();
    }
  }
  return transcript.text();
}

inline std::string ParseWhole(std::string_view bytes, ParserLimits limits = {}) {
  return ParseInPieces(bytes, {bytes.size()}, limits);
}

// Byte by byte, and cut in two at every place.
inline void ExpectSameAtEverySplit(std::string_view bytes, const std::string& expected,
                                   ParserLimits limits = {}) {
  EXPECT_EQ(ParseWhole(bytes, limits), expected);
  std::vector<std::size_t> every(bytes.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i + 1;
  EXPECT_EQ(ParseInPieces(bytes, every, limits), expected) << "byte by byte";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    EXPECT_EQ(ParseInPieces(bytes, {cut, bytes.size()}, limits), expected) << "cut at " << cut;
  }
}

}  // namespace sideloop::resp
