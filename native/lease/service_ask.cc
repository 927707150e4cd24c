// The way of a claim from the asking to the grant, or to being refused.
#include <algorithm>
#include <string>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/lease_scripts.h"
#include "lease/question.h"
#include "lease/service.h"
#include "resp/refusal.h"

namespace sideloop::lease {

namespace {

// What the server is told: nothing outlasts the bound there either.
std::uint64_t FirstTtlOf(const Terms& terms) {
  return std::min(terms.ttl_ms, terms.max_lease_ms.value_or(terms.ttl_ms));
}

// The connection has gone: the next one may fare better. Only who waits has the time to find out
// whether a server that says nothing will say something.
bool IsWorthRepeating(const Error& error, bool waits) {
  if (!error.may_have_run) return false;
  switch (error.code) {
    case ErrorCode::kSilent:
      return waits;
    case ErrorCode::kClosed:
    case ErrorCode::kStopped:
    case ErrorCode::kDestroyed:
      return false;
    default:
      return true;
  }
}

}  // namespace

void Service::Ask(Claim& claim) {
  const Wish& wish = claim.wish;
  claim.stage = Claim::Stage::kAsking;
  claim.ask_again = false;
  claim.ask_at = kNever;
  // Rule 3.
  const bool listed = wish.waits && wakes_ != nullptr && wakes_->subscribed();
  claim.listed |= listed;
  claim.asks_for_place = listed;
  if (listed) waited_at_ = Loop::Now();
  const std::string ttl = std::to_string(FirstTtlOf(wish.terms));
  const std::string most = std::to_string(wish.most_waiters);
  const std::string turn = std::to_string(kTurnMs);
  const std::string longest = std::to_string(kLongestWaitMs);
  const std::string fence_ms = FenceMsOf(wish);
  const std::string_view command[] = {"EVAL",
                                      scripts::kAcquire,
                                      "4",
                                      wish.keys.lease,
                                      wish.keys.fence,
                                      wish.keys.queue,
                                      wish.keys.turn,
                                      claim.name,
                                      ttl,
                                      listed ? std::string_view(claim.waiter) : "",
                                      most,
                                      turn,
                                      longest,
                                      fence_ms};
  claim.question = new Claim::Question(*this, claim);
  // It may be answered, and the claim gone, within this call.
  connection_->get().Send(command, *claim.question);
}

void Service::OnAnswer(Claim& claim, const resp::Reply& reply, std::uint64_t asked_at) {
  if (reply.is_error()) return OnRefusal(claim, reply.text);
  const auto& values = reply.elements;
  claim.lost = 0;
  backoff_.Reset();
  switch (values.size() < 2 ? -1 : values[0].integer) {
    case 0:
      if (claim.asks_for_place) break;
      return OnHeld(claim, values[1].integer);
    case 1:
      return OnGranted(claim, values[1].integer, asked_at);
    case 2:
      if (!claim.asks_for_place) break;
      return OnQueued(claim, values.size() > 2 ? values[2].integer : 0);
    case 3:
      claim.listed = false;
      return Refuse(claim, "LEASE_QUEUE_FULL", "", values[1].integer);
    default:
      break;
  }
  Refuse(claim, "REDIS_PROTOCOL", "The server's answer is not that of the script", 0);
}

// Rule 1.
void Service::OnGranted(Claim& claim, std::int64_t token, std::uint64_t asked_at) {
  claim.listed = false;
  if (Keeper::WindowEnd(asked_at, FirstTtlOf(claim.wish.terms)) > LeaseClock::Now()) {
    return Hold(claim, token, asked_at);
  }
  if (++claim.late <= kMostRepeats) return Ask(claim);
  SayGoodbye(claim);
  Refuse(claim, "LEASE_LATE", "", static_cast<std::int64_t>(FirstTtlOf(claim.wish.terms)));
}

void Service::OnHeld(Claim& claim, std::int64_t left_ms) {
  if (!claim.wish.waits) return Refuse(claim, "LEASE_HELD", "", left_ms);
  if (wakes_ == nullptr) {
    WakeListener& listener = *this;
    wakes_ = std::make_unique<Wakes>(loop_, options_, channel_, listener);
  }
  // It may have come to hear since it asked.
  if (wakes_->subscribed()) return Ask(claim);
  claim.stage = Claim::Stage::kListening;
}

void Service::OnQueued(Claim& claim, std::int64_t ask_in_ms) {
  if (claim.ask_again) return Ask(claim);
  claim.stage = Claim::Stage::kWaiting;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(ask_in_ms, 0));
  // The server's clock counts whole milliseconds: a moment later it is over there.
  AskAt(claim, Loop::Now() + (std::min(ms, kLongestWaitMs) + 1) * kNsPerMs);
}

void Service::OnRefusal(Claim& claim, const std::string& words) {
  if (!claim.wish.waits || resp::RefusalOf(words) != resp::Refusal::kNotNow) {
    return Refuse(claim, NameOf(ErrorCode::kReply), words, 0);
  }
  WaitForServer(claim);
}

