// Passwords in what servers say. A failure here is a password in somebody's log, or a word of a
// sentence that is missing where the password is that word: whoever knows the sentence knows it.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <string>

namespace sideloop {
namespace {

// Each is also a part of what servers say.
constexpr const char* kWords[] = {"password",  "user",    "e",    "invalid", "disabled.",
                                  "username",  "HELLO",   "AUTH", "server",  "ERR",
                                  "WRONGPASS", "is",      "no",   "'",       " ",
                                  "***",       "command", "args", "clients", "mode"};

constexpr const char* kSentences[] = {
    "WRONGPASS invalid username-password pair or user is disabled.",
    "WRONGPASS invalid username-password pair",
    "NOAUTH Authentication required.",
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
    "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time",
    "NOPERM this user has no permissions to run the 'ping' command",
    "ERR invalid password",
    "ERR Client sent AUTH, but no password is set",
    "ERR AUTH <password> called without any password configured for the default user. Are you sure "
    "your configuration is correct?",
    "ERR max number of clients reached",
    "ERR wrong number of arguments for 'auth' command",
    "DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user.",
};

TEST(WithoutSecret, LeavesASentenceOfRedisAsItIsWhateverThePasswordIs) {
  for (const std::string sentence : kSentences) {
    for (const char* secret : kWords) EXPECT_EQ(WithoutSecret(sentence, secret), sentence);
  }
}

TEST(WithoutSecret, HidesWhatStandsBehindASentence) {
  EXPECT_EQ(WithoutSecret("ERR invalid password 'pw' and pwpw", "pw"), "ERR invalid password ***");
  EXPECT_EQ(WithoutSecret("ERR Syntax error in HELLO option 's3cr3t'", "s3cr3t"),
            "ERR Syntax error in HELLO option ***");
  EXPECT_EQ(WithoutSecret("WRONGPASS invalid username-password pair: bob/s3cr3t", "s3cr3t"),
            "WRONGPASS invalid username-password pair ***");
}

TEST(WithoutSecret, HidesTheWholeOfAnotherSentence) {
  EXPECT_EQ(WithoutSecret("WRONGPASS s3cr3t s3cr3t", "s3cr3t"), "WRONGPASS ***");
  EXPECT_EQ(WithoutSecret("ERR the user may not log in", "user"), "ERR ***");
  EXPECT_EQ(WithoutSecret("s3cr3t is wrong", "s3cr3t"), "***");
  EXPECT_EQ(WithoutSecret("s3cr3t", "s3cr3t"), "***");
}

TEST(WithoutSecret, HidesAPartOfTheSecretToo) {
  EXPECT_EQ(WithoutSecret("ERR no such ticket: `s3cr`, ", "s3cr3t"), "ERR ***");
  EXPECT_EQ(WithoutSecret("ERR bad line 'one two'", "one\ntwo"), "ERR bad line 'one two'")
      << "three bytes in a row are none of it";
  EXPECT_EQ(WithoutSecret("ERR bad line 'first second'", "first\nsecond"), "ERR ***");
}

TEST(WithoutSecret, HidesArgumentsThatAreAnnounced) {
  for (const char* secret : {"s3cr3t", "AUTH", "args", ""}) {
    EXPECT_EQ(
        WithoutSecret("ERR unknown command 'AUTH', with args beginning with: 's' 't' ", secret),
        "ERR unknown command 'AUTH', with args beginning with: ***");
  }
}

TEST(WithoutSecret, LeavesAloneWhatHasNone) {
  EXPECT_EQ(WithoutSecret("ERR the backend is away", ""), "ERR the backend is away");
  EXPECT_EQ(WithoutSecret("ERR the backend is away", "pw"), "ERR the backend is away");
  EXPECT_EQ(WithoutSecret("NOAUTH", "NOAUTH"), "NOAUTH");
  EXPECT_EQ(WithoutSecret("", "pw"), "");
}

}  // namespace
}  // namespace sideloop
