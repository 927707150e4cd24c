// Replies and events on their way to JS. JS settles promises in the order of what it reads here,
// and as many as `settled` says: a failure means promises settled by the wrong value, twice, or
// never.
#include "cross/reply_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

#include "resp/parser.h"
#include "unit/deliveries.h"

namespace sideloop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Error kLost = {ErrorCode::kDisconnected, "gone", true};
const Error kNotSent = {ErrorCode::kRefused, "nobody listens", false};

class Writer : public testing::Test {
 protected:
  // A whole reply, as a parser reads it.
  void Reply(std::string_view bytes, std::uint32_t flags = 0) {
    resp::Parser parser;
    const auto step = parser.Next(bytes, writer_.BeginReply(flags));
    ASSERT_EQ(step.result, resp::Parser::Result::kComplete);
    EXPECT_TRUE(writer_.EndReply()) << "it gathers, so it asks for a flush";
  }

  CountingBell bell_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(bell_);
  ReplyWriter writer_{outbox_, 7};
};

TEST_F(Writer, GathersRepliesUntilItIsFlushed) {
  Reply("+a\r\n");
  Reply(":1\r\n");
  EXPECT_EQ(bell_.rings, 0);
  EXPECT_THAT(TakeAll(*outbox_), IsEmpty());
  writer_.FlushReplies();
  EXPECT_EQ(bell_.rings, 1);
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("2: ascii<a> integer<1>"));
}

// A JS number holds 53 bits of an integer.
TEST(ReplyWriter, IntegersBeyondAJsNumberKeepTheirDigits) {
  const std::string replies =
      "*7\r\n:0\r\n:9007199254740991\r\n:-9007199254740991\r\n:9007199254740992\r\n"
      ":-9007199254740992\r\n:9223372036854775807\r\n:-9223372036854775808\r\n";
  const std::string inside = "array<7> integer<0> integer<9007199254740991> ";
  const std::string others[] = {"9007199254740992", "-9007199254740992", "9223372036854775807",
                                "-9223372036854775808"};
  for (const auto form : {IntegerForm::kTextBeyond, IntegerForm::kBigIntBeyond}) {
    CountingBell bell;
    auto outbox = std::make_shared<Outbox>(bell);
    ReplyWriter writer(outbox, 7, form);
    resp::Parser parser;
    parser.Next(replies, writer.BeginReply(0));
    EXPECT_TRUE(writer.EndReply());
    writer.FlushReplies();
    std::string expected = "1: " + inside + "integer<-9007199254740991>";
    const std::string kind = form == IntegerForm::kTextBeyond ? "ascii" : "bigint";
    for (const std::string& digits : others) expected.append(" " + kind + "<" + digits + ">");
    EXPECT_THAT(TakeAll(*outbox), ElementsAre(expected));
  }
}

TEST(ReplyWriter, IntegersAreTextWhereThatIsAskedFor) {
  CountingBell bell;
  auto outbox = std::make_shared<Outbox>(bell);
  ReplyWriter writer(outbox, 7, IntegerForm::kText);
  resp::Parser parser;
  parser.Next(std::string_view("*3\r\n:0\r\n:-1\r\n:9223372036854775807\r\n"),
              writer.BeginReply(resp::Stage::kAsBytes));
  EXPECT_TRUE(writer.EndReply());
  writer.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox),
              ElementsAre("1: array<3> ascii<0> ascii<-1> ascii<9223372036854775807>"));
}

TEST_F(Writer, AFlushOfNothingDeliversNothing) {
  writer_.FlushReplies();
  EXPECT_EQ(bell_.rings, 0);
  EXPECT_THAT(TakeAll(*outbox_), IsEmpty());
}

TEST_F(Writer, EveryDeliveryCarriesItsTarget) {
  for (int i = 0; i < 3; ++i) {
    Reply("+a\r\n");
    writer_.FlushReplies();
    auto taken = outbox_->Take();
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_EQ(taken[0]->target, 7u);
    outbox_->Recycle(std::move(taken[0]));
    // The next one may be a spare delivery that was another target's.
    auto other = std::make_unique<Delivery>();
    other->target = 99;
    outbox_->Recycle(std::move(other));
  }
}

TEST_F(Writer, WritesEveryKindOfValue) {
  Reply("*6\r\n_\r\n:-3\r\n+plain\r\n$3\r\n\xe2\x82\xac\r\n*0\r\n-ERR inside\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("1: array<6> null integer<-3> ascii<plain> utf8<\xe2\x82\xac> array<0> "
                          "nested<ERR inside>"));
}

TEST_F(Writer, TellsAsciiFromOtherTextAtEveryLengthAndPlace) {
  for (std::size_t length = 1; length <= 20; ++length) {
    for (std::size_t place = 0; place < length; ++place) {
      std::string text(length, 'x');
      text[place] = '\x80';
      writer_.BeginReply(0).OnText(text);
      ASSERT_TRUE(writer_.EndReply());
      writer_.FlushReplies();
      ASSERT_THAT(TakeAll(*outbox_), ElementsAre("1: utf8<" + text + ">"));
    }
  }
}

