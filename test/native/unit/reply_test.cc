// Replies as values, which C++ callers and the handshake work with. A failure here means a tree
// whose shape is not the one that the server sent.
#include "resp/reply.h"

#include <gtest/gtest.h>

#include <string>

#include "resp/parser.h"

namespace sideloop::resp {
namespace {

Reply Parse(std::string_view bytes, ReplyBuilder& builder) {
  Parser parser;
  const Parser::Step step = parser.Next(bytes, builder);
  EXPECT_EQ(step.result, Parser::Result::kComplete);
  EXPECT_EQ(step.consumed, bytes.size());
  return builder.Take();
}

Reply Parse(std::string_view bytes) {
  ReplyBuilder builder;
  return Parse(bytes, builder);
}

TEST(ReplyBuilder, KeepsScalarsApart) {
  EXPECT_TRUE(Parse("_\r\n").is_null());
  EXPECT_EQ(Parse(":-7\r\n").integer, -7);
  EXPECT_EQ(Parse("$3\r\nabc\r\n").kind, Reply::Kind::kText);
  EXPECT_EQ(Parse("$3\r\nabc\r\n").text, "abc");
  const Reply error = Parse("-ERR no\r\n");
  EXPECT_TRUE(error.is_error());
  EXPECT_EQ(error.text, "ERR no");
}

TEST(ReplyBuilder, BuildsATreeWithTheShapeThatWasSent) {
  const Reply reply = Parse("*4\r\n*2\r\n:1\r\n*1\r\n:2\r\n*0\r\n-ERR x\r\n%1\r\n+k\r\n_\r\n");
  ASSERT_EQ(reply.kind, Reply::Kind::kArray);
  ASSERT_EQ(reply.elements.size(), 4u);
  ASSERT_EQ(reply.elements[0].elements.size(), 2u);
  EXPECT_EQ(reply.elements[0].elements[0].integer, 1);
  ASSERT_EQ(reply.elements[0].elements[1].elements.size(), 1u);
  EXPECT_EQ(reply.elements[0].elements[1].elements[0].integer, 2);
  EXPECT_EQ(reply.elements[1].kind, Reply::Kind::kArray);
  EXPECT_TRUE(reply.elements[1].elements.empty());
  EXPECT_TRUE(reply.elements[2].is_error());
  ASSERT_EQ(reply.elements[3].elements.size(), 2u);
  EXPECT_EQ(reply.elements[3].elements[0].text, "k");
  EXPECT_TRUE(reply.elements[3].elements[1].is_null());
}

// Its arrays are reached by pointer while they fill, and their siblings move when a vector grows.
TEST(ReplyBuilder, ManyNestedSiblingsStayWhereTheyBelong) {
  std::string bytes = "*500\r\n";
  for (int i = 0; i < 500; ++i) {
    bytes += "*2\r\n:" + std::to_string(i) + "\r\n*1\r\n+" + std::to_string(i) + "\r\n";
  }
  const Reply reply = Parse(bytes);
  ASSERT_EQ(reply.elements.size(), 500u);
  for (std::size_t i = 0; i < 500; ++i) {
    ASSERT_EQ(reply.elements[i].elements.size(), 2u);
    EXPECT_EQ(reply.elements[i].elements[0].integer, static_cast<std::int64_t>(i));
    EXPECT_EQ(reply.elements[i].elements[1].elements[0].text, std::to_string(i));
  }
}

TEST(ReplyBuilder, IsReadyForTheNextReplyOnceOneWasTaken) {
  ReplyBuilder builder;
  EXPECT_EQ(Parse("*1\r\n:1\r\n", builder).elements.size(), 1u);
  EXPECT_EQ(Parse(":2\r\n", builder).integer, 2);
}

TEST(ReplyBuilder, AHalfReplyIsForgottenWhenTaken) {
  ReplyBuilder builder;
  Parser parser;
  parser.Next("*3\r\n*2\r\n:1\r\n", builder);
  builder.Take();
  EXPECT_EQ(Parse("+whole\r\n", builder).text, "whole");
}

TEST(ReplyBuilder, AnAnnouncementAloneReservesNothing) {
  ReplyBuilder builder;
  builder.OnArray(1'000'000'000);
  builder.OnInteger(1);
  const Reply reply = builder.Take();
  EXPECT_EQ(reply.elements.size(), 1u);
  EXPECT_LT(reply.elements.capacity(), 100u);
}

}  // namespace
}  // namespace sideloop::resp
