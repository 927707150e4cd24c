// What a client says first, against every answer that servers of all ages give. A failure here
// means a connection that never gets ready, or one that is ready as the wrong user or on the wrong
// database.
#include "redis/handshake.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "resp/encoder.h"

namespace sideloop::redis {
namespace {

using Step = Handshake::Step;

resp::Reply Ok() { return {resp::Reply::Kind::kText, 0, "OK", {}}; }
resp::Reply ErrorReply(const char* text) { return {resp::Reply::Kind::kError, 0, text, {}}; }
resp::Reply Pong() { return {resp::Reply::Kind::kText, 0, "PONG", {}}; }
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

  void Begin() { handshake_.Begin(out_); }
  Step Answer(const resp::Reply& reply) {
    EXPECT_EQ(step_, Step::kWait) << "nobody waits for an answer";
    return step_ = handshake_.OnReply(reply, out_);
  }
  // Takes up what was put off.
  void Repeat() {
    EXPECT_EQ(step_, Step::kLater);
    step_ = Step::kWait;
    handshake_.Repeat(out_);
  }
  // Answers the PING that ends every greeting.
  Step AnswerPing(const resp::Reply& reply = Pong()) {
    EXPECT_EQ(Said(), Command({"PING"}));
    return Answer(reply);
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

TEST(Handshake, SaysHelloAndPingAndIsDone) {
  Dialogue dialogue(Options{});
  dialogue.Begin();
  EXPECT_EQ(dialogue.Said(), Command({"HELLO", "3"}));
  EXPECT_EQ(dialogue.Answer(ServerInfo()), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
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
  EXPECT_EQ(dialogue.Answer(ServerInfo()), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
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
  EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
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
    EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
    EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
    EXPECT_EQ(dialogue.handshake().protocol(), 2);
  }
}

TEST(Handshake, FallsBackAtOnceWhereThereIsNothingElseToSay) {
  Dialogue dialogue(Options{});
  dialogue.Begin();
  dialogue.Said();
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR unknown command `HELLO`")), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
  EXPECT_EQ(dialogue.handshake().protocol(), 2);
}

TEST(Handshake, AServerIsGreetedEvenWhereThereIsNothingElseToSay) {
  Dialogue dialogue(With([](Options& o) { o.protocol = 2; }));
  dialogue.Begin();
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
  EXPECT_EQ(dialogue.handshake().protocol(), 2);
}

TEST(Handshake, Protocol2AuthenticatesWithTheUsersName) {
  Dialogue dialogue(With([](Options& o) {
    o.username = "ann";
    o.password = "secret";
    o.protocol = 2;
  }));
  dialogue.Begin();
  EXPECT_EQ(dialogue.Said(), Command({"AUTH", "ann", "secret"}));
  EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
}

TEST(Handshake, AServerWithoutClientNamesStillServes) {
  Dialogue dialogue(With([](Options& o) {
    o.client_name = "app";
    o.protocol = 2;
  }));
  dialogue.Begin();
  dialogue.Said();
  EXPECT_EQ(dialogue.Answer(ErrorReply("ERR unknown command 'CLIENT'")), Step::kWait);
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
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

// The words that are added are no server's: a password among them is no reason to hide one.
TEST(Handshake, ARefusalSaysTheSameWhateverThePasswordIs) {
  for (const char* password :
       {"password", "user", "username", "server", "handshake", "e", "(the"}) {
    for (const int protocol : {2, 3}) {
      Dialogue dialogue(With([&](Options& o) {
        o.password = password;
        o.protocol = protocol;
      }));
      dialogue.Begin();
      dialogue.Answer(ErrorReply("WRONGPASS invalid username-password pair or user is disabled."));
      EXPECT_EQ(dialogue.handshake().error().message,
                "WRONGPASS invalid username-password pair or user is disabled. (the server refused "
                "the handshake: check username and password)");
    }
  }
}

TEST(Handshake, ARefusalThatRepeatsThePasswordHidesIt) {
  Dialogue dialogue(With([](Options& o) {
    o.password = "s3cr3t";
    o.protocol = 2;
  }));
  dialogue.Begin();
  dialogue.Answer(ErrorReply("ERR max number of clients reached by s3cr3t"));
  EXPECT_EQ(dialogue.handshake().error().message,
            "ERR max number of clients reached *** (the server has no room for this connection: "
            "close some, or raise its maxclients)");
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

// The line comes before the server hangs up, whatever the client said first.
TEST(Handshake, AServerThatIsFullFailsTheConnectionAtAnyStage) {
  for (const char* refusal : {"ERR max number of clients reached",
                              "ERR max number of clients + cluster connections reached"}) {
    for (const int protocol : {2, 3}) {
      for (const bool named : {false, true}) {
        Dialogue dialogue(With([&](Options& o) {
          o.protocol = protocol;
          if (named) o.client_name = "app";
        }));
        dialogue.Begin();
        EXPECT_EQ(dialogue.Answer(ErrorReply(refusal)), Step::kFailed);
        EXPECT_EQ(dialogue.handshake().error().code, ErrorCode::kUnavailable);
      }
    }
  }
}

TEST(Handshake, AServerThatServesNobodyYetIsAskedAgain) {
  for (const char* refusal : {"LOADING Redis is loading the dataset in memory",
                              "MASTERDOWN Link with MASTER is down and replica-serve-stale-data"}) {
    Dialogue dialogue(Options{});
    dialogue.Begin();
    dialogue.Said();
    dialogue.Answer(ServerInfo());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(dialogue.AnswerPing(ErrorReply(refusal)), Step::kLater);
      EXPECT_EQ(dialogue.Said(), "");
      dialogue.Repeat();
    }
    EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
    EXPECT_EQ(dialogue.handshake().protocol(), 3);
  }
}

TEST(Handshake, WithoutAReadyCheckAServerThatLoadsIsAsGoodAsAny) {
  for (const char* refusal : {"LOADING Redis is loading", "MASTERDOWN Link with MASTER is down"}) {
    Dialogue dialogue(With([](Options& o) { o.ready_check = false; }));
    dialogue.Begin();
    dialogue.Said();
    dialogue.Answer(ServerInfo());
    EXPECT_EQ(dialogue.AnswerPing(ErrorReply(refusal)), Step::kDone);
  }
}

// Commands hear it for themselves: SCRIPT KILL, for one, is what a busy server needs.
TEST(Handshake, AServerThatTakesSomeCommandsIsReady) {
  for (const char* refusal :
       {"BUSY Redis is busy running a script", "MISCONF Errors writing to the AOF file",
        "CLUSTERDOWN The cluster is down", "NOREPLICAS Not enough good replicas to write",
        "NOPERM this user has no permissions to run the 'ping' command",
        "ERR unknown command 'PING'", "READONLY You can't write against a read only replica"}) {
    Dialogue dialogue(Options{});
    dialogue.Begin();
    dialogue.Said();
    dialogue.Answer(ServerInfo());
    EXPECT_EQ(dialogue.AnswerPing(ErrorReply(refusal)), Step::kDone) << refusal;
  }
}

TEST(Handshake, APingThatIsRefusedOtherwiseFailsTheConnection) {
  for (const auto& [refusal, code] :
       {std::pair{"NOAUTH Authentication required.", ErrorCode::kAuth},
        {"DENIED Redis is running in protected mode", ErrorCode::kHandshake},
        {"ERR upstream failure", ErrorCode::kHandshake}}) {
    Dialogue dialogue(With([](Options& o) { o.protocol = 2; }));
    dialogue.Begin();
    EXPECT_EQ(dialogue.AnswerPing(ErrorReply(refusal)), Step::kFailed) << refusal;
    EXPECT_EQ(dialogue.handshake().error().code, code);
  }
}

// A database can't be selected while a script runs: nothing may go to another one meanwhile.
TEST(Handshake, WhateverIsPutOffIsSaidAgainBeforeWhatFollows) {
  Dialogue dialogue(With([](Options& o) {
    o.protocol = 2;
    o.password = "secret";
    o.db = 4;
  }));
  dialogue.Begin();
  for (const auto& command : {Command({"AUTH", "secret"}), Command({"SELECT", "4"})}) {
    for (const char* refusal : {"BUSY Redis is busy", "LOADING Redis is loading"}) {
      EXPECT_EQ(dialogue.Said(), command);
      EXPECT_EQ(dialogue.Answer(ErrorReply(refusal)), Step::kLater);
      dialogue.Repeat();
    }
    EXPECT_EQ(dialogue.Said(), command);
    EXPECT_EQ(dialogue.Answer(Ok()), Step::kWait);
  }
  EXPECT_EQ(dialogue.AnswerPing(), Step::kDone);
}

}  // namespace
}  // namespace sideloop::redis