TEST_F(Writer, TextsAreBytesWhereTheCommandAskedForThem) {
  Reply("*2\r\n+a\r\n:1\r\n", resp::Stage::kAsBytes);
  Reply("+b\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("2: array<2> bytes<a> integer<1> ascii<b>"));
}

TEST_F(Writer, AnErrorReplySettlesItsCommandOnce) {
  Reply("-WRONGTYPE no\r\n");
  Reply("+a\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("2: error<1|0|REDIS_REPLY|WRONGTYPE no> ascii<a>"));
}

TEST_F(Writer, AFailureSettlesAsManyAsItSaysAndKeepsItsPlace) {
  Reply("+a\r\n");
  EXPECT_TRUE(writer_.FailReplies(3, kLost));
  EXPECT_TRUE(writer_.FailReplies(2, kNotSent));
  Reply("+b\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("7: ascii<a> error<3|1|REDIS_DISCONNECTED|gone> "
                                             "error<2|0|REDIS_REFUSED|nobody listens> ascii<b>"));
}

TEST_F(Writer, AHalfReplyIsHeldBackAndTheWholeOnesGo) {
  Reply("+whole\r\n");
  resp::ReplySink& sink = writer_.BeginReply(0);
  sink.OnArray(2);
  sink.OnText("half");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: ascii<whole>"));
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), IsEmpty()) << "half a reply went out";
  sink.OnText("other half");
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: array<2> ascii<half> ascii<other half>"));
}

TEST_F(Writer, AHalfErrorReplyIsHeldBackToo) {
  Reply("+whole\r\n");
  writer_.BeginReply(0);
  writer_.FlushReplies();
  writer_.OnError("ERR late");
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("1: ascii<whole>", "1: error<1|0|REDIS_REPLY|ERR late>"));
}

TEST_F(Writer, AnAbortedReplyIsTakenBackAndItsFailureStandsInItsPlace) {
  Reply("+whole\r\n");
  resp::ReplySink& sink = writer_.BeginReply(0);
  sink.OnArray(3);
  sink.OnText("lost");
  writer_.AbortReply();
  EXPECT_TRUE(writer_.FailReplies(1, kLost));
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("2: ascii<whole> error<1|1|REDIS_DISCONNECTED|gone>"));
}

TEST_F(Writer, AReplyAbortedAfterAFlushIsTakenBackToo) {
  Reply("+whole\r\n");
  writer_.BeginReply(0).OnArray(3);
  writer_.FlushReplies();
  writer_.OnText("lost");
  writer_.AbortReply();
  EXPECT_TRUE(writer_.FailReplies(1, kLost));
  Reply("+next\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("1: ascii<whole>", "2: error<1|1|REDIS_DISCONNECTED|gone> ascii<next>"));
}

TEST_F(Writer, AnEventComesBehindTheRepliesBeforeItAndGoesAtOnce) {
  Reply("+a\r\n");
  writer_.AddEvent("reconnecting", {std::int64_t{50}, std::string_view("why")});
  Reply("+b\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: ascii<a>",
                                             "0: event ascii<reconnecting> array<2> integer<50> "
                                             "ascii<why>",
                                             "1: ascii<b>"));
}

TEST_F(Writer, AnEventAmidAReplyTakesNothingOfIt) {
  Reply("+whole\r\n");
  resp::ReplySink& sink = writer_.BeginReply(0);
  sink.OnArray(3);
  sink.OnText("a");
  writer_.AddEvent("recurring", {std::int64_t{1}, std::string_view("stopped")});
  sink.OnText("b");
  writer_.AddEvent("end", {});
  sink.OnText("c");
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: ascii<whole>",
                                             "0: event ascii<recurring> array<2> integer<1> "
                                             "ascii<stopped>",
                                             "0: event ascii<end> array<0>",
                                             "1: array<3> ascii<a> ascii<b> ascii<c>"));
}

TEST_F(Writer, CommandsThatFailAmidAReplyStandBehindIt) {
  writer_.BeginReply(0).OnArray(2);
  writer_.OnText("a");
  EXPECT_TRUE(writer_.FailReplies(2, kNotSent));
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), IsEmpty());
  writer_.OnText("b");
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("3: array<2> ascii<a> ascii<b> "
                                             "error<2|0|REDIS_REFUSED|nobody listens>"));
}

TEST_F(Writer, CommandsThatFailedAmidAReplyThatIsTakenBackStandBehindItsFailure) {
  writer_.BeginReply(0).OnArray(2);
  EXPECT_TRUE(writer_.FailReplies(2, kNotSent));
  writer_.AbortReply();
  EXPECT_TRUE(writer_.FailReplies(1, kLost));
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("3: error<1|1|REDIS_DISCONNECTED|gone> "
                                             "error<2|0|REDIS_REFUSED|nobody listens>"));
}

