// Thread: loop. Keeps leases alive that a server has granted: renews them in batches, knows for
// how long each is certain, and ends it when it is not.
// Owns: a record of each lease, the timer. A command under way is owned by the connection, and
// knows its renewer only while that lives.
// Ends: its owner destroys it, in CloseBecause at the latest. Leases that are left end unheard of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/backoff.h"
#include "base/deadline_heap.h"
#include "base/error.h"
#include "cross/outbox.h"
#include "lease/lease_stats.h"
#include "loop/loop.h"
#include "redis/connection.h"
#include "resp/reply.h"
#include "timers/deadline_timer.h"

namespace sideloop::lease {

// Times are in ms; an absent one means: no bound.
struct Terms {
  std::uint64_t ttl_ms = 30'000;          // how long the server holds it without a renewal
  std::uint64_t renew_every_ms = 10'000;  // less than ttl_ms
  std::uint64_t renew_timeout_ms = 10'000;
  std::optional<std::uint64_t> max_lease_ms = std::nullopt;  // from the grant, whoever renews
  // Without a sign of the JS thread, from Add on.
  std::optional<std::uint64_t> max_block_ms = std::nullopt;
};

enum class LeaseEnd : std::uint8_t {
  kLost,       // the server says that it is not ours
  kExpired,    // no renewal was accepted in time
  kMaxLease,   // max_lease_ms are over
  kJsBlocked,  // max_block_ms are over
};

// A lease, by its number in the renewer. Numbers are used again.
using Slot = std::uint32_t;

struct Renewal {
  Slot slot;
  std::uint64_t ttl_ms;  // less than that of its terms where max_lease_ms ends it before
};

// What the leases are leases on. None of these may destroy the renewer.
class LeaseHolder {
 public:
  // Leases of different groups go in different commands.
  ON_LOOP virtual std::uint32_t GroupOf(Slot slot) {
    (void)slot;
    return 0;
  }
  // The command that renews all of these, of one group. Its reply is an array of integers: 1 for
  // each that was ours and is renewed, 0 for each that is not ours and was left alone.
  ON_LOOP virtual std::vector<std::string> RenewalOf(std::uint32_t group,
                                                     std::span<const Renewal> renewals) = 0;
  // The server has answered such a command. `refusal` has its words where that was an error.
  ON_LOOP virtual void OnRenewalAnswer(std::uint32_t group, std::string_view refusal) {
    (void)group;
    (void)refusal;
  }
  // The renewer has ended a lease, and forgets its slot.
  ON_LOOP virtual void OnLeaseEnd(Slot slot, LeaseEnd why) = 0;

 protected:
  ~LeaseHolder() = default;
};

// The rules, each of which a test holds to:
//   1. A lease is certain until the sending of its last accepted renewal (or of what granted it)
//      plus its ttl, less a margin for clocks that do not run alike: a hundredth and 2 ms, as
//      Redlock has it (redis.io, "Distributed Locks with Redis"). The clock is LeaseClock, which
//      runs on while the process is stopped and while the machine sleeps.
//   2. A renewal that fails, or is late, is no loss: the next one goes out when it is due, and the
//      window decides. One that the server answers by an error, which says nothing about the lease,
//      is sent again sooner than that, after a pause. One that is refused is a loss.
//   3. A renewal that is answered late has been accepted all the same, as of its sending.
//   4. After Leave a refusal is no loss: the release has been there first.
//   5. Nothing outlives max_lease_ms, at the server either: the ttl is cut so as to end then, and
//      the window that closes with it ends the lease with kMaxLease.
//   6. A window is judged by what has arrived: where renewals are unanswered the sockets are read
//      once more before it counts as closed.
//   7. While it is paused, or the connection is down, nothing is sent; when that is over, all is
//      renewed at once.
class LeaseRenewer {
 public:
  // Renewals in one command: a script holds up the server while it runs.
  static constexpr std::size_t kMostInCommand = 256;
  // Renewals of one lease that the server owes an answer: beyond it none is sent.
  static constexpr std::uint32_t kMaxUnanswered = 8;

  // Requires: all of them outlive the renewer. `js` is the way to the JS thread whose life
  // max_block_ms is about.
  ON_LOOP LeaseRenewer(Loop& loop, redis::Connection& connection, Outbox& js, LeaseHolder& holder,
                       LeaseStats& stats);
  ON_LOOP ~LeaseRenewer();
  LeaseRenewer(const LeaseRenewer&) = delete;
  LeaseRenewer& operator=(const LeaseRenewer&) = delete;

