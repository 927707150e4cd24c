// Commands to RESP text, from C++ and from what a JS thread staged. A failure here means that the
// server is sent another command than the caller wrote: injection, mangled text, or a stage whose
// lengths run away with its neighbours' bytes.
#include "resp/encoder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sideloop::resp {
namespace {

using namespace std::string_view_literals;

std::string Encode(std::initializer_list<std::string_view> arguments) {
  ByteBuffer out;
  EncodeCommand(arguments, out);
  return std::string(out.view());
}

TEST(Encoder, WritesACommandAsAnArrayOfBulks) {
  EXPECT_EQ(Encode({"SET", "k", "value"}), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n");
}

TEST(Encoder, NothingInAnArgumentNeedsEscaping) {
  EXPECT_EQ(Encode({"\r\n*1\r\n$8\r\nFLUSHALL\r\n", ""}),
            "*2\r\n$20\r\n\r\n*1\r\n$8\r\nFLUSHALL\r\n\r\n$0\r\n\r\n");
  EXPECT_EQ(Encode({"\0\xff"sv}), "*1\r\n$2\r\n\0\xff\r\n"sv);
}

TEST(Encoder, AppendsBehindWhatIsThere) {
  ByteBuffer out;
  EncodeCommand({"A"}, out);
  EncodeCommand({"B"}, out);
  EXPECT_EQ(out.view(), "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n");
}

TEST(Encoder, EncodesOneArgumentForTheCommandTable) {
  EXPECT_EQ(EncodeArgument("CLIENT"), "$6\r\nCLIENT\r\n");
}

TEST(Encoder, LongArgumentsKeepTheirLength) {
  const std::string longer(1'234'567, 'x');
  EXPECT_EQ(Encode({longer}), "*1\r\n$1234567\r\n" + longer + "\r\n");
}

class StageEncoding : public testing::Test {
 protected:
  StageEncoding() {
    stage_.table = std::make_shared<const CommandTable>(
        CommandTable{EncodeArgument("GET"), EncodeArgument("SET")});
  }

  // All commands of the stage; a broken one ends it.
  std::string EncodeAll() {
    ByteBuffer out;
    StageEncoder encoder(stage_);
    std::uint32_t flags = 0;
    flags_.clear();
    while (encoder.EncodeNext(out, flags)) flags_.push_back(flags);
    valid_ = encoder.valid();
    return std::string(out.view());
  }

  Stage stage_;
  std::vector<std::uint32_t> flags_;
  bool valid_ = false;
};

constexpr std::int32_t kGet = 0;
constexpr std::int32_t kSet = 1;
constexpr auto kUnnamed = static_cast<std::int32_t>(Stage::kUnnamed);

TEST_F(StageEncoding, AsciiArgumentsAreCutFromOneText) {
  stage_.heads = {kGet, 1, 3, kSet, 2, 1, 0};
  stage_.text = "keyk";
  EXPECT_EQ(EncodeAll(),
            "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
  EXPECT_TRUE(valid_);
  EXPECT_EQ(flags_.size(), 2u);
}

TEST_F(StageEncoding, AnEmptyStageIsValid) {
  EXPECT_EQ(EncodeAll(), "");
  EXPECT_TRUE(valid_);
}

TEST_F(StageEncoding, ACommandWithoutArgumentsIsItsNameAlone) {
  stage_.heads = {kGet, 0};
  EXPECT_EQ(EncodeAll(), "*1\r\n$3\r\nGET\r\n");
  EXPECT_TRUE(valid_);
}

TEST_F(StageEncoding, AnUnnamedCommandsFirstArgumentIsItsName) {
  stage_.heads = {kUnnamed, 2, 4, 1};
  stage_.text = "ECHOx";
  EXPECT_EQ(EncodeAll(), "*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n");
  EXPECT_TRUE(valid_);
}

TEST_F(StageEncoding, FlagsAreReportedAndAreNoPartOfTheOpcode) {
  stage_.heads = {kSet | static_cast<std::int32_t>(Stage::kAsBytes),
                  0,
                  kUnnamed | static_cast<std::int32_t>(Stage::kBlocking | Stage::kAsBytes),
                  1,
                  Stage::kForEver,
                  1};
  stage_.text = "X";
  EXPECT_EQ(EncodeAll(), "*1\r\n$3\r\nSET\r\n*1\r\n$1\r\nX\r\n");
  EXPECT_EQ(flags_,
            (std::vector<std::uint32_t>{Stage::kAsBytes, Stage::kBlocking | Stage::kAsBytes}));
}

TEST_F(StageEncoding, OneThatBlocksSaysForHowLong) {
  const auto blpop = static_cast<std::int32_t>(Stage::kUnnamed | Stage::kBlocking);
  stage_.heads = {kUnnamed, 1, 1, blpop, 2, 1500, 1, 1, blpop, 1, Stage::kForEver, 1, kUnnamed, 0};
  stage_.text = "ABkC";
  StageEncoder encoder(stage_);
  ByteBuffer out;
  std::vector<std::int32_t> waits;
  while (encoder.Begin()) {
    waits.push_back(encoder.wait_ms());
    while (!encoder.Encode(out, StageEncoder::kNoLimit)) {
    }
  }
  EXPECT_TRUE(encoder.valid());
  EXPECT_EQ(waits, (std::vector<std::int32_t>{0, 1500, Stage::kForEver, 0}));
  EXPECT_EQ(out.view(), "*1\r\n$1\r\nA\r\n*2\r\n$1\r\nB\r\n$1\r\nk\r\n*1\r\n$1\r\nC\r\n*0\r\n");
  for (const std::vector<std::int32_t>& wrong :
       {std::vector<std::int32_t>{blpop, 0}, {blpop, 0, -2}, {blpop, 1, 5}, {blpop, -1, 5, 1}}) {
    stage_.heads = wrong;
    StageEncoder refuses(stage_);
    EXPECT_FALSE(refuses.Begin());
    EXPECT_FALSE(refuses.valid());
  }
}

TEST_F(StageEncoding, BytesStandBetweenTexts) {
  stage_.heads = {kSet, 4, 1, ~1, ~0, 2};
  stage_.text = "abc";
  stage_.bytes = {std::string("\0\r\n", 3), "second"};
  EXPECT_EQ(EncodeAll(),
            "*5\r\n$3\r\nSET\r\n$1\r\na\r\n$6\r\nsecond\r\n$3\r\n\0\r\n\r\n$2\r\nbc\r\n"sv);
  EXPECT_TRUE(valid_);
}

TEST_F(StageEncoding, WideTextIsEncodedAsUtf8) {
  stage_.is_wide = true;
  stage_.wide = u"a\u00e9\u20ac\U0001f600";  // one to four bytes each; the last is two units
  stage_.heads = {kSet, 5, 1, 1, 1, 2, 0};
  EXPECT_EQ(EncodeAll(),
            "*6\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\xc3\xa9\r\n$3\r\n\xe2\x82\xac\r\n"
            "$4\r\n\xf0\x9f\x98\x80\r\n$0\r\n\r\n");
  EXPECT_TRUE(valid_);
}

TEST_F(StageEncoding, TheEdgesOfUtf8sLengthsAreRight) {
  stage_.is_wide = true;
  stage_.wide = u"\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff";
  stage_.heads = {kGet, 1, static_cast<std::int32_t>(stage_.wide.size())};
  EXPECT_EQ(EncodeAll(),
            "*2\r\n$3\r\nGET\r\n$19\r\n\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"
            "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\r\n");
}

TEST_F(StageEncoding, ALoneSurrogateBecomesTheReplacementCharacter) {
  stage_.is_wide = true;
  stage_.wide = {u'a', 0xd83d, u'b', 0xde00, 0xd83d};
  stage_.heads = {kGet, 1, 5};
  EXPECT_EQ(EncodeAll(),
            "*2\r\n$3\r\nGET\r\n$11\r\na\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\r\n");
}

TEST_F(StageEncoding, SurrogatesInTheWrongOrderAreTwoLoneOnes) {
  stage_.is_wide = true;
  stage_.wide = {0xde00, 0xd83d};
  stage_.heads = {kGet, 1, 2};
  EXPECT_EQ(EncodeAll(), "*2\r\n$3\r\nGET\r\n$6\r\n\xef\xbf\xbd\xef\xbf\xbd\r\n");
}

TEST_F(StageEncoding, TwoArgumentsNeverShareOneCharacter) {
  stage_.is_wide = true;
  stage_.wide = {0xd83d, 0xde00};
  stage_.heads = {kSet, 2, 1, 1};
  EXPECT_EQ(EncodeAll(), "*3\r\n$3\r\nSET\r\n$3\r\n\xef\xbf\xbd\r\n$3\r\n\xef\xbf\xbd\r\n");
}

struct Broken {
  const char* name;
  std::vector<std::int32_t> heads;
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

class BrokenStage : public StageEncoding, public testing::WithParamInterface<Broken> {};

// The text has three characters and there is one string of bytes.
TEST_P(BrokenStage, IsRefusedAndNothingIsReadBeyondIt) {
  for (const bool wide : {false, true}) {
    stage_.is_wide = wide;
    stage_.text = wide ? "" : "abc";
    stage_.wide = wide ? u"abc" : u"";
    stage_.bytes = {"bytes"};
    stage_.heads = GetParam().heads;
    EncodeAll();
    EXPECT_FALSE(valid_);
    EXPECT_TRUE(flags_.empty()) << "a command was passed off as whole";
  }
}

constexpr std::int32_t kMax = 0x7fffffff;

INSTANTIATE_TEST_SUITE_P(Heads, BrokenStage,
                         testing::Values(Broken{"HalfAHead", {kGet}},
                                         Broken{"LengthsMissing", {kGet, 2, 1}},
                                         Broken{"ArgumentsNegative", {kGet, -1}},
                                         Broken{"ArgumentsBeyondAnything", {kGet, kMax, 1}},
                                         Broken{"TextTooShort", {kGet, 1, 4}},
                                         Broken{"TextTooShortForTheSecond", {kGet, 2, 2, 2}},
                                         Broken{"LengthBeyondAnything", {kGet, 1, kMax}},
                                         Broken{"BytesMissing", {kGet, 1, ~1}},
                                         Broken{"BytesBeyondAnything", {kGet, 1, -kMax - 1}},
                                         Broken{"OpcodeUnknown", {2, 1, 1}}),
                         [](const auto& info) { return info.param.name; });

TEST_F(StageEncoding, CommandsBeforeABrokenOneAreStillGiven) {
  stage_.heads = {kGet, 1, 3, kGet, 1, 1};
  stage_.text = "abc";
  EncodeAll();
  EXPECT_EQ(flags_.size(), 1u);
  EXPECT_FALSE(valid_);
}

}  // namespace
}  // namespace sideloop::resp
