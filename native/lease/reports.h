// Thread: loop. What JS is told of its leases: one array for each message, the kind first.
// lib/lease/lease-service.ts reads them.
// Owns: the messages that were not passed on yet.
// Ends: with its service.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/annotations.h"
#include "cross/message_writer.h"
#include "cross/outbox.h"
#include "lease/lease_stats.h"

namespace sideloop::lease {

// Why a lease is over, by its number in JS.
enum class EndReason : std::uint8_t {
  kLost,
  kExpired,
  kMaxLease,
  kJsBlocked,
  kReleased,
  kLoopStopped,
};

class Reports {
 public:
  Reports(std::shared_ptr<Outbox> outbox, std::uint32_t target)
      : writer_(std::move(outbox), target) {}

  // [0, id, token]
  ON_LOOP void Granted(std::int64_t id, std::int64_t token) {
    Begin(kGranted, id, 3);
    delivery().AddInteger(token);
  }

  // [1, id, code, message, figure]: there will be no lease. The figure is ms or waiters, by the
  // code; the message is empty where the code says it all.
  ON_LOOP void Refused(std::int64_t id, std::string_view code, std::string_view message,
                       std::int64_t figure) {
    Begin(kRefused, id, 5);
    delivery().AddText(Delivery::Kind::kAscii, code);
    delivery().AddText(Delivery::Kind::kUtf8, message);
    delivery().AddInteger(figure);
  }

  // [2, id, reason, ns of the loop's clock, 1 where a release ended it, renewals, failed, late, the
  // server's words where it refused the release]
  ON_LOOP void Ended(std::int64_t id, EndReason reason, std::uint64_t at, bool by_release,
                     const LeaseCell& cell, std::string_view refusal = {}) {
    Begin(kEnded, id, 9);
    delivery().AddInteger(static_cast<std::int64_t>(reason));
    delivery().AddInteger(static_cast<std::int64_t>(at));
    delivery().AddInteger(by_release ? 1 : 0);
    delivery().AddInteger(ToInteger(cell.renewals));
    delivery().AddInteger(ToInteger(cell.failed));
    delivery().AddInteger(ToInteger(cell.late));
    delivery().AddText(Delivery::Kind::kUtf8, refusal);
  }

  ON_LOOP void Commit() { writer_.Commit(); }

 private:
  enum Kind : std::uint8_t { kGranted, kRefused, kEnded };

  static std::int64_t ToInteger(std::uint64_t n) { return static_cast<std::int64_t>(n); }

  ON_LOOP Delivery& delivery() { return writer_.delivery(); }
  ON_LOOP void Begin(Kind kind, std::int64_t id, std::int64_t length) {
    delivery().AddArray(length);
    delivery().AddInteger(kind);
    delivery().AddInteger(id);
  }

  MessageWriter writer_;
};

}  // namespace sideloop::lease
