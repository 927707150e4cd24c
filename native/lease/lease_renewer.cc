#include "lease/lease_renewer.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/renewal_command.h"
#include "lease/retry_pause.h"

namespace sideloop::lease {

LeaseRenewer::LeaseRenewer(Loop& loop, redis::Connection& connection, Outbox& js,
                           LeaseHolder& holder, LeaseStats& stats)
    : loop_(loop),
      connection_(connection),
      js_(js),
      holder_(holder),
      stats_(stats),
      backoff_(RetryPause::kLeastMs, RetryPause::kLongestMs, RetryPause::SeedOf(this)),
      timer_(
          loop,
          [this] {
            loop_.AssertOnLoop();
            OnTimer();
          },
          timers::DeadlineTimer::Precision::kBestAwakeOrAsleep) {}

LeaseRenewer::~LeaseRenewer() {
  for (Command* command : under_way_) command->Orphan();
  for (const Lease& lease : leases_) {
    if (lease.live) lease.cell->valid_until = 0;
  }
  stats_.held -= size_;
}

// Rule 1.
std::uint64_t LeaseRenewer::WindowEnd(std::uint64_t from, std::uint64_t ttl_ms) {
  const std::uint64_t ttl = ToNs(ttl_ms);
  const std::uint64_t margin = ttl / 100 + 2 * kNsPerMs;
  return from + (ttl > margin ? ttl - margin : 0);
}

// ---- What the holder says ----

Slot LeaseRenewer::Add(const Terms& terms, std::uint64_t granted_at, LeaseCell& cell) {
  assert(terms.renew_every_ms > 0 && terms.renew_every_ms < terms.ttl_ms);
  Slot slot = static_cast<Slot>(leases_.size());
  if (free_.empty()) {
    leases_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Lease& lease = leases_[slot];
  lease = {};
  lease.live = true;
  lease.serial = ++serial_;
  lease.ttl_ms = terms.ttl_ms;
  lease.every = ToNs(terms.renew_every_ms);
  lease.timeout = ToNs(terms.renew_timeout_ms);
  lease.max_end = terms.max_lease_ms ? granted_at + ToNs(*terms.max_lease_ms) : kNever;
  lease.max_block = terms.max_block_ms ? ToNs(*terms.max_block_ms) : 0;
  // Requires: the grant was for no longer than its bound either.
  lease.bounded = terms.max_lease_ms && *terms.max_lease_ms <= terms.ttl_ms;
  const std::uint64_t granted_ms =
      std::min(terms.ttl_ms, terms.max_lease_ms.value_or(terms.ttl_ms));
  lease.valid_until = WindowEnd(granted_at, granted_ms);
  lease.next_renewal = granted_at + lease.every;
  lease.watched_from = Loop::Now();
  lease.next_look = lease.max_block > 0 ? LeaseClock::Now() + lease.max_block / 4 : kNever;
  lease.cell = &cell;
  cell.valid_until = lease.valid_until;
  PlanRenewal(lease);
  ++size_;
  ++stats_.held;
  Schedule(slot);
  Arm();
  return slot;
}

void LeaseRenewer::Leave(Slot slot) { leases_[slot].leaving = true; }

void LeaseRenewer::Stay(Slot slot) { leases_[slot].leaving = false; }

void LeaseRenewer::Remove(Slot slot) {
  Forget(slot);
  Arm();
}

void LeaseRenewer::Extend(Slot slot, std::uint64_t ms) {
  Lease& lease = leases_[slot];
  if (lease.max_end == kNever) return;
  const std::uint64_t now = LeaseClock::Now();
  lease.max_end = std::max(lease.max_end, now + ToNs(ms));
  // The last renewal was cut to the old bound.
  if (std::exchange(lease.bounded, false)) lease.next_renewal = now;
  Schedule(slot);
  Arm();
}

void LeaseRenewer::OnConnectionReady() {
  if (!paused_) RenewAll();
}

void LeaseRenewer::Resume() {
  if (std::exchange(paused_, false)) RenewAll();
}

// Rule 7.
void LeaseRenewer::RenewAll() {
  const std::uint64_t now = LeaseClock::Now();
  for (Slot slot = 0; slot < leases_.size(); ++slot) {
    Lease& lease = leases_[slot];
    if (!lease.live || lease.next_renewal == kNever) continue;
    lease.next_renewal = std::min(lease.next_renewal, now);
    Schedule(slot);
  }
  Arm();
}

// ---- The timer ----

void LeaseRenewer::OnTimer() {
  const std::uint64_t now = LeaseClock::Now();
  armed_for_ = kNever;
  attending_ = true;
  SettleLate(now);
  while (!heap_.empty()) {
    const Slot slot = heap_.top().slot;
    const Lease& lease = leases_[slot];
    // What is due soon goes along, if it is a renewal: so leases come to share their commands.
    const bool soon = lease.next_renewal <= now + lease.every / 8;
    if (heap_.top().due > now && (!soon || heap_.top().due < lease.next_renewal)) break;
    heap_.Pop();
    Attend(slot, now);
  }
  SendCommands();
  attending_ = false;
  Arm();
}

void LeaseRenewer::Attend(Slot slot, std::uint64_t now) {
  const std::uint32_t serial = leases_[slot].serial;
  EndIfOver(slot, now);
  if (Holds(slot, serial)) LookForLife(slot, now);
  if (!Holds(slot, serial)) return;
  RenewIfDue(slot, now);
  Schedule(slot);
}

void LeaseRenewer::EndIfOver(Slot slot, std::uint64_t now) {
  Lease& lease = leases_[slot];
  if (lease.max_end <= now) return End(slot, LeaseEnd::kMaxLease);
  if (lease.valid_until > now) {
    lease.closing = false;
    return;
  }
  // Rule 6: deadlines go before what else a pass has to read, so an answer may be there unread.
  if (lease.unanswered > 0) {
    if (!std::exchange(lease.closing, true)) lease.seen_closing_at = loop_.passes();
    if (loop_.passes() < lease.seen_closing_at + 2) return;
  }
  End(slot, lease.bounded ? LeaseEnd::kMaxLease : LeaseEnd::kExpired);
}

void LeaseRenewer::LookForLife(Slot slot, std::uint64_t now) {
  Lease& lease = leases_[slot];
  if (lease.next_look > now) return;
  // A thread that was idle before has not been asked since it was last seen. It can't have shown
  // itself while the machine slept: that is no time of this clock.
  const std::uint64_t seen_at = std::max(js_.LastSeen(), lease.watched_from);
  const std::uint64_t blocked_at = seen_at + lease.max_block;
  const std::uint64_t loop_now = Loop::Now();
  if (blocked_at <= loop_now) return End(slot, LeaseEnd::kJsBlocked);
  js_.AskForLife();
  lease.next_look = now + std::min(lease.max_block / 4, blocked_at - loop_now);
}

void LeaseRenewer::RenewIfDue(Slot slot, std::uint64_t now) {
  Lease& lease = leases_[slot];
  if (lease.next_renewal > now + lease.every / 8) return;
  const std::uint64_t due_at = std::exchange(lease.next_renewal, now + lease.every);
  const bool is_up = connection_.state() == redis::Connection::State::kReady;
  const std::uint64_t left_ms =
      lease.max_end == kNever ? lease.ttl_ms : (lease.max_end - now) / kNsPerMs;
  // Rule 5.
  const std::uint64_t ttl_ms = std::min(lease.ttl_ms, left_ms);
  if (ttl_ms == 0) return;
  if (!is_up || paused_ || lease.unanswered >= kMaxUnanswered) return CountFailed(slot);
  stats_.jitter.Record(now > due_at ? now - due_at : 0);
  due_.push_back({slot, lease.serial, ttl_ms});
}

void LeaseRenewer::SendCommands() {
  if (due_.empty()) return;
  std::vector<Due> due = std::exchange(due_, {});
  // When one ends its holder may remove others, and knows nothing of them then.
  std::erase_if(due, [this](const Due& one) {
    loop_.AssertOnLoop();
    return !Holds(one.slot, one.serial);
  });
  std::stable_sort(due.begin(), due.end(), [this](const Due& a, const Due& b) {
    loop_.AssertOnLoop();
    return holder_.GroupOf(a.slot) < holder_.GroupOf(b.slot);
  });
  for (std::size_t first = 0; first < due.size();) {
    const std::uint32_t group = holder_.GroupOf(due[first].slot);
    std::size_t end = first + 1;
    while (end < due.size() && end - first < kMostInCommand &&
           holder_.GroupOf(due[end].slot) == group) {
      ++end;
    }
    SendCommand(group, std::span(due).subspan(first, end - first));
    first = end;
  }
  due.clear();
  due_.swap(due);
}

void LeaseRenewer::SendCommand(std::uint32_t group, std::span<const Due> due) {
  std::vector<Due> held;
  std::vector<Renewal> renewals;
  std::uint64_t timeout = kNever;
  for (const Due& one : due) {
    // Failing one command may have ended leases of the next.
    if (!Holds(one.slot, one.serial)) continue;
    held.push_back(one);
    renewals.push_back({one.slot, one.ttl_ms});
    Lease& lease = leases_[one.slot];
    ++lease.unanswered;
    timeout = std::min(timeout, lease.timeout);
  }
  if (held.empty()) return;
  const std::vector<std::string> words = holder_.RenewalOf(group, renewals);
  const std::vector<std::string_view> arguments(words.begin(), words.end());
  ++stats_.commands;
  const std::uint64_t now = LeaseClock::Now();
  auto* command = new Command(*this, group, std::move(held), now, now + timeout);
  under_way_.push_back(command);
  // It may be answered, and gone, within this call.
  connection_.Send(arguments, *command);
}

// ---- The records ----

void LeaseRenewer::End(Slot slot, LeaseEnd why) {
  if (why == LeaseEnd::kExpired) ++stats_.expired;
  Forget(slot);
  holder_.OnLeaseEnd(slot, why);
}

void LeaseRenewer::Forget(Slot slot) {
  Lease& lease = leases_[slot];
  assert(lease.live);
  lease.live = false;
  lease.cell->valid_until = 0;
  lease.cell = nullptr;
  heap_.Erase(slot);
  free_.push_back(slot);
  --size_;
  stats_.held -= 1;
}

// Rule 5: where the server holds it to the bound, there is nothing left to renew.
void LeaseRenewer::PlanRenewal(Lease& lease) {
  if (lease.bounded) lease.next_renewal = kNever;
}

void LeaseRenewer::Schedule(Slot slot) {
  const Lease& lease = leases_[slot];
  std::uint64_t due = std::min({lease.next_renewal, lease.valid_until, lease.max_end});
  // The second look comes a moment later, when the sockets have been read.
  if (lease.closing) due = std::max(due, LeaseClock::Now() + kNsPerMs);
  heap_.Set({std::min(due, lease.next_look), slot, lease.serial});
}

// Has the timer run for the next lease or the next late command.
void LeaseRenewer::Arm() {
  if (attending_) return;
  std::uint64_t due = heap_.empty() ? kNever : heap_.top().due;
  for (const Command* command : under_way_) {
    if (!command->late) due = std::min(due, command->deadline);
  }
  // One that fires too early finds nothing to do: that is cheaper than to set it for every lease.
  if (due >= armed_for_) return;
  armed_for_ = due;
  const std::uint64_t now = LeaseClock::Now();
  timer_.StartAt(Loop::Now() + (due > now ? due - now : 0));
}

}  // namespace sideloop::lease
