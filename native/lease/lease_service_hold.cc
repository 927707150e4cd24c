// The way of a lease from its grant to its end.
#include <algorithm>
#include <string>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/acquire_command.h"
#include "lease/lease_scripts.h"
#include "lease/lease_service.h"
#include "lease/release_command.h"
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

void LeaseService::Hold(Acquisition& acquisition, std::int64_t token, std::uint64_t asked_at) {
  acquisition.state = Acquisition::State::kHeld;
  acquisition.timer.reset();
  acquisition.token = std::to_string(token);
  acquisition.slot = renewer_->Add(acquisition.request.terms, asked_at, *acquisition.cell);
  if (by_slot_.size() <= acquisition.slot) by_slot_.resize(acquisition.slot + 1);
  by_slot_[acquisition.slot] = &acquisition;
  reports_.Granted(acquisition.id(), token);
  Tell();
  RestIfIdle();
}

void LeaseService::Release(std::int64_t id) {
  Acquisition* const acquisition = Find(id);
  if (acquisition == nullptr || acquisition->state != Acquisition::State::kHeld) return;
  acquisition->state = Acquisition::State::kLeaving;
  renewer_->Leave(acquisition->slot);
  SendRelease(*acquisition);
}

void LeaseService::Extend(std::int64_t id, std::uint64_t ms) {
  Acquisition* const acquisition = Find(id);
  if (acquisition != nullptr && acquisition->state == Acquisition::State::kHeld)
    renewer_->Extend(acquisition->slot, ms);
}

// Of one that the renewer does not hold any more.
void LeaseService::End(Acquisition& acquisition, EndReason reason, bool by_release,
                       std::string_view refusal) {
  reports_.Ended(acquisition.id(), reason, Loop::Now(), by_release, *acquisition.cell, refusal);
  Tell();
  Erase(acquisition);
}

std::vector<std::string> LeaseService::RenewalOf(std::uint32_t, std::span<const Renewal> renewals) {
  std::vector<std::string> command = {"EVAL", std::string(scripts::kRenew),
                                      std::to_string(2 * renewals.size())};
  command.reserve(3 + 5 * renewals.size());
  for (const Renewal& renewal : renewals) {
    command.push_back(by_slot_[renewal.slot]->request.keys.lease);
  }
  for (const Renewal& renewal : renewals) {
    command.push_back(by_slot_[renewal.slot]->request.keys.fence);
  }
  for (const Renewal& renewal : renewals) {
    const Acquisition& acquisition = *by_slot_[renewal.slot];
    command.push_back(acquisition.name + ":" + acquisition.token);
    command.push_back(std::to_string(renewal.ttl_ms));
    command.push_back(FenceMsOf(acquisition.request));
  }
  return command;
}

void LeaseService::OnLeaseEnd(Slot slot, LeaseEnd why) {
  End(*by_slot_[slot], ReasonOf(why), false);
}

// ---- Giving back ----

// Rule 4.
void LeaseService::SendRelease(const Acquisition& acquisition) {
  const bool is_awaited = acquisition.state == Acquisition::State::kLeaving;
  Send(new ReleaseCommand(*this,
                          {.keys = acquisition.request.keys,
                           .name = acquisition.name,
                           .waiter = acquisition.request.waits ? acquisition.waiter : std::string(),
                           .acquisition = is_awaited ? acquisition.id() : 0,
                           .until = LeaseClock::Now() + ToNs(acquisition.request.terms.ttl_ms)}));
}

void LeaseService::Send(ReleaseCommand* release) {
  const ReleaseRequest& request = release->request;
  const std::string turn = std::to_string(kTurnMs);
  const std::string_view command[] = {
      "EVAL",       scripts::kLeave, "3", request.keys.lease, request.keys.queue, request.keys.turn,
      request.name, request.waiter,  turn};
  releases_.push_back(release);
  // It may be answered within this call.
  connection_->get().Send(command, *release);
}

void LeaseService::OnReleaseReply(const ReleaseCommand& release, const resp::Reply& reply) {
  // Rule 6. While somebody waits for it, its window bounds the repeats.
  const bool is_not_now = reply.is_error() && resp::RefusalOf(reply.text) == resp::Refusal::kNotNow;
  const bool is_awaited = Find(release.request.acquisition) != nullptr;
  if (is_not_now && (is_awaited || release.request.until > LeaseClock::Now())) {
    unsent_releases_.push_back(release.request);
    return pause_->Begin();
  }
  if (!reply.is_error()) pause_->Reset();
  Acquisition* const acquisition = Find(release.request.acquisition);
  if (acquisition != nullptr) {
    renewer_->Remove(acquisition->slot);
    if (reply.is_error()) {
      End(*acquisition, EndReason::kReleased, false, reply.text);
    } else if (reply.integer == 1 || release.request.may_have_run) {
      End(*acquisition, EndReason::kReleased, true);
    } else {
      End(*acquisition, EndReason::kLost, false);
    }
  }
  RestIfIdle();
}

void LeaseService::OnReleaseFailure(const ReleaseCommand& release, const Error& error) {
  const bool is_over = error.code == ErrorCode::kClosed || error.code == ErrorCode::kStopped ||
                       error.code == ErrorCode::kDestroyed;
  const bool is_awaited = Find(release.request.acquisition) != nullptr;
  // While somebody waits for it, its window bounds the repeats.
  if (is_over || state_ != State::kOpen ||
      (!is_awaited && release.request.repeats >= kMostRepeats)) {
    return RestIfIdle();
  }
  ReleaseRequest request = release.request;
  ++request.repeats;
  request.may_have_run |= error.may_have_run;
  Send(new ReleaseCommand(*this, std::move(request)));
}

void LeaseService::SendAgain() {
  for (ReleaseRequest& request : std::exchange(unsent_releases_, {})) {
    Send(new ReleaseCommand(*this, std::move(request)));
  }
  // Those for whom nobody waits any more may have been the last.
  RestIfIdle();
}

void LeaseService::ForgetReleases() {
  for (ReleaseCommand* release : std::exchange(releases_, {})) release->Orphan();
  unsent_releases_.clear();
}

}  // namespace sideloop::lease
