// Thread: any one at a time. What a client says first on a new connection, without I/O:
//   HELLO 3 [AUTH user pass] [SETNAME name]     -> ok: SELECT, PING, done
//      not known (Redis < 6) or protocol 2      -> AUTH, CLIENT SETNAME, SELECT, PING, done
// There is always something to say, so that a line that a server says of itself before it hangs up
// answers the greeting and no command. The PING is refused by a server that can't serve yet, where
// HELLO is not.
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
  enum class Step : std::uint8_t {
    kWait,   // for the reply to what was appended
    kLater,  // the server can't now: Repeat() after a pause
    kDone,
    kFailed,
  };

  explicit Handshake(const Options& options) : options_(options) {}

  // Appends the first command.
  void Begin(ByteBuffer& out);

  // Takes the reply to the last command, and appends the next.
  Step OnReply(const resp::Reply& reply, ByteBuffer& out);

  // After kDone: the server is to be asked once more whether it serves, by Repeat().
  void AskAgain() { stage_ = Stage::kPing; }

  // After kLater: appends the command that was put off.
  void Repeat(ByteBuffer& out) { Say(stage_, out); }

  // After kFailed, and of the answer after kLater.
  const Error& error() const { return error_; }
  // 3 or 2, after kDone.
  int protocol() const { return protocol_; }

 private:
  enum class Stage : std::uint8_t { kHello, kAuth, kSetName, kSelect, kPing, kDone };

  bool Says(Stage stage) const;
  void Say(Stage stage, ByteBuffer& out) const;
  Step Advance(Stage next, ByteBuffer& out);
  Step OnRefusal(const std::string& error, ByteBuffer& out);
  bool IsServed(const std::string& error) const;
  std::string Said(const std::string& error) const;
  Step Fail(const std::string& error);

  const Options& options_;
  Stage stage_ = Stage::kHello;
  int protocol_ = 2;
  Error error_;
};

}  // namespace sideloop::redis
