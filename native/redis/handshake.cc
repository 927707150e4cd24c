#include "redis/handshake.h"

#include <string_view>
#include <vector>

#include "base/secret.h"
#include "resp/encoder.h"
#include "resp/refusal.h"

namespace sideloop::redis {

namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool MeansUnknown(std::string_view error) {
  return StartsWith(error, "ERR unknown command") || StartsWith(error, "ERR Unknown command");
}

// HELLO is from Redis 6. Older servers, and proxies, say that they do not know it; a newer one that
// was told to speak RESP2 only says NOPROTO.
bool MeansNoHello(std::string_view error) {
  return StartsWith(error, "NOPROTO") || MeansUnknown(error);
}

bool MeansNotAllowed(std::string_view error) {
  return StartsWith(error, "NOAUTH") || StartsWith(error, "WRONGPASS") ||
         StartsWith(error, "NOPERM") || StartsWith(error, "ERR invalid password") ||
         StartsWith(error, "ERR Client sent AUTH") || StartsWith(error, "ERR AUTH ");
}

}  // namespace

void Handshake::Begin(ByteBuffer& out) {
  Advance(options_.protocol == 3 ? Stage::kHello : Stage::kAuth, out);
}

Handshake::Step Handshake::OnReply(const resp::Reply& reply, ByteBuffer& out) {
  if (reply.is_error()) return OnRefusal(reply.text, out);
  if (stage_ == Stage::kDone) return Fail("a reply came after the handshake");
  if (stage_ == Stage::kHello) {
    protocol_ = 3;
    return Advance(Stage::kSelect, out);
  }
  return Advance(static_cast<Stage>(static_cast<int>(stage_) + 1), out);
}

Handshake::Step Handshake::OnRefusal(const std::string& error, ByteBuffer& out) {
  if (resp::IsFull(error)) {
    error_ = {ErrorCode::kUnavailable,
              Said(error) +
                  " (the server has no room for this connection: close some, or raise its "
                  "maxclients)"};
    return Step::kFailed;
  }
  if (stage_ == Stage::kHello && MeansNoHello(error)) return Advance(Stage::kAuth, out);
  if (stage_ == Stage::kPing && IsServed(error)) return Advance(Stage::kDone, out);
  if (resp::RefusalOf(error) == resp::Refusal::kNotNow) {
    error_ = {ErrorCode::kReply, error};
    return Step::kLater;
  }
  // A name is a convenience: a server that has no CLIENT SETNAME still serves.
  if (stage_ == Stage::kSetName) return Advance(Stage::kSelect, out);
  return Fail(error);
}

// Whether a server that says so to a PING takes commands: each of them will hear for itself what it
// may not do.
bool Handshake::IsServed(const std::string& error) const {
  if (resp::IsNotReady(error)) return !options_.ready_check;
  const resp::Refusal refusal = resp::RefusalOf(error);
  return refusal == resp::Refusal::kNotNow || refusal == resp::Refusal::kNotHere ||
         StartsWith(error, "NOPERM") || MeansUnknown(error);
}

// Says what stage `next` has to say, or goes on to the one after it.
Handshake::Step Handshake::Advance(Stage next, ByteBuffer& out) {
  while (!Says(next)) next = static_cast<Stage>(static_cast<int>(next) + 1);
  stage_ = next;
  if (next == Stage::kDone) return Step::kDone;
  Say(next, out);
  return Step::kWait;
}

bool Handshake::Says(Stage stage) const {
  switch (stage) {
    case Stage::kAuth:
      return !options_.password.empty();
    case Stage::kSetName:
      return !options_.client_name.empty();
    case Stage::kSelect:
      return options_.db != 0;
    case Stage::kHello:
    case Stage::kPing:
    case Stage::kDone:
      break;
  }
  return true;
}

void Handshake::Say(Stage stage, ByteBuffer& out) const {
  switch (stage) {
    case Stage::kHello: {
      std::vector<std::string_view> hello = {"HELLO", "3"};
      if (!options_.password.empty()) {
        std::string_view user = options_.username;
        if (user.empty()) user = "default";
        hello.insert(hello.end(), {"AUTH", user, options_.password});
      }
      if (!options_.client_name.empty()) {
        hello.insert(hello.end(), {"SETNAME", options_.client_name});
      }
      return resp::EncodeCommand(hello, out);
    }
    case Stage::kAuth:
      if (options_.username.empty()) {
        return resp::EncodeCommand({"AUTH", options_.password}, out);
      }
      return resp::EncodeCommand({"AUTH", options_.username, options_.password}, out);
    case Stage::kSetName:
      return resp::EncodeCommand({"CLIENT", "SETNAME", options_.client_name}, out);
    case Stage::kSelect:
      return resp::EncodeCommand({"SELECT", std::to_string(options_.db)}, out);
    case Stage::kPing:
      return resp::EncodeCommand({"PING"}, out);
    case Stage::kDone:
      break;
  }
}

// Before words are added that are no server's, in which any word may be the secret.
std::string Handshake::Said(const std::string& error) const {
  return WithoutSecret(error, options_.password);
}

Handshake::Step Handshake::Fail(const std::string& error) {
  if (MeansNotAllowed(error)) {
    error_ = {ErrorCode::kAuth,
              Said(error) + " (the server refused the handshake: check username and password)"};
  } else {
    error_ = {ErrorCode::kHandshake, Said(error) + " (the server refused the handshake)"};
  }
  return Step::kFailed;
}

}  // namespace sideloop::redis