TEST_F(Writer, WhatFailsOutOfTurnHasADeliveryOfItsOwn) {
  Reply("+first\r\n");
  ASSERT_TRUE(writer_.KeepsTurns());
  writer_.FailOutOfTurn(1, 2, kLost);
  Reply("+popped\r\n");
  writer_.FlushReplies();
  EXPECT_THAT(
      TakeAll(*outbox_),
      ElementsAre("1: ascii<first>", "0: out of turn integer<1> error<2|1|REDIS_DISCONNECTED|gone>",
                  "1: ascii<popped>"));
}

TEST_F(Writer, WhatFailsOutOfTurnAmidAReplyHasItsPlaceBehindIt) {
  writer_.BeginReply(0).OnArray(2);
  writer_.OnText("a");
  // The reply's command, one that has failed behind it and is not passed on yet, and one more.
  EXPECT_TRUE(writer_.FailReplies(1, kNotSent));
  writer_.FailOutOfTurn(2, 1, kLost);
  writer_.OnText("b");
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("0: out of turn integer<3> error<1|1|REDIS_DISCONNECTED|gone>",
                          "2: array<2> ascii<a> ascii<b> "
                          "error<1|0|REDIS_REFUSED|nobody listens>"));
}

TEST_F(Writer, ManyThatFailOutOfTurnComeInPortions) {
  writer_.FailOutOfTurn(3, 1000, kLost);
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("0: out of turn integer<3> error<512|1|REDIS_DISCONNECTED|gone>",
                          "0: out of turn integer<515> error<488|1|REDIS_DISCONNECTED|gone>"));
}

TEST_F(Writer, AHalfReplyTakesNoMoreThanItsBytes) {
  // As RESP has it, with the shortest values, which have the most around them.
  const std::string wire = "*50000\r\n";
  resp::ReplySink& sink = writer_.BeginReply(0);
  sink.OnArray(50'000);
  std::size_t bytes = wire.size();
  for (int i = 0; i < 50'000; ++i) {
    sink.OnInteger(i % 10);
    bytes += std::string_view(":1\r\n").size();
  }
  ASSERT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  const auto taken = outbox_->Take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_LE(taken[0]->packed.size(), bytes);
  EXPECT_LE(taken[0]->packed.capacity(), 2 * bytes);
}

Chunk ChunkOf(std::string_view text) {
  Chunk chunk(text.size());
  std::memcpy(chunk.data(), text.data(), text.size());
  chunk.set_size(text.size());
  return chunk;
}

TEST_F(Writer, LongTextsGoOnInTheirOwnMemory) {
  Chunk text = ChunkOf("long");
  const char* const data = text.data();
  writer_.BeginReply(resp::Stage::kAsBytes);
  writer_.OnLongText(std::move(text), true);
  EXPECT_TRUE(writer_.EndReply());
  writer_.BeginReply(0);
  writer_.OnArray(2);
  writer_.OnLongText(ChunkOf("plain"), true);
  writer_.OnLongText(ChunkOf("\xe2\x82\xac"), false);
  EXPECT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  const auto taken = outbox_->Take();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(Describe(*taken[0]),
            "chunk<long> array<2> ascii-chunk<plain> utf8-chunk<\xe2\x82\xac>");
  EXPECT_EQ(taken[0]->chunks[0].data(), data);
}

TEST_F(Writer, LongTextsStayWithTheHalfOfAReplyThatTheyAreOf) {
  writer_.BeginReply(0);
  writer_.OnLongText(ChunkOf("whole"), true);
  EXPECT_TRUE(writer_.EndReply());
  writer_.BeginReply(0);
  writer_.OnArray(2);
  writer_.OnLongText(ChunkOf("half"), true);
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: ascii-chunk<whole>"));
  writer_.OnLongText(ChunkOf("rest"), true);
  EXPECT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_), ElementsAre("1: array<2> ascii-chunk<half> ascii-chunk<rest>"));
}

TEST_F(Writer, LongTextsOfAReplyThatIsTakenBackGoWithIt) {
  writer_.BeginReply(0);
  writer_.OnLongText(ChunkOf("kept"), true);
  EXPECT_TRUE(writer_.EndReply());
  writer_.BeginReply(0);
  writer_.OnArray(2);
  writer_.OnLongText(ChunkOf("lost"), true);
  writer_.AbortReply();
  EXPECT_TRUE(writer_.FailReplies(1, kLost));
  writer_.BeginReply(0);
  writer_.OnLongText(ChunkOf("next"), true);
  EXPECT_TRUE(writer_.EndReply());
  writer_.FlushReplies();
  EXPECT_THAT(TakeAll(*outbox_),
              ElementsAre("3: ascii-chunk<kept> error<1|1|REDIS_DISCONNECTED|gone> "
                          "ascii-chunk<next>"));
}

}  // namespace
}  // namespace sideloop
