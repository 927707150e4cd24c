// The life of a service. lease_service_acquire.cc has the way of an acquisition to its grant, lease_service_hold.cc
// the one from there to its end.
#include "lease/lease_service.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/acquire_command.h"
#include "lease/release_command.h"

namespace sideloop::lease {

namespace {

Error Closed() { return {ErrorCode::kClosed, "The client was closed: make a new one"}; }

Error Stopped() {
  return {ErrorCode::kStopped, "The loop was stopped: acquire the lease on another one"};
}

// A connection that is silent for so long is replaced while there is still time to renew on the
// next one: the last renewal may have been sent a third of the ttl after the one before it.
std::uint64_t SilenceOf(std::uint64_t ttl_ms) {
  constexpr std::uint64_t kLeastMs = 1000;
  return std::max(ttl_ms / 2, kLeastMs);
}

}  // namespace

LeaseService::LeaseService(Loop& loop, const redis::Options& options, std::string name,
                           std::shared_ptr<Outbox> js, std::uint32_t target, LeaseStats& stats,
                           std::function<void()> on_idle)
    : loop_(loop),
      options_(options),
      name_(std::move(name)),
      channel_("sideloop:wake:" + name_),
      js_(std::move(js)),
      reports_(js_, target),
      stats_(stats),
      on_idle_(std::move(on_idle)),
      backoff_(RetryPause::kLeastMs, RetryPause::kLongestMs, RetryPause::SeedOf(this)) {}

// Invariant: it has no handle open, and nobody holds a pointer to it.
LeaseService::~LeaseService() {
  assert(connection_ == nullptr && acquisitions_.empty() && releases_.empty());
}

bool LeaseService::Open(std::uint64_t ttl_ms) {
  if (state_ == State::kOpen) {
    connection_->get().BoundSilence(SilenceOf(ttl_ms));
    return true;
  }
  assert(state_ == State::kIdle);
  Resource& resource = *this;
  if (!loop_.TryAdd(resource)) return false;
  redis::Options options = DedicatedOptions(options_, SilenceOf(ttl_ms));
  if (!options.client_name.empty()) options.client_name += ":lease";
  state_ = State::kOpen;
  DedicatedConnection::Owner& owner = *this;
  connection_ =
      DedicatedConnection::Open(loop_, options, DedicatedConnection::Use::kCommands, owner);
  if (connection_ == nullptr) {
    loop_.Remove(*this);
    state_ = State::kIdle;
    return false;
  }
  LeaseHolder& holder = *this;
  renewer_ = std::make_unique<LeaseRenewer>(loop_, connection_->get(), *js_, holder, stats_);
  linger_ = std::make_unique<Timer>(loop_, [this] {
    loop_.AssertOnLoop();
    OnLinger();
  });
  pause_ = std::make_unique<RetryPause>(loop_, ttl_ms, [this] {
    loop_.AssertOnLoop();
    SendAgain();
  });
  return true;
}

void LeaseService::Acquire(AcquireRequest request, std::shared_ptr<LeaseCell> cell) {
  const std::int64_t id = request.id;
  Error refusal = closed_because_;
  if (!refusal && loop_.stopping()) refusal = Stopped();
  if (!refusal && !Open(request.terms.ttl_ms)) refusal = loop_.close_reason();
  if (refusal) {
    reports_.Refused(id, NameOf(refusal.code), refusal.message, 0);
    Tell();
    return;
  }
  const auto [place, is_new] = acquisitions_.try_emplace(id, std::move(request), std::move(cell));
  assert(is_new);
  Acquisition& acquisition = place->second;
  acquisition.name = name_ + "-" + std::to_string(id);
  acquisition.waiter = channel_ + "|" + std::to_string(id);
  if (acquisition.request.for_ms) {
    acquisition.give_up_at = Loop::Now() + ToNs(*acquisition.request.for_ms);
    SetTimer(acquisition);
  }
  Ask(acquisition);
}

void LeaseService::Cancel(std::int64_t id) {
  Acquisition* const acquisition = Find(id);
  if (acquisition == nullptr || acquisition->state == Acquisition::State::kLeaving) return;
  if (acquisition->state == Acquisition::State::kHeld) return Release(id);
  SendRelease(*acquisition);
  Erase(*acquisition);
}

void LeaseService::Close() {
  if (closed_because_) return;
  closed_because_ = Closed();
  if (state_ == State::kIdle) {
    state_ = State::kClosed;
    return;
  }
  state_ = State::kClosing;
  GiveBackAll(EndReason::kReleased, closed_because_);
  if (!connection_->is_ready()) OnDown(closed_because_, 0);
  RestIfIdle();
}

// ---- Its connection ----

void LeaseService::OnReady() {
  renewer_->OnConnectionReady();
  AskAllWaiting();
}

void LeaseService::OnDown(const Error&, std::uint32_t) {
  if (state_ != State::kClosing) return;
  // It does not wait for a server that is not there: leases end there by themselves.
  ForgetReleases();
  while (!acquisitions_.empty()) {
    Acquisition& acquisition = acquisitions_.begin()->second;
    renewer_->Remove(acquisition.slot);
    End(acquisition, EndReason::kReleased, false);
  }
  RestIfIdle();
}

void LeaseService::OnEnded(const Error& why) {
  const Error& reason = loop_.close_reason();
  CloseBecause(reason ? reason : why);
}

// ---- The end ----

// A stop has begun when this is first asked: everything is given back, and the stop waits for the
// server to know. Where the server is not there, leases end by themselves; what is asked already
// waits for it, as other commands do, and is given back then.
bool LeaseService::Busy() {
  if (connection_->is_ready() && AnyAcquired()) {
    GiveBackAll(EndReason::kLoopStopped, Stopped());
    // Nothing is flushed any more before the loop sleeps.
    connection_->get().Flush();
    reports_.Commit();
  }
  return AnyRelease();
}

bool LeaseService::AnyAcquired() const {
  return std::any_of(acquisitions_.begin(), acquisitions_.end(), [](const auto& entry) {
    return entry.second.state != Acquisition::State::kLeaving;
  });
}

void LeaseService::CloseBecause(const Error& why) {
  if (state_ == State::kClosed) return;
  closed_because_ = why;
  while (!acquisitions_.empty()) {
    Acquisition& acquisition = acquisitions_.begin()->second;
    if (acquisition.state < Acquisition::State::kHeld) {
      reports_.Refused(acquisition.id(), NameOf(why.code), why.message, 0);
      Erase(acquisition);
    } else {
      renewer_->Remove(acquisition.slot);
      End(acquisition, EndReason::kLoopStopped, false);
    }
  }
  state_ = State::kClosing;
  GoIdle();
}

void LeaseService::GiveBackAll(EndReason reason, const Error& refusal) {
  for (auto next = acquisitions_.begin(); next != acquisitions_.end();) {
    Acquisition& acquisition = (next++)->second;
    if (acquisition.state == Acquisition::State::kLeaving) continue;
    if (acquisition.state != Acquisition::State::kHeld) {
      Refuse(acquisition, refusal);
      continue;
    }
    renewer_->Remove(acquisition.slot);
    SendRelease(acquisition);
    End(acquisition, reason, false);
  }
}

// The connections are kept for a while: whoever releases a lease may soon acquire the next.
void LeaseService::RestIfIdle() {
  if (state_ == State::kClosing) {
    if (acquisitions_.empty() && !AnyRelease()) linger_->Start(0);
    return;
  }
  if (acquisitions_.empty()) idle_since_ = Loop::Now();
  if ((acquisitions_.empty() || turns_ != nullptr) && !linger_->active()) linger_->Start(kLingerMs);
}

// It was started when there may have been nothing to do; there may have been something since.
void LeaseService::OnLinger() {
  const std::uint64_t now = Loop::Now();
  const auto is_past = [now](std::uint64_t since) { return now >= since + ToNs(kLingerMs); };
  const bool turns_rest = turns_ != nullptr && !AnyWaiting();
  if (turns_rest && is_past(waited_at_)) turns_.reset();
  if (acquisitions_.empty() && !AnyRelease() &&
      (state_ == State::kClosing || is_past(idle_since_))) {
    return GoIdle();
  }
  if (acquisitions_.empty() || (turns_rest && turns_ != nullptr)) linger_->Start(kLingerMs);
}

void LeaseService::GoIdle() {
  ForgetReleases();
  linger_.reset();
  pause_.reset();
  turns_.reset();
  renewer_.reset();
  if (connection_->is_ready() && !loop_.close_reason()) {
    connection_->Quit();
  } else {
    connection_->Close();
  }
  connection_.reset();
  loop_.Remove(*this);
  reports_.Commit();
  state_ = state_ == State::kClosing ? State::kClosed : State::kIdle;
  on_idle_();
}

// ---- Claims ----

Acquisition* LeaseService::Find(std::int64_t id) {
  const auto found = acquisitions_.find(id);
  return found == acquisitions_.end() ? nullptr : &found->second;
}

void LeaseService::Erase(Acquisition& acquisition) {
  if (acquisition.command != nullptr) acquisition.command->Orphan();
  acquisitions_.erase(acquisition.id());
  RestIfIdle();
}

void LeaseService::Tell() {
  if (is_open()) {
    loop_.FlushLater(*this);
  } else {
    reports_.Commit();
  }
}

}  // namespace sideloop::lease
