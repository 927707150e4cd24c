#include "redis/handshake.h"

#include <string_view>
#include <vector>

#include "resp/encoder.h"

namespace sideloop::redis {

namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// HELLO is from Redis 6. Older servers, and proxies, say that they do not know it; a newer one that
// was told to speak RESP2 only says NOPROTO.
bool MeansNoHello(std::string_view error) {
  return StartsWith(error, "NOPROTO") || StartsWith(error, "ERR unknown command") ||
         StartsWith(error, "ERR Unknown command");
}

bool MeansNotAllowed(std::string_view error) {
  return StartsWith(error, "NOAUTH") || StartsWith(error, "WRONGPASS") ||
         StartsWith(error, "NOPERM") || StartsWith(error, "ERR invalid password") ||
         StartsWith(error, "ERR Client sent AUTH") || StartsWith(error, "ERR AUTH ");
}

}  // namespace

Handshake::Step Handshake::Begin(ByteBuffer& out) {
  return Advance(options_.protocol == 3 ? Stage::kHello : Stage::kAuth, out);
}

Handshake::Step Handshake::OnReply(const resp::Reply& reply, ByteBuffer& out) {
  switch (stage_) {
    case Stage::kHello:
      if (!reply.is_error()) {
        protocol_ = 3;
        return Advance(Stage::kSelect, out);
      }
      if (MeansNoHello(reply.text)) return Advance(Stage::kAuth, out);
      return Fail(reply.text);
    case Stage::kAuth:
      if (reply.is_error()) return Fail(reply.text);
      return Advance(Stage::kSetName, out);
    case Stage::kSetName:
      // A name is a convenience: a server that has no CLIENT SETNAME still serves.
      return Advance(Stage::kSelect, out);
    case Stage::kSelect:
      if (reply.is_error()) return Fail(reply.text);
      return Advance(Stage::kDone, out);
    case Stage::kDone:
      break;
  }
  return Fail("a reply came after the handshake");
}

// Sends what stage `next` has to say, or goes on to the one after it.
Handshake::Step Handshake::Advance(Stage next, ByteBuffer& out) {
  stage_ = next;
  switch (next) {
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
      resp::EncodeCommand(hello, out);
      return Step::kWait;
    }
    case Stage::kAuth:
      if (options_.password.empty()) return Advance(Stage::kSetName, out);
      if (options_.username.empty()) {
        resp::EncodeCommand({"AUTH", options_.password}, out);
      } else {
        resp::EncodeCommand({"AUTH", options_.username, options_.password}, out);
      }
      return Step::kWait;
    case Stage::kSetName:
      if (options_.client_name.empty()) return Advance(Stage::kSelect, out);
      resp::EncodeCommand({"CLIENT", "SETNAME", options_.client_name}, out);
      return Step::kWait;
    case Stage::kSelect:
      if (options_.db == 0) return Advance(Stage::kDone, out);
      resp::EncodeCommand({"SELECT", std::to_string(options_.db)}, out);
      return Step::kWait;
    case Stage::kDone:
      break;
  }
  return Step::kDone;
}

Handshake::Step Handshake::Fail(const std::string& reply) {
  if (MeansNotAllowed(reply)) {
    error_ = {ErrorCode::kAuth,
              reply + " (the server refused the handshake: check username and password)"};
  } else {
    error_ = {ErrorCode::kHandshake, reply + " (the server refused the handshake)"};
  }
  return Step::kFailed;
}

}  // namespace sideloop::redis