// Who does not wait is told what the server has said to the connection, as the question is not sent
// before the server serves.
void Service::OnNotNow(const Error& why) {
  for (auto next = claims_.begin(); next != claims_.end();) {
    Claim& claim = (next++)->second;
    if (claim.wish.waits || claim.question == nullptr) continue;
    Claim::Question& question = *std::exchange(claim.question, nullptr);
    question.Orphan();
    connection_->get().Fail(question, why);
    Refuse(claim, NameOf(why.code), why.message);
  }
}

// Rule 6.
void Service::WaitForServer(Claim& claim) {
  claim.stage = Claim::Stage::kWaiting;
  AskAt(claim, Loop::Now() + backoff_.NextDelay() * kNsPerMs);
}

// Rule 2.
void Service::OnNoAnswer(Claim& claim, const Error& error) {
  const bool is_not_now = resp::RefusalOf(error.message) == resp::Refusal::kNotNow;
  if (claim.wish.waits && !error.may_have_run && is_not_now) return WaitForServer(claim);
  if (IsWorthRepeating(error, claim.wish.waits) && ++claim.lost <= kMostRepeats) return Ask(claim);
  // Rule 4.
  if (error.may_have_run) claim.listed = true;
  Refuse(claim, error);
}

// ---- Waiting ----

void Service::AskAt(Claim& claim, std::uint64_t at) {
  claim.ask_at = at;
  SetTimer(claim);
}

void Service::SetTimer(Claim& claim) {
  if (claim.timer == nullptr) {
    claim.timer = std::make_unique<Timer>(loop_, [this, id = claim.id()] {
      loop_.AssertOnLoop();
      OnTimer(id);
    });
  }
  const std::uint64_t due = std::min(claim.ask_at, claim.give_up_at);
  const std::uint64_t now = Loop::Now();
  claim.timer->Start(due > now ? (due - now + kNsPerMs - 1) / kNsPerMs : 0);
}

void Service::OnTimer(std::int64_t id) {
  Claim& claim = *Find(id);
  const std::uint64_t now = Loop::Now();
  if (claim.give_up_at <= now) {
    return Refuse(claim, "LEASE_TIMEOUT", "", static_cast<std::int64_t>(*claim.wish.for_ms));
  }
  if (claim.ask_at <= now) Ask(claim);
  // Asking may have been the end of it.
  Claim* const rest = Find(id);
  if (rest != nullptr && rest->timer != nullptr &&
      std::min(rest->ask_at, rest->give_up_at) != kNever) {
    SetTimer(*rest);
  }
}

void Service::AskAllWaiting() {
  for (auto next = claims_.begin(); next != claims_.end();) {
    Claim& claim = (next++)->second;
    if (claim.stage == Claim::Stage::kListening || claim.stage == Claim::Stage::kWaiting) {
      Ask(claim);
    } else if (claim.stage == Claim::Stage::kAsking && claim.wish.waits) {
      claim.ask_again = true;
    }
  }
}

bool Service::AnyWaiting() const {
  return std::any_of(claims_.begin(), claims_.end(), [](const auto& entry) {
    return entry.second.wish.waits && entry.second.stage < Claim::Stage::kHeld;
  });
}

void Service::OnTurn(std::int64_t waiter) {
  Claim* const claim = Find(waiter);
  if (claim == nullptr) return;
  if (claim->stage == Claim::Stage::kWaiting) return Ask(*claim);
  // The answer was on its way already.
  claim->ask_again = true;
}

void Service::OnTurnAhead(std::int64_t waiter, std::uint64_t ms) {
  Claim* const claim = Find(waiter);
  if (claim == nullptr) return;
  if (claim->stage != Claim::Stage::kWaiting) {
    // As for a turn of its own.
    claim->ask_again = true;
    return;
  }
  const std::uint64_t at = Loop::Now() + (std::min(ms, kLongestWaitMs) + 1) * kNsPerMs;
  if (at < claim->ask_at) AskAt(*claim, at);
}

void Service::OnWakesFailed(const Error& why) {
  const bool refused = why.code == ErrorCode::kReply;
  for (auto next = claims_.begin(); next != claims_.end();) {
    Claim& claim = (next++)->second;
    // Those in the queue ask again when their time has come.
    if (claim.stage == Claim::Stage::kListening ||
        (refused && claim.stage == Claim::Stage::kWaiting)) {
      Refuse(claim, why);
    }
  }
  // Whoever waits next asks for them anew.
  if (refused) wakes_.reset();
}

// ---- Refusals ----

void Service::Refuse(Claim& claim, std::string_view code, std::string_view message,
                     std::int64_t figure) {
  reports_.Refused(claim.id(), code, message, figure);
  Tell();
  // Rule 4.
  if (claim.listed || claim.question != nullptr) SayGoodbye(claim);
  Erase(claim);
}

void Service::Refuse(Claim& claim, const Error& why) {
  Refuse(claim, NameOf(why.code), why.message);
}

}  // namespace sideloop::lease
