// What becomes of renewals: lease_renewer.cc sends them.
#include <algorithm>
#include <cstdint>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/lease_renewer.h"
#include "lease/renewal_command.h"

namespace sideloop::lease {

namespace {

// Whether it is an array of so many ones and zeros: nothing else says that a lease is not ours.
bool Answers(const resp::Reply& reply, std::size_t renewals) {
  using Kind = resp::Reply::Kind;
  const auto& parts = reply.elements;
  return reply.kind == Kind::kArray && parts.size() == renewals &&
         std::all_of(parts.begin(), parts.end(), [](const resp::Reply& part) {
           return part.kind == Kind::kInteger && (part.integer == 0 || part.integer == 1);
         });
}

}  // namespace

void LeaseRenewer::OnAnswer(Command& command, const resp::Reply& reply) {
  if (!Answers(reply, command.renewals.size())) {
    if (reply.is_error()) holder_.OnRenewalAnswer(command.group, reply.text);
    OnNoAnswer(command);
    return;
  }
  holder_.OnRenewalAnswer(command.group, {});
  backoff_.Reset();
  Answered(command);
  for (std::size_t i = 0; i < command.renewals.size(); ++i) {
    const auto [slot, serial, ttl_ms] = command.renewals[i];
    if (!Holds(slot, serial)) continue;
    if (reply.elements[i].integer == 1) {
      Accept(slot, command.sent_at, ttl_ms);
    } else if (!leases_[slot].leaving) {
      ++stats_.refused;
      End(slot, LeaseEnd::kLost);
    }
  }
  Arm();
}

// Rule 2. The server can't for now, or says what nobody has asked.
void LeaseRenewer::OnNoAnswer(Command& command) {
  const std::uint64_t pause = ToNs(backoff_.NextDelay());
  const std::uint64_t now = LeaseClock::Now();
  for (const auto& [slot, serial, ttl_ms] : command.renewals) {
    if (!Holds(slot, serial) || leases_[slot].next_renewal == kNever) continue;
    Lease& lease = leases_[slot];
    lease.next_renewal = std::min(lease.next_renewal, now + std::min(pause, lease.every / 2));
    Schedule(slot);
  }
  OnFailure(command);
}

// Rule 2.
void LeaseRenewer::OnFailure(Command& command) {
  Answered(command);
  for (const auto& [slot, serial, ttl_ms] : command.renewals) {
    if (Holds(slot, serial)) CountFailed(slot);
  }
  Arm();
}

void LeaseRenewer::Answered(Command& command) {
  std::erase(under_way_, &command);
  for (const auto& [slot, serial, ttl_ms] : command.renewals) {
    if (Holds(slot, serial)) --leases_[slot].unanswered;
  }
}

// Commands were sent in order, but each has the deadline of the lease in it that waits least.
void LeaseRenewer::SettleLate(std::uint64_t now) {
  for (Command* command : under_way_) {
    if (command->late || command->deadline > now) continue;
    command->late = true;
    for (const auto& [slot, serial, ttl_ms] : command->renewals) {
      if (!Holds(slot, serial)) continue;
      ++leases_[slot].cell->late;
      ++stats_.late;
    }
  }
}

// Rules 1 and 3.
void LeaseRenewer::Accept(Slot slot, std::uint64_t sent_at, std::uint64_t ttl_ms) {
  Lease& lease = leases_[slot];
  ++lease.cell->renewals;
  ++stats_.accepted;
  // A ttl is cut to whole milliseconds.
  const bool bounded = sent_at + ttl_ms * kNsPerMs + kNsPerMs >= lease.max_end;
  if (!bounded && ttl_ms < lease.ttl_ms) {
    // It was cut to a bound that has been moved since: the server may let go before the next one.
    lease.next_renewal = LeaseClock::Now();
    Schedule(slot);
  }
  const std::uint64_t end = std::min(WindowEnd(sent_at, ttl_ms), lease.max_end);
  if (end <= lease.valid_until) return;
  lease.bounded = bounded;
  lease.valid_until = end;
  lease.cell->valid_until = end;
  PlanRenewal(lease);
  Schedule(slot);
}

void LeaseRenewer::CountFailed(Slot slot) {
  ++leases_[slot].cell->failed;
  ++stats_.failed;
}

}  // namespace sideloop::lease
