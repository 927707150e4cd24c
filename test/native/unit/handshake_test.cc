// What a client says first, against every answer that servers of all ages give. A failure here
// means a connection that never gets ready, or one that is ready as the wrong user or on the wrong
// database.
#include "redis/handshake.h"

#include <gtest/gtest.h>

#include <string>

#include "resp/encoder.h"

namespace sideloop::redis {
namespace {

using Step = Handshake::Step;

resp::Reply Ok() { return {resp::Reply::Kind::kText, 0, "OK", {}}; }
resp::Reply ErrorReply(const char* text) { return {resp::Reply::Kind::kError, 0, text, {}}; }
// HELLO answers with a map, which nobody looks into.
resp::Reply ServerInfo() { return {resp::Reply::Kind::kArray, 0, {}, {}}; }

std::string Command(std::initializer_list<std::string_view> arguments) {
  ByteBuffer out;
  resp::EncodeCommand(arguments, out);
  return std::string(out.view());
}

template <typename Set>
Options With(Set set) {
  Options options;
  set(options);
  return options;
}

// A handshake and the server's half of it.
class Dialogue {
 public:
  explicit Dialogue(Options options) : options_(std::move(options)), handshake_(options_) {}

  Step Begin() { return step_ = handshake_.Begin(out_); }
  Step Answer(const resp::Reply& reply) {
    EXPECT_EQ(step_, Step::kWait) << "nobody waits for an answer";
    return step_ = handshake_.OnReply(reply, out_);
  }
  // What was said since the last look.
  std::string Said() {
    std::string said(out_.view());
    out_.Clear();
    return said;
  }
  const Handshake& handshake() const { return handshake_; }

