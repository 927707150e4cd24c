// Thread: any. The core's errors: a code with a stable name and a message that says what to do. No
// exception leaves the core; the binding hands these over and TypeScript builds the Error objects.
#pragma once

#include <cstdint>
#include <string>

namespace sideloop {

enum class ErrorCode : std::uint8_t {
  kOk,
  // The loop.
  kStopped,    // The loop was stopped; its deadline passed first.
  kDestroyed,  // The loop was destroyed.
  kCancelled,  // Whoever asked lost interest.
  // The connection.
  kReply,           // The server answered with an error; the message is its text.
  kResolve,         // The host name did not resolve.
  kRefused,         // Nothing listens there.
  kConnect,         // Connecting failed in another way.
  kConnectTimeout,  // No connection, or no handshake, within the deadline.
  kAuth,            // The handshake was refused: NOAUTH, WRONGPASS, NOPERM.
  kHandshake,       // The handshake failed in another way.
  kUnavailable,     // The server has no room for the connection now.
  kDisconnected,    // The connection went down while the command was in flight or waiting.
  kSilent,          // Nothing arrived within the silence deadline.
  kProtocol,        // What arrived is not RESP, or is beyond a limit.
  kCommandTimeout,  // No reply within the command's deadline.
  kClosed,          // The client was closed by its owner.
  kRepliesFull,     // Its JS thread has not taken too many bytes of replies.
  // The way back to JS.
  kDelivery,  // A defect here: what came back could not be read.
  // A consumer.
  kGroupLost,  // Its group was not there any more.
  kAckedKept,  // What it acked was not deleted: others may need it.
};

// The code's name in JS, without the ERR_SIDELOOP_ in front.
constexpr const char* NameOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kOk:
      return "OK";
    case ErrorCode::kStopped:
      return "STOPPED";
    case ErrorCode::kDestroyed:
      return "DESTROYED";
    case ErrorCode::kCancelled:
      return "CANCELLED";
    case ErrorCode::kReply:
      return "REDIS_REPLY";
    case ErrorCode::kResolve:
      return "REDIS_RESOLVE";
    case ErrorCode::kRefused:
      return "REDIS_REFUSED";
    case ErrorCode::kConnect:
      return "REDIS_CONNECT";
    case ErrorCode::kConnectTimeout:
      return "REDIS_CONNECT_TIMEOUT";
    case ErrorCode::kAuth:
      return "REDIS_AUTH";
    case ErrorCode::kHandshake:
      return "REDIS_HANDSHAKE";
    case ErrorCode::kUnavailable:
      return "REDIS_UNAVAILABLE";
    case ErrorCode::kDisconnected:
      return "REDIS_DISCONNECTED";
    case ErrorCode::kSilent:
      return "REDIS_SILENT";
    case ErrorCode::kProtocol:
      return "REDIS_PROTOCOL";
    case ErrorCode::kCommandTimeout:
      return "REDIS_COMMAND_TIMEOUT";
    case ErrorCode::kClosed:
      return "REDIS_CLOSED";
    case ErrorCode::kRepliesFull:
      return "REDIS_REPLIES_FULL";
    case ErrorCode::kDelivery:
      return "DELIVERY";
    case ErrorCode::kAckedKept:
      return "ACKED_KEPT";
    case ErrorCode::kGroupLost:
      return "GROUP_LOST";
  }
  return "UNKNOWN";
}

struct Error {
  ErrorCode code = ErrorCode::kOk;
  std::string message;  // a sentence without its full stop, so that another can be added
  // True where the server may have executed the command although no reply arrived.
  bool may_have_run = false;

  explicit operator bool() const { return code != ErrorCode::kOk; }
};

}  // namespace sideloop
