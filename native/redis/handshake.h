// Thread: any one at a time. What a client says first on a new connection, without I/O:
//   HELLO 3 [AUTH user pass] [SETNAME name]     -> ok: SELECT, done
//      not known (Redis < 6) or protocol 2      -> AUTH, CLIENT SETNAME, SELECT
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "redis/options.h"
#include "resp/reply.h"

namespace sideloop::redis {

class Handshake {
 public:
  enum class Step : std::uint8_t { kWait, kDone, kFailed };

  explicit Handshake(const Options& options) : options_(options) {}

  // Appends the first command, where there is one. kDone where the server needs no greeting.
  Step Begin(ByteBuffer& out);

  // Takes the reply to the last command, and appends the next.
  Step OnReply(const resp::Reply& reply, ByteBuffer& out);

  // After kFailed.
  const Error& error() const { return error_; }
  // 3 or 2, after kDone.
  int protocol() const { return protocol_; }

 private:
  enum class Stage : std::uint8_t { kHello, kAuth, kSetName, kSelect, kDone };

  Step Advance(Stage next, ByteBuffer& out);
  Step Fail(const std::string& reply);

  const Options& options_;
  Stage stage_ = Stage::kHello;
  int protocol_ = 2;
  Error error_;
};

}  // namespace sideloop::redis
