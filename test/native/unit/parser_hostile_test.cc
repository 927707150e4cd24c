// What a server that is broken, or not a Redis server at all, can do to the parser. A failure here
// means a read out of bounds, memory spent on a mere announcement, or garbage taken for a reply.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "resp/parser.h"
#include "unit/transcript.h"

namespace sideloop::resp {
namespace {

struct Hostile {
  const char* name;
  std::string bytes;
  std::string says;
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class ParserHostile : public testing::TestWithParam<Hostile> {};

TEST_P(ParserHostile, BreaksForTheSameReasonAtEverySplit) {
  ExpectSameAtEverySplit(GetParam().bytes, GetParam().says);
}

constexpr char kNotAnInteger[] = "broken<an integer is not one of 64 bits>";
constexpr char kNotALength[] = "broken<a string's length is not a count>";
constexpr char kNotACount[] = "broken<an aggregate's length is not a count>";
constexpr char kUnknownType[] = "broken<a type byte is unknown>";
constexpr char kWrongEnd[] = "broken<a string does not end where its length says>";
constexpr char kTooManyBytes[] = "broken<a string announces more bytes than the limit>";
constexpr char kTooManyElements[] = "broken<an aggregate announces more elements than the limit>";
constexpr char kNoLineFeed[] = "broken<a carriage return without its line feed>";
constexpr char kPushInside[] = "broken<a push message stands inside a reply>";

const Hostile kHostile[] = {
    {"IntegerEmpty", ":\r\n", kNotAnInteger},
    {"IntegerOnlyASign", ":-\r\n", kNotAnInteger},
    {"IntegerTwoSigns", ":--1\r\n", kNotAnInteger},
    {"IntegerWithLetters", ":12a\r\n", kNotAnInteger},
    {"IntegerWithSpace", ": 1\r\n", kNotAnInteger},
    {"IntegerOneTooLarge", ":9223372036854775808\r\n", kNotAnInteger},
    {"IntegerOneTooSmall", ":-9223372036854775809\r\n", kNotAnInteger},
    {"IntegerOfTwentyDigits", ":18446744073709551616\r\n", kNotAnInteger},
    {"IntegerOfManyDigits", ":" + std::string(200, '9') + "\r\n", kNotAnInteger},
    {"BulkLengthBeyond64Bits", "$99999999999999999999\r\nx\r\n", kNotALength},
    {"BulkLengthLargest", "$9223372036854775807\r\nx\r\n", kTooManyBytes},
    {"BulkLengthOverTheLimit", "$536870913\r\nx\r\n", kTooManyBytes},
    {"BulkLengthNegative", "$-2\r\nx\r\n", kNotALength},
    {"BulkLengthEmpty", "$\r\nx\r\n", kNotALength},
    {"BulkStreamed", "$?\r\n;4\r\nabcd\r\n;0\r\n", kNotALength},
    {"BulkTooShort", "$3\r\nab\r\n+OK\r\n", kWrongEnd},
    {"BulkTooLong", "$3\r\nabcd\r\n", kWrongEnd},
    {"BulkWithoutItsLineFeed", "$3\r\nabc\rx", kWrongEnd},
    {"BlobErrorNull", "!-1\r\n", kNotALength},
    {"VerbatimNull", "=-1\r\n", kNotALength},
    {"VerbatimWithoutFormat", "=3\r\nabc\r\n", "broken<a verbatim string lacks its format>"},
    {"VerbatimWithoutColon", "=5\r\ntextx\r\n", "broken<a verbatim string lacks its format>"},
    {"ArrayLengthNegative", "*-2\r\n", kNotACount},
    {"ArrayLengthBeyond64Bits", "*99999999999999999999\r\n", kNotACount},
    {"ArrayLengthOverTheLimit", "*2147483649\r\n", kTooManyElements},
    {"ArrayLengthLargest", "*9223372036854775807\r\n", kTooManyElements},
    {"ArrayStreamed", "*?\r\n:1\r\n.\r\n", kNotACount},
    {"MapNull", "%-1\r\n", kNotACount},
    {"MapLengthThatOverflowsWhenDoubled", "%9223372036854775807\r\n", kTooManyElements},
    {"MapLengthOverTheLimit", "%1073741825\r\n", kTooManyElements},
    {"SetNull", "~-1\r\n", kNotACount},
    {"PushNull", ">-1\r\n", kNotACount},
    {"AttributeNull", "|-1\r\n", kNotACount},
    {"BooleanUnknown", "#x\r\n", "broken<a boolean is neither t nor f>"},
    {"BooleanEmpty", "#\r\n", "broken<a boolean is neither t nor f>"},
    {"NullWithValue", "_x\r\n", "broken<a null carries a value>"},
    {"UnknownType", "HTTP/1.1 400 Bad Request\r\n", kUnknownType},
    {"StreamedPart", ";4\r\n", kUnknownType},
    {"StreamedEnd", ".\r\n", kUnknownType},
    {"EmptyLine", "\r\n", "broken<an empty line stands where a type was expected>"},
    {"CarriageReturnAlone", "+a\rb\r\n", kNoLineFeed},
    {"PushInsideAnArray", "*2\r\n:1\r\n>1\r\n+p\r\n",
     std::string("array<2> integer<1> ") + kPushInside},
    {"PushBehindAnAttribute", "|1\r\n+a\r\n+b\r\n>1\r\n+p\r\n", kPushInside},
    {"PushBehindAnEmptyAttribute", "|0\r\n>1\r\n+p\r\n", kPushInside},
    {"BrokenInTheMiddleOfAnArray", "*3\r\n:1\r\n?\r\n",
     std::string("array<3> integer<1> ") + kUnknownType},
    {"BrokenInsideAnAttribute", "|1\r\n:x\r\n:1\r\n", kNotAnInteger},
};

INSTANTIATE_TEST_SUITE_P(Inputs, ParserHostile, testing::ValuesIn(kHostile),
                         [](const auto& info) { return info.param.name; });

std::string Nested(std::size_t depth, const std::string& opening) {
  std::string bytes;
  for (std::size_t i = 0; i < depth; ++i) bytes += opening;
  return bytes + ":1\r\n";
}

TEST(ParserLimits, NestingOf128IsRead) {
  const std::string said = ParseWhole(Nested(Parser::kMaxDepth, "*1\r\n"));
  EXPECT_TRUE(said.ends_with("integer<1> done")) << said;
}

TEST(ParserLimits, NestingOf129IsRefused) {
  for (const char* opening : {"*1\r\n", "|1\r\n", "%1\r\n"}) {
    const std::string said = ParseWhole(Nested(Parser::kMaxDepth + 1, opening));
    EXPECT_TRUE(said.ends_with("broken<aggregates are nested deeper than 128>")) << said;
  }
}

TEST(ParserLimits, ABillionElementsAnnouncedAreNotWaitedForInMemory) {
  EXPECT_EQ(ParseWhole("*1000000000\r\n:1\r\n"), "array<1000000000> integer<1>");
}

TEST(ParserLimits, ABulkOf512MiBIsAnnouncedAndOnlyWaitedFor) {
  Parser parser;
  Transcript transcript;
  const Parser::Step step = parser.Next("$536870912\r\nx", transcript);
  EXPECT_EQ(step.result, Parser::Result::kMore);
  EXPECT_EQ(step.consumed, 13u);
  EXPECT_EQ(step.wanted, 1u);
  EXPECT_EQ(parser.Room(1 << 30).size(), GrowingChunk::kFirstRoom - 1);
  EXPECT_EQ(transcript.text(), "");
}

TEST(ParserLimits, ALineIsReadUpToItsLimit) {
  const std::string longest(Parser::kMaxLine - 1, 'x');  // behind its type byte
  EXPECT_EQ(ParseWhole("+" + longest + "\r\n"), "text<" + longest + "> done");
}

TEST(ParserLimits, ALineThatNeverEndsIsGivenUp) {
  const std::string endless = "+" + std::string(Parser::kMaxLine, 'x');
  EXPECT_EQ(ParseWhole(endless), "broken<a line is longer than 1 MiB>");
  EXPECT_EQ(ParseWhole(endless + "\r\n"), "broken<a line is longer than 1 MiB>");
}

TEST(ParserLimits, AReplyOfManySmallPartsIsGivenUpAtItsLimit) {
  std::string bytes = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) bytes += ":1\r\n";
  const std::string said = ParseWhole(bytes, {.max_reply = 100});
  EXPECT_TRUE(said.ends_with("broken<a reply is larger than the limit>")) << said.substr(0, 80);
  EXPECT_TRUE(ParseWhole(bytes, {.max_reply = bytes.size()}).ends_with("done"));
}

TEST(ParserLimits, AttributesCountAgainstTheReplysLimitToo) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "|0\r\n";
  EXPECT_EQ(ParseWhole(bytes + ":1\r\n", {.max_reply = 100}),
            "broken<a reply is larger than the limit>");
}

}  // namespace
}  // namespace sideloop::resp
