// Long strings, which are read to where they stay. A failure here is a byte in the wrong place, a
// reply that differs with how its bytes arrive, or memory taken for what was only announced.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/growing_chunk.h"
#include "resp/parser.h"
#include "unit/transcript.h"

namespace sideloop::resp {
namespace {

// Every bulk string that has not arrived as a whole is a long one.
constexpr ParserLimits kAllLong{.long_text = 0};

std::string Pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 23);
  return text;
}

std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// What came as a long text, and what else.
class LongTexts final : public ReplySink {
 public:
  struct Text {
    std::string text;
    bool is_ascii;
  };

  void OnNull() override { ++others; }
  void OnInteger(std::int64_t) override { ++others; }
  void OnText(std::string_view) override { ++others; }
  void OnLongText(Chunk text, bool is_ascii) override {
    texts.push_back({std::string(text.view()), is_ascii});
  }
  void OnArray(std::uint64_t) override { ++others; }
  void OnError(std::string_view) override { ++others; }

  std::vector<Text> texts;
  int others = 0;
};

// As a connection reads: into the parser's room where it has some, else into a buffer.
class Reading {
 public:
  explicit Reading(ParserLimits limits) : parser_(limits) {}

  // Reads all of `bytes`, at most `piece` at a time. Returns how many replies were complete.
  int Read(std::string_view bytes, std::size_t piece) {
    int complete = 0;
    while (!bytes.empty()) {
      const std::span<char> room = parser_.Room(piece);
      const std::string_view part =
          bytes.substr(0, room.empty() ? piece : std::min(piece, room.size()));
      bytes.remove_prefix(part.size());
      if (!room.empty()) {
        EXPECT_TRUE(unparsed_.empty()) << "there is room, and something before it is not parsed";
        std::memcpy(room.data(), part.data(), part.size());
        parser_.Commit(part.size());
        continue;
      }
      unparsed_.append(part);
      for (Parser::Result result = Parser::Result::kComplete;
           result == Parser::Result::kComplete && !unparsed_.empty();) {
        const Parser::Step step = parser_.Next(unparsed_, sink);
        unparsed_.erase(0, step.consumed);
        result = step.result;
        EXPECT_NE(result, Parser::Result::kBroken) << parser_.broken_because();
        if (result == Parser::Result::kComplete) ++complete;
      }
    }
    return complete;
  }

  LongTexts sink;

 private:
  Parser parser_;
  std::string unparsed_;
};

TEST(LongText, SaysTheSameAtEverySplit) {
  for (const auto& [bytes, says] : {
           std::pair<std::string, std::string>{"$5\r\nhello\r\n", "text<hello> done"},
           {"$0\r\n\r\n", "text<> done"},
           {"$6\r\n\r\n\r\n\r\n\r\n", "text<\r\n\r\n\r\n> done"},
           {"$9\r\n+OK\r\n:1\r\n\r\n+OK\r\n", "text<+OK\r\n:1\r\n> done text<OK> done"},
           {"*3\r\n$2\r\nab\r\n*1\r\n$3\r\ncde\r\n$1\r\nf\r\n",
            "array<3> text<ab> array<1> text<cde> text<f> done"},
           {"$-1\r\n$1\r\nx\r\n", "null done text<x> done"},
           {"=7\r\ntxt:abc\r\n$2\r\nde\r\n", "text<abc> done text<de> done"},
           {"!3\r\nbad\r\n$2\r\nde\r\n", "error<bad> done text<de> done"},
           {"|1\r\n$1\r\nk\r\n$4\r\nlost\r\n$4\r\nkept\r\n", "text<kept> done"},
           {"$3\r\nabcde", "broken<a string does not end where its length says>"},
           {"$3\r\nabc\rx", "broken<a string does not end where its length says>"},
       }) {
    ExpectSameAtEverySplit(bytes, says, kAllLong);
  }
}

