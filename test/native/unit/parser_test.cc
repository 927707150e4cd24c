// What the parser says of every type of RESP2 and RESP3, at every place where the network may split
// the bytes. A failure here means replies that differ with the weather: a value lost, doubled or
// read from the wrong place.
#include "resp/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "unit/transcript.h"

namespace sideloop::resp {
namespace {

struct Vector {
  const char* name;
  std::string_view bytes;
  std::string says;
};

void PrintTo(const Vector& vector, std::ostream* out) { *out << vector.name; }

class ParserVector : public testing::TestWithParam<Vector> {};

TEST_P(ParserVector, SaysTheSameAtEverySplit) {
  ExpectSameAtEverySplit(GetParam().bytes, GetParam().says);
}

using namespace std::string_view_literals;

const Vector kVectors[] = {
    {"SimpleString", "+OK\r\n", "text<OK> done"},
    {"SimpleStringEmpty", "+\r\n", "text<> done"},
    {"SimpleStringWithLineFeed", "+a\nb\r\n", "text<a\nb> done"},
    {"SimpleStringWithNul", "+a\0b\r\n"sv, std::string("text<a\0b> done", 14)},
    {"Error", "-WRONGTYPE no\r\n", "error<WRONGTYPE no> done"},
    {"ErrorEmpty", "-\r\n", "error<> done"},
    {"Integer", ":42\r\n", "integer<42> done"},
    {"IntegerZero", ":0\r\n", "integer<0> done"},
    {"IntegerMinusZero", ":-0\r\n", "integer<0> done"},
    {"IntegerPlus", ":+5\r\n", "integer<5> done"},
    {"IntegerLeadingZeros", ":007\r\n", "integer<7> done"},
    {"IntegerLargest", ":9223372036854775807\r\n", "integer<9223372036854775807> done"},
    {"IntegerSmallest", ":-9223372036854775808\r\n", "integer<-9223372036854775808> done"},
    {"Bulk", "$5\r\nhello\r\n", "text<hello> done"},
    {"BulkEmpty", "$0\r\n\r\n", "text<> done"},
    {"BulkNull", "$-1\r\n", "null done"},
    {"BulkOfLineEnds", "$6\r\n\r\n\r\n\r\n\r\n", "text<\r\n\r\n\r\n> done"},
    {"BulkThatLooksLikeAReply", "$9\r\n+OK\r\n:1\r\n\r\n", "text<+OK\r\n:1\r\n> done"},
    {"BulkOfBytes", "$4\r\n\0\xff\x80\x0d\r\n"sv, std::string("text<\0\xff\x80\x0d> done", 15)},
    {"BulkLengthWithLeadingZeros", "$003\r\nabc\r\n", "text<abc> done"},
    {"Array", "*2\r\n:1\r\n$1\r\na\r\n", "array<2> integer<1> text<a> done"},
    {"ArrayEmpty", "*0\r\n", "array<0> done"},
    {"ArrayNull", "*-1\r\n", "null done"},
    {"ArrayWithNulls", "*3\r\n$-1\r\n*-1\r\n_\r\n", "array<3> null null null done"},
    {"ArrayWithError", "*2\r\n-ERR x\r\n:1\r\n", "array<2> error<ERR x> integer<1> done"},
    {"ArrayNested", "*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n:2\r\n",
     "array<2> array<2> integer<1> array<0> array<1> integer<2> done"},
    {"ArrayThatEndsInEmptyOnes", "*1\r\n*1\r\n*0\r\n", "array<1> array<1> array<0> done"},
    {"Null", "_\r\n", "null done"},
    {"BooleanTrue", "#t\r\n", "integer<1> done"},
    {"BooleanFalse", "#f\r\n", "integer<0> done"},
    {"Double", ",3.25\r\n", "text<3.25> done"},
    {"DoubleExponent", ",-1e-9\r\n", "text<-1e-9> done"},
    {"DoubleInfinite", ",inf\r\n", "text<inf> done"},
    {"DoubleMinusInfinite", ",-inf\r\n", "text<-inf> done"},
    {"DoubleNan", ",nan\r\n", "text<nan> done"},
    {"BigNumber", "(3492890328409238509324850943850943825024385\r\n",
     "text<3492890328409238509324850943850943825024385> done"},
    {"BigNumberNegative", "(-12345678901234567890\r\n", "text<-12345678901234567890> done"},
    {"BlobError", "!10\r\nSYNTAX a\r\n\r\n", "error<SYNTAX a\r\n> done"},
    {"BlobErrorEmpty", "!0\r\n\r\n", "error<> done"},
    {"Verbatim", "=8\r\ntxt:a\r\nb\r\n", "text<a\r\nb> done"},
    {"VerbatimMarkdown", "=5\r\nmkd:#\r\n", "text<#> done"},
    {"VerbatimEmpty", "=4\r\ntxt:\r\n", "text<> done"},
    {"Map", "%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n",
     "array<4> text<a> integer<1> text<b> array<1> integer<2> done"},
    {"MapEmpty", "%0\r\n", "array<0> done"},
    {"MapInMap", "%1\r\n+a\r\n%1\r\n+b\r\n_\r\n", "array<2> text<a> array<2> text<b> null done"},
    {"Set", "~3\r\n+a\r\n#t\r\n,1\r\n", "array<3> text<a> integer<1> text<1> done"},
    {"SetEmpty", "~0\r\n", "array<0> done"},
    {"Push", ">3\r\n+message\r\n+channel\r\n$1\r\nx\r\n",
     "array<3> text<message> text<channel> text<x> done"},
    {"PushEmpty", ">0\r\n", "array<0> done"},
    {"Attribute", "|1\r\n+ttl\r\n:3600\r\n+value\r\n", "text<value> done"},
    {"AttributeEmpty", "|0\r\n:5\r\n", "integer<5> done"},
    {"AttributeOfEverything",
     "|4\r\n+a\r\n*2\r\n-e\r\n$-1\r\n#t\r\n_\r\n=5\r\ntxt:x\r\n!1\r\ne\r\n:1\r\n~0\r\n*1\r\n:9\r\n",
     "array<1> integer<9> done"},
    {"AttributeBeforeAnElement", "*2\r\n|1\r\n+k\r\n*1\r\n:1\r\n:7\r\n:8\r\n",
     "array<2> integer<7> integer<8> done"},
    {"AttributeBeforeTheLastElement", "*2\r\n:7\r\n|1\r\n+k\r\n+v\r\n*0\r\n",
     "array<2> integer<7> array<0> done"},
    {"AttributeBeforeAnAttribute", "|1\r\n+a\r\n+b\r\n|1\r\n+c\r\n+d\r\n+v\r\n", "text<v> done"},
    {"AttributeInAnAttribute", "|1\r\n+a\r\n|1\r\n+b\r\n+c\r\n+d\r\n+v\r\n", "text<v> done"},
    {"AttributeBeforeAnError", "|1\r\n+a\r\n+b\r\n-ERR x\r\n", "error<ERR x> done"},
    {"SeveralReplies", "+a\r\n$1\r\nb\r\n*1\r\n:1\r\n_\r\n",
     "text<a> done text<b> done array<1> integer<1> done null done"},
    {"APushBetweenReplies", "+a\r\n>1\r\n+p\r\n+b\r\n",
     "text<a> done array<1> text<p> done text<b> done"},
};

INSTANTIATE_TEST_SUITE_P(AllTypes, ParserVector, testing::ValuesIn(kVectors),
                         [](const auto& info) { return info.param.name; });

TEST(Parser, StopsBehindTheLastByteOfTheReply) {
  Parser parser;
  Transcript transcript;
  const Parser::Step step = parser.Next("*1\r\n:1\r\n+next\r\n", transcript);
  EXPECT_EQ(step.result, Parser::Result::kComplete);
  EXPECT_EQ(step.consumed, 8u);
  EXPECT_EQ(transcript.text(), "array<1> integer<1>");
}

TEST(Parser, SaysHowManyBytesAStringStillWants) {
  Parser parser;
  Transcript transcript;
  const Parser::Step step = parser.Next("$1000\r\nabc", transcript);
  EXPECT_EQ(step.result, Parser::Result::kMore);
  EXPECT_EQ(step.consumed, 0u);
  EXPECT_EQ(step.wanted, 7 + 1000 + 2u);
}

TEST(Parser, KnowsWhetherItIsInTheMiddleOfAReply) {
  Parser parser;
  Transcript transcript;
  EXPECT_FALSE(parser.midway());
  parser.Next("*2\r\n:1\r\n", transcript);
  EXPECT_TRUE(parser.midway());
  parser.Next(":2\r\n", transcript);
  EXPECT_FALSE(parser.midway());
  parser.Next("|0\r\n", transcript);
  EXPECT_TRUE(parser.midway()) << "an attribute belongs to the reply that follows it";
}

TEST(Parser, AResetOneHasForgottenTheHalfReply) {
  Parser parser;
  {
    Transcript half;
    parser.Next("*2\r\n|1\r\n+a\r\n", half);
    EXPECT_TRUE(parser.midway());
  }
  parser.Reset();
  EXPECT_FALSE(parser.midway());
  Transcript transcript;
  EXPECT_EQ(parser.Next("*1\r\n:1\r\n", transcript).result, Parser::Result::kComplete);
  EXPECT_EQ(transcript.text(), "array<1> integer<1>");
}

TEST(Parser, AResetOneHasForgottenWhyItBroke) {
  Parser parser;
  Transcript transcript;
  EXPECT_EQ(parser.Next("?\r\n", transcript).result, Parser::Result::kBroken);
  parser.Reset();
  EXPECT_EQ(parser.broken_because(), nullptr);
  EXPECT_EQ(parser.Next("+OK\r\n", transcript).result, Parser::Result::kComplete);
}

TEST(Parser, CountsEachReplyAgainstItsLimitAnew) {
  Parser parser({.max_reply = 64});
  Transcript transcript;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(parser.Next("$5\r\nhello\r\n", transcript).result, Parser::Result::kComplete);
  }
}

}  // namespace
}  // namespace sideloop::resp