 private:
  Options options_;
  Handshake handshake_;
  ByteBuffer out_;
  Step step_ = Step::kWait;
};

TEST(Handshake, SaysHelloAndIsDone) {
  Dialogue dialogue(Options{});
  EXPECT_EQ(dialogue.Begin(), Step::kWait);
  EXPECT_EQ(dialogue.Said(), Command({"HELLO", "3"}));
  EXPECT_EQ(dialogue.Answer(ServerInfo()), Step::kDone);
  EXPECT_EQ(dialogue.Said(), "");
  EXPECT_EQ(dialogue.handshake().protocol(), 3);
}

TEST(Handshake, PutsPasswordAndNameIntoTheHello) {
  Dialogue dialogue(With([](Options& o) {
    o.username = "ann";
    o.password = "secret";
    o.client_name = "app";
  }));
  dialogue.Begin();
  EXPECT_EQ(dialogue.Said(), Command({"HELLO", "3", "AUTH", "ann", "secret", "SETNAME", "app"}));
  EXPECT_EQ(dialogue.Answer(ServerInfo()), Step::kDone);
}

TEST(Handshake, APasswordAloneIsTheDefaultUsers) {
  Dialogue dialogue(With([](Options& o) { o.password = "secret"; }));
  dialogue.Begin();
  EXPECT_EQ(dialogue.Said(), Command({"HELLO", "3", "AUTH", "default", "secret"}));
}

TEST(Handshake, SelectsTheDatabaseLast) {
  Dialogue dialogue(With([](Options& o) { o.db = 5; }));
  dialogue.Begin();
  dialogue.Said();
  EXPECT_EQ(dialogue.Answer(ServerInfo()), Step::kWait);
  EXPECT_EQ(dialogue.Said(), Command({"SELECT", "5"}));
  EXPECT_EQ(dialogue.Answer(Ok()), Step::kDone);
  EXPECT_EQ(dialogue.handshake().protocol(), 3);
}

TEST(Handshake, FallsBackToResp2WhereHelloIsNotKnown) {
  for (const char* refusal :
       {"NOPROTO unsupported protocol version", "ERR unknown command `HELLO`, with args",
        "ERR unknown command 'HELLO'", "ERR Unknown command HELLO"}) {
    Dialogue dialogue(With([](Options& o) {
      o.password = "secret";
      o.db = 2;
      o.client_name = "app";
    }));
    dialogue.Begin();
    dialogue.Said();
    EXPECT_EQ(dialogue.Answer(ErrorReply(refusal)), Step::kWait) << refusal;
    EXPECT_EQ(dialogue.Said(), Command({"AUTH", "secret"}));
    EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
    EXPECT_EQ(dialogue.Said(), Command({"CLIENT", "SETNAME", "app"}));
    EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
    EXPECT_EQ(dialogue.Said(), Command({"SELECT", "2"}));
    EXPECT_EQ(dialogue.Answer(Ok()), Step::kDone);
    EXPECT_EQ(dialogue.handshake().protocol(), 2);
  }
}

TEST(Handshake, FallsBackAtOnceWhereThereIsNothingElseToSay) {
  Dialogue dialogue(Options{});
  dialogue.Begin();
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR unknown command `HELLO`")), Step::kDone);
  EXPECT_EQ(dialogue.handshake().protocol(), 2);
}

TEST(Handshake, Protocol2NeedsNoGreeting) {
  Dialogue dialogue(With([](Options& o) { o.protocol = 2; }));
  EXPECT_EQ(dialogue.Begin(), Step::kDone);
  EXPECT_EQ(dialogue.Said(), "");
  EXPECT_EQ(dialogue.handshake().protocol(), 2);
}

TEST(Handshake, Protocol2AuthenticatesWithTheUsersName) {
  Dialogue dialogue(With([](Options& o) {
    o.username = "ann";
    o.password = "secret";
    o.protocol = 2;
  }));
  EXPECT_EQ(dialogue.Begin(), Step::kWait);
  EXPECT_EQ(dialogue.Said(), Command({"AUTH", "ann", "secret"}));
  EXPECT_EQ(dialogue.Answer(Ok()), Step::kDone);
}

TEST(Handshake, AServerWithoutClientNamesStillServes) {
  Dialogue dialogue(With([](Options& o) {
    o.client_name = "app";
    o.protocol = 2;
  }));
  EXPECT_EQ(dialogue.Begin(), Step::kWait);
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR unknown command 'CLIENT'")), Step::kDone);
}

TEST(Handshake, ARefusedPasswordIsAnErrorOfItsOwn) {
  for (const char* refusal :
       {"NOAUTH HELLO must be called with the client already authenticated",
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOPERM this user has no permissions to run the 'hello' command", "ERR invalid password",
        "ERR Client sent AUTH, but no password is set",
        "ERR AUTH <password> called without any password configured for the default user."}) {
    Dialogue dialogue(With([](Options& o) {
      o.password = "wrong";
      o.protocol = 2;
    }));
    dialogue.Begin();
    EXPECT_EQ(dialogue.Answer(ErrorReply(refusal)), Step::kFailed);
    EXPECT_EQ(dialogue.handshake().error().code, ErrorCode::kAuth) << refusal;
    EXPECT_EQ(dialogue.handshake().error().message.find(refusal), 0u)
        << "the server's words come first";
  }
}

TEST(Handshake, ARefusedHelloIsNotTakenForAServerWithoutHello) {
  Dialogue dialogue(Options{});
  dialogue.Begin();
  EXPECT_EQ(dialogue.Answer(ErrorReply("NOAUTH HELLO must be called with ...")), Step::kFailed);
  EXPECT_EQ(dialogue.handshake().error().code, ErrorCode::kAuth);
}

TEST(Handshake, ARefusedDatabaseFails) {
  Dialogue dialogue(With([](Options& o) { o.db = 99; }));
  dialogue.Begin();
  dialogue.Answer(ServerInfo());
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR DB index is out of range")), Step::kFailed);
  EXPECT_EQ(dialogue.handshake().error().code, ErrorCode::kHandshake);
}

TEST(Handshake, AServerThatIsFullFails) {
  Dialogue dialogue(Options{});
  dialogue.Begin();
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR max number of clients reached")), Step::kFailed);
  EXPECT_EQ(dialogue.handshake().error().code, ErrorCode::kHandshake);
}

}  // namespace
}  // namespace sideloop::redis
