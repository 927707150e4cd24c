// The life of a service. service_ask.cc has the way of a claim to its grant, service_hold.cc the
// one from there to its end.
#include "lease/service.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/goodbye.h"
#include "lease/question.h"

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

Service::Service(Loop& loop, const redis::Options& options, std::string name,
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
Service::~Service() { assert(connection_ == nullptr && claims_.empty() && goodbyes_.empty()); }

bool Service::Open(std::uint64_t ttl_ms) {
  if (state_ == State::kOpen) {
    connection_->get().BoundSilence(SilenceOf(ttl_ms));
    return true;
  }
  assert(state_ == State::kIdle);
  Resource& resource = *this;
  if (!loop_.TryAdd(resource)) return false;
  redis::Options options = OwnOptions(options_, SilenceOf(ttl_ms));
  if (!options.client_name.empty()) options.client_name += ":lease";
  state_ = State::kOpen;
  OwnConnection::Owner& owner = *this;
  connection_ = OwnConnection::Open(loop_, options, OwnConnection::Use::kCommands, owner);
  if (connection_ == nullptr) {
    loop_.Remove(*this);
    state_ = State::kIdle;
    return false;
  }
  LeaseHolder& holder = *this;
  keeper_ = std::make_unique<Keeper>(loop_, connection_->get(), *js_, holder, stats_);
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

void Service::Acquire(Wish wish, std::shared_ptr<LeaseCell> cell) {
  const std::int64_t id = wish.id;
  Error refusal = closed_because_;
  if (!refusal && loop_.stopping()) refusal = Stopped();
  if (!refusal && !Open(wish.terms.ttl_ms)) refusal = loop_.close_reason();
  if (refusal) {
    reports_.Refused(id, NameOf(refusal.code), refusal.message, 0);
    Tell();
    return;
  }
  const auto [place, is_new] = claims_.try_emplace(id, std::move(wish), std::move(cell));
  assert(is_new);
  Claim& claim = place->second;
  claim.name = name_ + "-" + std::to_string(id);
  claim.waiter = channel_ + "|" + std::to_string(id);
  if (claim.wish.for_ms) {
    claim.give_up_at = Loop::Now() + ToNs(*claim.wish.for_ms);
    SetTimer(claim);
  }
  Ask(claim);
}

void Service::Cancel(std::int64_t id) {
  Claim* const claim = Find(id);
  if (claim == nullptr || claim->stage == Claim::Stage::kLeaving) return;
  if (claim->stage == Claim::Stage::kHeld) return Release(id);
  SayGoodbye(*claim);
  Erase(*claim);
}

void Service::Close() {
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

void Service::OnReady() {
  keeper_->OnConnectionReady();
  AskAllWaiting();
}

void Service::OnDown(const Error&, std::uint32_t) {
  if (state_ != State::kClosing) return;
  // It does not wait for a server that is not there: leases end there by themselves.
  ForgetGoodbyes();
  while (!claims_.empty()) {
    Claim& claim = claims_.begin()->second;
    keeper_->Remove(claim.slot);
    End(claim, EndReason::kReleased, false);
  }
  RestIfIdle();
}

void Service::OnEnded(const Error& why) {
  const Error& reason = loop_.close_reason();
  CloseBecause(reason ? reason : why);
}

// ---- The end ----

// A stop has begun when this is first asked: everything is given back, and the stop waits for the
// server to know. Where the server is not there, leases end by themselves; what is asked already
// waits for it, as other commands do, and is given back then.
bool Service::Busy() {
  if (connection_->is_ready() && AnyClaimed()) {
    GiveBackAll(EndReason::kLoopStopped, Stopped());
    // Nothing is flushed any more before the loop sleeps.
    connection_->get().Flush();
    reports_.Commit();
  }
  return AnyGoodbye();
}

bool Service::AnyClaimed() const {
  return std::any_of(claims_.begin(), claims_.end(), [](const auto& entry) {
    return entry.second.stage != Claim::Stage::kLeaving;
  });
}

void Service::CloseBecause(const Error& why) {
  if (state_ == State::kClosed) return;
  closed_because_ = why;
  while (!claims_.empty()) {
    Claim& claim = claims_.begin()->second;
    if (claim.stage < Claim::Stage::kHeld) {
      reports_.Refused(claim.id(), NameOf(why.code), why.message, 0);
      Erase(claim);
    } else {
      keeper_->Remove(claim.slot);
      End(claim, EndReason::kLoopStopped, false);
    }
  }
  state_ = State::kClosing;
  GoIdle();
}

void Service::GiveBackAll(EndReason reason, const Error& refusal) {
  for (auto next = claims_.begin(); next != claims_.end();) {
    Claim& claim = (next++)->second;
    if (claim.stage == Claim::Stage::kLeaving) continue;
    if (claim.stage != Claim::Stage::kHeld) {
      Refuse(claim, refusal);
      continue;
    }
    keeper_->Remove(claim.slot);
    SayGoodbye(claim);
    End(claim, reason, false);
  }
}

// The connections are kept for a while: whoever releases a lease may soon acquire the next.
void Service::RestIfIdle() {
  if (state_ == State::kClosing) {
    if (claims_.empty() && !AnyGoodbye()) linger_->Start(0);
    return;
  }
  if (claims_.empty()) idle_since_ = Loop::Now();
  if ((claims_.empty() || wakes_ != nullptr) && !linger_->active()) linger_->Start(kLingerMs);
}

// It was started when there may have been nothing to do; there may have been something since.
void Service::OnLinger() {
  const std::uint64_t now = Loop::Now();
  const auto is_past = [now](std::uint64_t since) { return now >= since + ToNs(kLingerMs); };
  const bool wakes_rest = wakes_ != nullptr && !AnyWaiting();
  if (wakes_rest && is_past(waited_at_)) wakes_.reset();
  if (claims_.empty() && !AnyGoodbye() && (state_ == State::kClosing || is_past(idle_since_))) {
    return GoIdle();
  }
  if (claims_.empty() || (wakes_rest && wakes_ != nullptr)) linger_->Start(kLingerMs);
}

void Service::GoIdle() {
  ForgetGoodbyes();
  linger_.reset();
  pause_.reset();
  wakes_.reset();
  keeper_.reset();
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

Claim* Service::Find(std::int64_t id) {
  const auto found = claims_.find(id);
  return found == claims_.end() ? nullptr : &found->second;
}

void Service::Erase(Claim& claim) {
  if (claim.question != nullptr) claim.question->Orphan();
  claims_.erase(claim.id());
  RestIfIdle();
}

void Service::Tell() {
  if (is_open()) {
    loop_.FlushLater(*this);
  } else {
    reports_.Commit();
  }
}

}  // namespace sideloop::lease
