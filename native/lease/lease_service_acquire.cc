// The way of an acquisition from the asking to the grant, or to being refused.
#include <algorithm>
#include <string>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/acquire_command.h"
#include "lease/lease_scripts.h"
#include "lease/lease_service.h"
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

void LeaseService::Ask(Acquisition& acquisition) {
  const AcquireRequest& request = acquisition.request;
  acquisition.state = Acquisition::State::kAsking;
  acquisition.ask_again = false;
  acquisition.ask_at = kNever;
  // Rule 3.
  const bool listed = request.waits && turns_ != nullptr && turns_->subscribed();
  acquisition.listed |= listed;
  acquisition.asks_for_place = listed;
  if (listed) waited_at_ = Loop::Now();
  const std::string ttl = std::to_string(FirstTtlOf(request.terms));
  const std::string most = std::to_string(request.most_waiters);
  const std::string turn = std::to_string(kTurnMs);
  const std::string longest = std::to_string(kLongestWaitMs);
  const std::string fence_ms = FenceMsOf(request);
  const std::string_view command[] = {"EVAL",
                                      scripts::kAcquire,
                                      "4",
                                      request.keys.lease,
                                      request.keys.fence,
                                      request.keys.queue,
                                      request.keys.turn,
                                      acquisition.name,
                                      ttl,
                                      listed ? std::string_view(acquisition.waiter) : "",
                                      most,
                                      turn,
                                      longest,
                                      fence_ms};
  acquisition.command = new Acquisition::Command(*this, acquisition);
  // It may be answered, and the acquisition gone, within this call.
  connection_->get().Send(command, *acquisition.command);
}

void LeaseService::OnAnswer(Acquisition& acquisition, const resp::Reply& reply,
                            std::uint64_t asked_at) {
  if (reply.is_error()) return OnRefusal(acquisition, reply.text);
  const auto& values = reply.elements;
  acquisition.lost = 0;
  backoff_.Reset();
  switch (values.size() < 2 ? -1 : values[0].integer) {
    case 0:
      if (acquisition.asks_for_place) break;
      return OnHeld(acquisition, values[1].integer);
    case 1:
      return OnGranted(acquisition, values[1].integer, asked_at);
    case 2:
      if (!acquisition.asks_for_place) break;
      return OnQueued(acquisition, values.size() > 2 ? values[2].integer : 0);
    case 3:
      acquisition.listed = false;
      return Refuse(acquisition, "LEASE_QUEUE_FULL", "", values[1].integer);
    default:
      break;
  }
  Refuse(acquisition, "REDIS_PROTOCOL", "The server's answer is not that of the script", 0);
}

// Rule 1.
void LeaseService::OnGranted(Acquisition& acquisition, std::int64_t token, std::uint64_t asked_at) {
  acquisition.listed = false;
  if (LeaseRenewer::WindowEnd(asked_at, FirstTtlOf(acquisition.request.terms)) >
      LeaseClock::Now()) {
    return Hold(acquisition, token, asked_at);
  }
  if (++acquisition.late <= kMostRepeats) return Ask(acquisition);
  SendRelease(acquisition);
  Refuse(acquisition, "LEASE_LATE", "",
         static_cast<std::int64_t>(FirstTtlOf(acquisition.request.terms)));
}

void LeaseService::OnHeld(Acquisition& acquisition, std::int64_t left_ms) {
  if (!acquisition.request.waits) return Refuse(acquisition, "LEASE_HELD", "", left_ms);
  if (turns_ == nullptr) {
    TurnListener& listener = *this;
    turns_ = std::make_unique<TurnSubscription>(loop_, options_, channel_, listener);
  }
  // It may have come to hear since it asked.
  if (turns_->subscribed()) return Ask(acquisition);
  acquisition.state = Acquisition::State::kListening;
}

void LeaseService::OnQueued(Acquisition& acquisition, std::int64_t ask_in_ms) {
  if (acquisition.ask_again) return Ask(acquisition);
  acquisition.state = Acquisition::State::kWaiting;
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(ask_in_ms, 0));
  // The server's clock counts whole milliseconds: a moment later it is over there.
  AskAt(acquisition, Loop::Now() + (std::min(ms, kLongestWaitMs) + 1) * kNsPerMs);
}

void LeaseService::OnRefusal(Acquisition& acquisition, const std::string& words) {
  if (!acquisition.request.waits || resp::RefusalOf(words) != resp::Refusal::kNotNow) {
    return Refuse(acquisition, NameOf(ErrorCode::kReply), words, 0);
  }
  WaitForServer(acquisition);
}

// Who does not wait is told what the server has said to the connection, as the command is not sent
// before the server serves.
void LeaseService::OnNotNow(const Error& why) {
  for (auto next = acquisitions_.begin(); next != acquisitions_.end();) {
    Acquisition& acquisition = (next++)->second;
    if (acquisition.request.waits || acquisition.command == nullptr) continue;
    Acquisition::Command& command = *std::exchange(acquisition.command, nullptr);
    command.Orphan();
    connection_->get().Fail(command, why);
    Refuse(acquisition, NameOf(why.code), why.message);
  }
}