TEST(LongText, TheLimitOfAReplyHoldsAtEverySplit) {
  ParserLimits limits = kAllLong;
  limits.max_reply = 20;
  ExpectSameAtEverySplit("*2\r\n$2\r\nab\r\n$4\r\nabcd\r\n",
                         "array<2> text<ab> text<abcd> broken<a reply is larger than the limit>",
                         limits);
}

TEST(LongText, IsReadToWhereItStaysInPiecesOfAnySize) {
  const std::string first = Pattern(3'000'000);
  const std::string second = Pattern(300'000);
  const std::string bytes = "*3\r\n" + Bulk(first) + ":1\r\n" + Bulk(second) + "+OK\r\n";
  for (const std::size_t piece : {1000, 4096, 65'536, 1'048'576, 1'048'577}) {
    Reading reading{ParserLimits()};
    EXPECT_EQ(reading.Read(bytes, piece), 2);
    // What has arrived together with its first line may be all of it.
    ASSERT_EQ(reading.sink.texts.size(), piece > second.size() ? 1u : 2u);
    EXPECT_EQ(reading.sink.texts[0].text, first);
    if (piece <= second.size()) {
      EXPECT_EQ(reading.sink.texts[1].text, second);
    }
  }
}

TEST(LongText, KnowsWhetherItIsAsciiWhereverTheOtherByteStands) {
  constexpr std::size_t kSize = 300'000;
  for (const std::size_t at : {std::size_t{0}, std::size_t{70'000}, kSize - 1, kSize}) {
    std::string text = Pattern(kSize);
    if (at < kSize) text[at] = '\xc3';
    Reading reading{ParserLimits()};
    reading.Read(Bulk(text), 5000);
    ASSERT_EQ(reading.sink.texts.size(), 1u);
    EXPECT_EQ(reading.sink.texts[0].is_ascii, at == kSize) << "at " << at;
  }
}

TEST(LongText, ShortOnesAreNoneOfIt) {
  Reading reading{ParserLimits()};
  reading.Read(Bulk(Pattern(ParserLimits().long_text - 1)), 5000);
  EXPECT_TRUE(reading.sink.texts.empty());
  EXPECT_EQ(reading.sink.others, 1);
}

TEST(LongText, ANewConnectionKnowsNothingOfIt) {
  Parser parser(kAllLong);
  Transcript transcript;
  EXPECT_EQ(parser.Next("$10\r\nabc", transcript).result, Parser::Result::kMore);
  EXPECT_TRUE(parser.midway());
  EXPECT_EQ(parser.Room(100).size(), 7u);
  parser.Reset();
  EXPECT_FALSE(parser.midway());
  EXPECT_TRUE(parser.Room(100).empty());
  EXPECT_EQ(parser.Next("+OK\r\n", transcript).result, Parser::Result::kComplete);
  EXPECT_EQ(transcript.text(), "text<OK>");
}

TEST(LongText, WhatIsAnnouncedTakesNoMemory) {
  GrowingChunk chunk(std::size_t{1} << 40);
  std::size_t arrived = 0;
  while (arrived < 5 * GrowingChunk::kFirstRoom) {
    const std::size_t room = chunk.Room(std::size_t{1} << 40).size();
    ASSERT_GT(room, 0u);
    EXPECT_LE(room, std::max(arrived, GrowingChunk::kFirstRoom));
    chunk.Commit(room);
    arrived += room;
  }
}

TEST(LongText, KeepsItsBytesWhileItGrows) {
  const std::string text = Pattern(5'000'001);
  GrowingChunk chunk(text.size());
  std::size_t arrived = 0;
  for (std::span<char> room; !(room = chunk.Room(99'991)).empty(); arrived += room.size()) {
    std::memcpy(room.data(), text.data() + arrived, room.size());
    chunk.Commit(room.size());
  }
  EXPECT_EQ(chunk.missing(), 0u);
  Chunk taken = chunk.Take();
  EXPECT_EQ(taken.view(), text);
  // It is freed like any other, by whoever gets its data.
  Chunk::Free(taken.Release());
}

}  // namespace
}  // namespace sideloop::resp
