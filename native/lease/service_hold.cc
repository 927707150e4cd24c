// The way of a lease from its grant to its end.
#include <algorithm>
#include <string>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/goodbye.h"
#include "lease/lease_scripts.h"
#include "lease/question.h"
#include "lease/service.h"
#include "resp/refusal.h"

namespace sideloop::lease {

namespace {

EndReason ReasonOf(LeaseEnd why) {
  switch (why) {
    case LeaseEnd::kLost:
      return EndReason::kLost;
    case LeaseEnd::kExpired:
      return EndReason::kExpired;
    case LeaseEnd::kMaxLease:
      return EndReason::kMaxLease;
    case LeaseEnd::kJsBlocked:
      return EndReason::kJsBlocked;
  }
  return EndReason::kLost;
}

}  // namespace

void Service::Hold(Claim& claim, std::int64_t token, std::uint64_t asked_at) {
  claim.stage = Claim::Stage::kHeld;
  claim.timer.reset();
  claim.token = std::to_string(token);
  claim.slot = keeper_->Add(claim.wish.terms, asked_at, *claim.cell);
  if (by_slot_.size() <= claim.slot) by_slot_.resize(claim.slot + 1);
  by_slot_[claim.slot] = &claim;
  reports_.Granted(claim.id(), token);
  Tell();
  RestIfIdle();
}

void Service::Release(std::int64_t id) {
  Claim* const claim = Find(id);
  if (claim == nullptr || claim->stage != Claim::Stage::kHeld) return;
  claim->stage = Claim::Stage::kLeaving;
  keeper_->Leave(claim->slot);
  SayGoodbye(*claim);
}

void Service::Extend(std::int64_t id, std::uint64_t ms) {
  Claim* const claim = Find(id);
  if (claim != nullptr && claim->stage == Claim::Stage::kHeld) keeper_->Extend(claim->slot, ms);
}

// Of one that the keeper does not hold any more.
void Service::End(Claim& claim, EndReason reason, bool by_release, std::string_view refusal) {
  reports_.Ended(claim.id(), reason, Loop::Now(), by_release, *claim.cell, refusal);
  Tell();
  Erase(claim);
}

std::vector<std::string> Service::RenewalOf(std::uint32_t, std::span<const Renewal> renewals) {
  std::vector<std::string> command = {"EVAL", std::string(scripts::kRenew),
                                      std::to_string(2 * renewals.size())};
  command.reserve(3 + 5 * renewals.size());
  for (const Renewal& renewal : renewals) {
    command.push_back(by_slot_[renewal.slot]->wish.keys.lease);
  }
  for (const Renewal& renewal : renewals) {
    command.push_back(by_slot_[renewal.slot]->wish.keys.fence);
  }
  for (const Renewal& renewal : renewals) {
    const Claim& claim = *by_slot_[renewal.slot];
    command.push_back(claim.name + ":" + claim.token);
    command.push_back(std::to_string(renewal.ttl_ms));
    command.push_back(FenceMsOf(claim.wish));
  }
  return command;
}

void Service::OnLeaseEnd(Slot slot, LeaseEnd why) { End(*by_slot_[slot], ReasonOf(why), false); }

// ---- Giving back ----

// Rule 4.
void Service::SayGoodbye(const Claim& claim) {
  const bool is_awaited = claim.stage == Claim::Stage::kLeaving;
  Send(new Goodbye(*this, {.keys = claim.wish.keys,
                           .name = claim.name,
                           .waiter = claim.wish.waits ? claim.waiter : std::string(),
                           .claim = is_awaited ? claim.id() : 0,
                           .until = LeaseClock::Now() + ToNs(claim.wish.terms.ttl_ms)}));
}

void Service::Send(Goodbye* goodbye) {
  const Goodbye::Words& words = goodbye->words;
  const std::string turn = std::to_string(kTurnMs);
  const std::string_view command[] = {"EVAL",           scripts::kLeave,  "3",
                                      words.keys.lease, words.keys.queue, words.keys.turn,
                                      words.name,       words.waiter,     turn};
  goodbyes_.push_back(goodbye);
  // It may be answered within this call.
  connection_->get().Send(command, *goodbye);
}

void Service::OnGoodbye(const Goodbye& goodbye, const resp::Reply& reply) {
  // Rule 6. While somebody waits for it, its window bounds the repeats.
  const bool is_not_now = reply.is_error() && resp::RefusalOf(reply.text) == resp::Refusal::kNotNow;
  const bool is_awaited = Find(goodbye.words.claim) != nullptr;
  if (is_not_now && (is_awaited || goodbye.words.until > LeaseClock::Now())) {
    unsaid_.push_back(goodbye.words);
    return pause_->Begin();
  }
  if (!reply.is_error()) pause_->Reset();
  Claim* const claim = Find(goodbye.words.claim);
  if (claim != nullptr) {
    keeper_->Remove(claim->slot);
    if (reply.is_error()) {
      End(*claim, EndReason::kReleased, false, reply.text);
    } else if (reply.integer == 1 || goodbye.words.may_have_run) {
      End(*claim, EndReason::kReleased, true);
    } else {
      End(*claim, EndReason::kLost, false);
    }
  }
  RestIfIdle();
}

void Service::OnNoGoodbye(const Goodbye& goodbye, const Error& error) {
  const bool is_over = error.code == ErrorCode::kClosed || error.code == ErrorCode::kStopped ||
                       error.code == ErrorCode::kDestroyed;
  const bool is_awaited = Find(goodbye.words.claim) != nullptr;
  // While somebody waits for it, its window bounds the repeats.
  if (is_over || state_ != State::kOpen || (!is_awaited && goodbye.words.repeats >= kMostRepeats)) {
    return RestIfIdle();
  }
  Goodbye::Words words = goodbye.words;
  ++words.repeats;
  words.may_have_run |= error.may_have_run;
  Send(new Goodbye(*this, std::move(words)));
}

void Service::SendAgain() {
  for (Goodbye::Words& words : std::exchange(unsaid_, {})) {
    Send(new Goodbye(*this, std::move(words)));
  }
  // Those for whom nobody waits any more may have been the last.
  RestIfIdle();
}

void Service::ForgetGoodbyes() {
  for (Goodbye* goodbye : std::exchange(goodbyes_, {})) goodbye->Orphan();
  unsaid_.clear();
}

}  // namespace sideloop::lease
