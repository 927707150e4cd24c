// Thread: any. What crosses between lib/net and the loop: words of 32 bits, and bytes beside them.
// lib/net/wire.ts says the same in TypeScript.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/chunk.h"

namespace sideloop::net {

// A socket or a listener, for both sides. JS gives out even ids and the loop odd ones. The loop's
// kClosed is the last report about an id. An even one is free again when JS has read that; an odd
// one when JS has answered it with kForget, behind all that it had staged before.
using Id = std::int32_t;

// Of nothing that can be opened. kClosed of it is the last report of all: the loop has ended.
constexpr Id kTableId = 0;

// The first word of every command and report: the id, and in its lower bits what is said of it.
constexpr int kKindBits = 4;
constexpr std::int32_t HeadOf(Id id, int kind) { return (id << kKindBits) | kind; }

// From JS. Behind the head come the words named here; texts and bytes lie in the batch's bytes, in
// the order of the commands.
enum class Command : std::uint8_t {
  kWrite = 1,      // bytes
  kAcknowledge,    // bytes that JS has read, or connections it has taken; begins to read
  kShutdown,       //
  kClose,          // 1: with a reset, else 0
  kForget,         //
  kConnect,        // flags, port, deadline ms, ms to an attempt, bytes of host, local port, bytes
                   // of local host
  kListen,         // flags, port, backlog, most connections, bytes of host
  kNoDelay,        // 0 or 1
  kKeepAlive,      // 0 or 1, seconds of silence before the first probe
  kTimeout,        // ms, 0: none
  kMaxConnections  // connections, -1: no limit
};

// Of kConnect and kListen. The family is 4, 6, or 0 for both.
constexpr std::int32_t kFamilyMask = 7;
constexpr std::int32_t kIsPath = 8;
// kConnect: the host is a list of addresses, with commas between.
constexpr std::int32_t kIsList = 16;
// kConnect and kListen: reading begins with the first kAcknowledge.
constexpr std::int32_t kPaused = 32;
constexpr std::int32_t kIpv6Only = 64;
constexpr std::int32_t kReadableAll = 128;
constexpr std::int32_t kWritableAll = 256;
constexpr std::int32_t kOnlyFirst = 512;

// To JS: an array of an Int32Array of reports, and the items that they speak of. Small data and
// texts lie one after the other in an item that many reports share, a slab; large data are an item
// of their own.
enum class Report : std::uint8_t {
  kSlab = 0,   // (id 0) what follows lies in the next item
  kData,       // bytes of the slab
  kLarge,      // all of the next item
  kEnd,        // the peer has sent all
  kWritten,    // bytes that the kernel took
  kFinished,   // all is written and shut down
  kError,      // errno, call, port or -1, bytes of the address in the slab
  kClosed,     // 0: as asked, 1: the loop was stopped, 2: it was destroyed; 1: something was lost
  kConnected,  // an endpoint of ours, then the peer's: family, port, bytes of the address
  kAccepted,   // the new id; endpoints as above
  kDropped,    // endpoints as above: there were kMaxConnections
  kListening,  // an endpoint
  kTimedOut,   // nothing came or went for so long
  kLookup,     // errno or 0, family, bytes of the address
  kAttempt     // errno of an attempt that failed, port, bytes of the address
};

// The call that failed, in kError.
enum class Call : std::uint8_t {
  kRead,
  kWrite,
  kShutdown,
  kConnect,
  kGetaddrinfo,
  kListen,
  kAccept,
  kBind
};

// What one turn of JS has to say.
struct CommandBatch {
  std::vector<std::int32_t> words;
  Chunk bytes;
};

}  // namespace sideloop::net