// Rule 6.
void LeaseService::WaitForServer(Acquisition& acquisition) {
  acquisition.state = Acquisition::State::kWaiting;
  AskAt(acquisition, Loop::Now() + backoff_.NextDelay() * kNsPerMs);
}

// Rule 2.
void LeaseService::OnNoAnswer(Acquisition& acquisition, const Error& error) {
  const bool is_not_now = resp::RefusalOf(error.message) == resp::Refusal::kNotNow;
  if (acquisition.request.waits && !error.may_have_run && is_not_now)
    return WaitForServer(acquisition);
  if (IsWorthRepeating(error, acquisition.request.waits) && ++acquisition.lost <= kMostRepeats)
    return Ask(acquisition);
  // Rule 4.
  if (error.may_have_run) acquisition.listed = true;
  Refuse(acquisition, error);
}

// ---- Waiting ----

void LeaseService::AskAt(Acquisition& acquisition, std::uint64_t at) {
  acquisition.ask_at = at;
  SetTimer(acquisition);
}

void LeaseService::SetTimer(Acquisition& acquisition) {
  if (acquisition.timer == nullptr) {
    acquisition.timer = std::make_unique<Timer>(loop_, [this, id = acquisition.id()] {
      loop_.AssertOnLoop();
      OnTimer(id);
    });
  }
  const std::uint64_t due = std::min(acquisition.ask_at, acquisition.give_up_at);
  const std::uint64_t now = Loop::Now();
  acquisition.timer->Start(due > now ? (due - now + kNsPerMs - 1) / kNsPerMs : 0);
}

void LeaseService::OnTimer(std::int64_t id) {
  Acquisition& acquisition = *Find(id);
  const std::uint64_t now = Loop::Now();
  if (acquisition.give_up_at <= now) {
    return Refuse(acquisition, "LEASE_TIMEOUT", "",
                  static_cast<std::int64_t>(*acquisition.request.for_ms));
  }
  if (acquisition.ask_at <= now) Ask(acquisition);
  // Asking may have been the end of it.
  Acquisition* const rest = Find(id);
  if (rest != nullptr && rest->timer != nullptr &&
      std::min(rest->ask_at, rest->give_up_at) != kNever) {
    SetTimer(*rest);
  }
}

void LeaseService::AskAllWaiting() {
  for (auto next = acquisitions_.begin(); next != acquisitions_.end();) {
    Acquisition& acquisition = (next++)->second;
    if (acquisition.state == Acquisition::State::kListening ||
        acquisition.state == Acquisition::State::kWaiting) {
      Ask(acquisition);
    } else if (acquisition.state == Acquisition::State::kAsking && acquisition.request.waits) {
      acquisition.ask_again = true;
    }
  }
}

bool LeaseService::AnyWaiting() const {
  return std::any_of(acquisitions_.begin(), acquisitions_.end(), [](const auto& entry) {
    return entry.second.request.waits && entry.second.state < Acquisition::State::kHeld;
  });
}

void LeaseService::OnTurn(std::int64_t waiter) {
  Acquisition* const acquisition = Find(waiter);
  if (acquisition == nullptr) return;
  if (acquisition->state == Acquisition::State::kWaiting) return Ask(*acquisition);
  // The answer was on its way already.
  acquisition->ask_again = true;
}

void LeaseService::OnTurnAhead(std::int64_t waiter, std::uint64_t ms) {
  Acquisition* const acquisition = Find(waiter);
  if (acquisition == nullptr) return;
  if (acquisition->state != Acquisition::State::kWaiting) {
    // As for a turn of its own.
    acquisition->ask_again = true;
    return;
  }
  const std::uint64_t at = Loop::Now() + (std::min(ms, kLongestWaitMs) + 1) * kNsPerMs;
  if (at < acquisition->ask_at) AskAt(*acquisition, at);
}

void LeaseService::OnTurnsFailed(const Error& why) {
  const bool refused = why.code == ErrorCode::kReply;
  for (auto next = acquisitions_.begin(); next != acquisitions_.end();) {
    Acquisition& acquisition = (next++)->second;
    // Those in the queue ask again when their time has come.
    if (acquisition.state == Acquisition::State::kListening ||
        (refused && acquisition.state == Acquisition::State::kWaiting)) {
      Refuse(acquisition, why);
    }
  }
  // Whoever waits next asks for them anew.
  if (refused) turns_.reset();
}

// ---- Refusals ----

void LeaseService::Refuse(Acquisition& acquisition, std::string_view code, std::string_view message,
                          std::int64_t figure) {
  reports_.Refused(acquisition.id(), code, message, figure);
  Tell();
  // Rule 4.
  if (acquisition.listed || acquisition.command != nullptr) SendRelease(acquisition);
  Erase(acquisition);
}

void LeaseService::Refuse(Acquisition& acquisition, const Error& why) {
  Refuse(acquisition, NameOf(why.code), why.message);
}

}  // namespace sideloop::lease