  // Keeps a lease from now on that was granted by a command sent at `granted_at` (ns, of
  // LeaseClock). `cell`
  // must outlive it. Where its window has closed already, it ends at once, behind this call.
  ON_LOOP Slot Add(const Terms& terms, std::uint64_t granted_at, LeaseCell& cell);
  // A release or an ack has been sent: rule 4. It is renewed until Remove.
  ON_LOOP void Leave(Slot slot);
  // It has come to nothing: a refusal is a loss again.
  ON_LOOP void Stay(Slot slot);
  // It is over, by its holder's doing: OnLeaseEnd does not come.
  ON_LOOP void Remove(Slot slot);
  // It may last until `ms` from now, if that is later than its bound.
  ON_LOOP void Extend(Slot slot, std::uint64_t ms);

  // Rule 7. The connection's owner tells of its being ready.
  ON_LOOP void OnConnectionReady();
  ON_LOOP void Pause() { paused_ = true; }
  ON_LOOP void Resume();

  ON_LOOP std::uint64_t valid_until(Slot slot) const { return leases_[slot].valid_until; }

  // The end of the window that opens at `from` (ns): rule 1.
  static std::uint64_t WindowEnd(std::uint64_t from, std::uint64_t ttl_ms);

 private:
  struct Lease {
    bool live = false;
    bool leaving = false;
    bool closing = false;               // its window was seen to be over once: rule 6
    std::uint64_t seen_closing_at = 0;  // in passes of the loop
    bool bounded = false;               // the server holds it to its bound: rule 5
    std::uint32_t serial = 0;
    std::uint32_t unanswered = 0;
    std::uint64_t ttl_ms = 0;
    std::uint64_t every = 0;  // ns, as all below
    std::uint64_t timeout = 0;
    std::uint64_t max_block = 0;  // 0: none
    std::uint64_t max_end = 0;    // kNever: none
    std::uint64_t valid_until = 0;
    std::uint64_t next_renewal = 0;  // kNever: it needs none
    std::uint64_t watched_from = 0;  // of the loop's clock; all others are of LeaseClock
    std::uint64_t next_look = 0;     // for a sign of the JS thread; kNever: never
    LeaseCell* cell = nullptr;
  };
  struct Due {
    Slot slot;
    std::uint32_t serial;
    std::uint64_t ttl_ms;
  };
  class Command;

  ON_LOOP void OnTimer();
  ON_LOOP void Attend(Slot slot, std::uint64_t now);
  ON_LOOP void EndIfOver(Slot slot, std::uint64_t now);
  ON_LOOP void LookForLife(Slot slot, std::uint64_t now);
  ON_LOOP void RenewIfDue(Slot slot, std::uint64_t now);
  ON_LOOP void RenewAll();
  ON_LOOP void SendCommands();
  ON_LOOP void SendCommand(std::uint32_t group, std::span<const Due> due);
  ON_LOOP void OnAnswer(Command& command, const resp::Reply& reply);
  ON_LOOP void OnFailure(Command& command);
  ON_LOOP void OnNoAnswer(Command& command);
  ON_LOOP void Answered(Command& command);
  ON_LOOP void SettleLate(std::uint64_t now);
  ON_LOOP void Accept(Slot slot, std::uint64_t sent_at, std::uint64_t ttl_ms);
  ON_LOOP void CountFailed(Slot slot);
  ON_LOOP void End(Slot slot, LeaseEnd why);
  ON_LOOP void Forget(Slot slot);
  ON_LOOP void PlanRenewal(Lease& lease);
  ON_LOOP void Schedule(Slot slot);
  ON_LOOP void Arm();
  ON_LOOP bool Holds(Slot slot, std::uint32_t serial) const {
    return leases_[slot].live && leases_[slot].serial == serial;
  }

  Loop& loop_;
  redis::Connection& connection_;
  Outbox& js_;
  LeaseHolder& holder_;
  LeaseStats& stats_;
  std::vector<Lease> leases_;  // by slot
  std::vector<Slot> free_;
  std::size_t size_ = 0;
  std::uint32_t serial_ = 0;
  DeadlineHeap heap_;
  std::vector<Due> due_;             // renewals of this pass
  std::vector<Command*> under_way_;  // in the order of sending
  Backoff backoff_;                  // of what the server answers by an error
  bool paused_ = false;
  bool attending_ = false;  // a pass is on the stack, and arms the timer at its end
  std::uint64_t armed_for_ = ~std::uint64_t{0};  // ns; when timer_ fires; kNever: it does not run
  timers::DeadlineTimer timer_;
};

}  // namespace sideloop::lease
