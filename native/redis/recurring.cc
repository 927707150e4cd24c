#include "redis/recurring.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/nanoseconds.h"
#include "redis/one_reply.h"

namespace sideloop::redis {

class Recurring::Sent final : public OneReply {
 public:
  Sent(Recurring& owner, RecurringRun run, std::uint64_t deadline)
      : run(std::move(run)), deadline(deadline), owner_(&owner) {}

  // Nobody wants to know any more.
  ON_LOOP void Orphan() { owner_ = nullptr; }

  RecurringRun run;
  const std::uint64_t deadline;  // ns
  bool settled = false;          // late: what comes now is dropped

 private:
  void OnReply(resp::Reply reply) override {
    if (owner_ == nullptr) return;
    owner_->loop_.AssertOnLoop();
    owner_->OnAnswer(*this, std::move(reply));
  }
  void OnFailure(const Error& error) override {
    if (owner_ == nullptr) return;
    owner_->loop_.AssertOnLoop();
    owner_->OnFailure(*this, error);
  }

  Recurring* owner_;
};

Recurring::Recurring(Loop& loop, std::shared_ptr<timers::AlarmClock> clock, Connection& connection,
                     std::span<const std::string_view> command, const RecurringOptions& options,
                     RecurringObserver& observer, RecurringStats& stats)
    : loop_(loop),
      connection_(connection),
      command_(command.begin(), command.end()),
      options_(options),
      observer_(observer),
      stats_(stats),
      clock_(std::move(clock)) {
  assert(options_.period_ms > 0 && options_.count != std::uint64_t{0} && !command_.empty());
}

Recurring::~Recurring() {
  for (Sent* sent : unanswered_) sent->Orphan();
  if (state_ == State::kRunning) loop_.Remove(*this);
}

void Recurring::Start() {
  assert(state_ == State::kIdle);
  if (!loop_.TryAdd(*this)) {
    End(RecurringEnd::kLoop);
    return;
  }
  state_ = State::kRunning;
  timers::AlarmListener& listener = *this;
  alarm_ = std::make_unique<timers::Alarm>(std::move(clock_), listener);
  const std::uint64_t now = Loop::Now();
  next_due_ = now + ToNs(options_.first_after_ms.value_or(options_.period_ms));
  if (options_.for_ms) {
    last_start_ = now + ToNs(*options_.for_ms);
    if (next_due_ > *last_start_) exhausted_ = RecurringEnd::kTime;
  }
  EndIfExhausted();
  Arm();
}

void Recurring::CloseBecause(const Error&) { End(RecurringEnd::kLoop); }

void Recurring::OnAlarm() {
  const std::uint64_t now = Loop::Now();
  SettleOverdue(now);
  RunIfDue(now);
  EndIfExhausted();
  Arm();
}

// Rule 1.
void Recurring::RunIfDue(std::uint64_t now) {
  if (state_ != State::kRunning || exhausted_ || next_due_ > now) return;
  if (connection_.state() == Connection::State::kEnded) {
    End(RecurringEnd::kConnection);
    return;
  }
  const std::uint64_t period = ToNs(options_.period_ms);
  const std::uint64_t skipped = (now - next_due_) / period;
  stats_.skipped += skipped;
  RecurringRun run;
  run.due_at = next_due_ + skipped * period;
  run.number = ++begun_;
  next_due_ = run.due_at + period;
  if (last_start_ && next_due_ > *last_start_) exhausted_ = RecurringEnd::kTime;
  if (options_.count && begun_ >= *options_.count) exhausted_ = RecurringEnd::kCount;

  const bool is_up = connection_.state() == Connection::State::kReady;
  // Rules 3 and 4. While the connection is down, what is unanswered is what waits for it.
  const std::size_t owed = connection_.is_paused() ? options_.max_unread : options_.max_unanswered;
  const std::size_t most = is_up ? owed : 1;
  if (unanswered_.size() < most) {
    Send(std::move(run));
    return;
  }
  run.outcome = RecurringRun::Outcome::kFailed;
  run.settled_at = now;
  run.error = {ErrorCode::kDisconnected,
               is_up ? "The server owes answers to earlier runs. This one was not sent"
                     : "The connection is down, and an earlier run waits for it. This one was not "
                       "sent"};
  Settle(run);
}

void Recurring::Send(RecurringRun run) {
  const std::uint64_t now = Loop::Now();
  run.sent_at = now;
  ++stats_.sent;
  stats_.jitter.Record(now - run.due_at);
  const std::uint64_t timeout = ToNs(options_.timeout_ms.value_or(options_.period_ms));
  // The connection answers it once, in this very call perhaps, and with that it ends.
  auto* sent = new Sent(*this, std::move(run), now + timeout);
  unanswered_.push_back(sent);
  const std::vector<std::string_view> arguments(command_.begin(), command_.end());
  if (options_.wait_ms) {
    connection_.Send(arguments, *sent, resp::Stage::kBlocking, *options_.wait_ms);
  } else {
    connection_.Send(arguments, *sent);
  }
}

void Recurring::OnAnswer(Sent& sent, resp::Reply reply) {
  Forget(sent);
  // Rule 2.
  if (sent.settled) return;
  RecurringRun& run = sent.run;
  run.settled_at = Loop::Now();
  if (reply.is_error()) {
    run.outcome = RecurringRun::Outcome::kFailed;
    run.error = {ErrorCode::kReply, std::move(reply.text)};
  } else {
    run.reply = std::move(reply);
  }
  Settle(run);
  EndIfExhausted();
  Arm();
}

void Recurring::OnFailure(Sent& sent, const Error& error) {
  Forget(sent);
  if (!sent.settled) {
    RecurringRun& run = sent.run;
    run.settled_at = Loop::Now();
    run.outcome = RecurringRun::Outcome::kFailed;
    run.error = error;
    Settle(run);
  }
  switch (error.code) {
    case ErrorCode::kClosed:
      return End(RecurringEnd::kConnection);
    case ErrorCode::kStopped:
    case ErrorCode::kDestroyed:
      return End(RecurringEnd::kLoop);
    default:
      EndIfExhausted();
      Arm();
  }
}

void Recurring::Forget(Sent& sent) { std::erase(unanswered_, &sent); }

// Rule 2. A deadline is judged by what has arrived: alarms go before what else a pass has to read,
// so where this thread was busy past the deadline, the answer may be there unread. It is looked at
// twice, with a reading of all sockets in between.
void Recurring::SettleOverdue(std::uint64_t now) {
  if (state_ != State::kRunning) return;
  look_again_at_ = now + kNsPerMs;
  if (overdue_at_ && loop_.passes() < overdue_in_ + 2) return;
  const std::optional<std::uint64_t> seen = std::exchange(overdue_at_, std::nullopt);
  // Settling one may end it all, and with that forget the rest.
  for (std::size_t i = 0; i < unanswered_.size(); ++i) {
    Sent& sent = *unanswered_[i];
    if (sent.settled) continue;
    if (sent.deadline > now) break;
    if (!seen || sent.deadline > *seen) {
      overdue_at_ = now;
      overdue_in_ = loop_.passes();
      break;
    }
    sent.settled = true;
    sent.run.settled_at = now;
    sent.run.outcome = RecurringRun::Outcome::kLate;
    sent.run.error = {ErrorCode::kCommandTimeout,
                      "No answer before the run's deadline. It may have run", true};
    Settle(sent.run);
  }
}

// Tells of a run, once for each.
void Recurring::Settle(RecurringRun& run) {
  switch (run.outcome) {
    case RecurringRun::Outcome::kOk:
      ++stats_.ok;
      break;
    case RecurringRun::Outcome::kFailed:
      ++stats_.failed;
      break;
    case RecurringRun::Outcome::kLate:
      ++stats_.late;
      break;
  }
  if (!observer_.OnRun(run)) End(RecurringEnd::kObserver);
}

void Recurring::EndIfExhausted() {
  if (state_ != State::kRunning || !exhausted_) return;
  const bool all_settled = std::all_of(unanswered_.begin(), unanswered_.end(),
                                       [](const Sent* sent) { return sent->settled; });
  if (all_settled) End(*exhausted_);
}

void Recurring::End(RecurringEnd why) {
  if (std::exchange(state_, State::kEnded) == State::kEnded) return;
  clock_.reset();
  alarm_.reset();
  loop_.Remove(*this);
  Withdraw();
  observer_.OnRecurringEnd(why);
}

// Nobody hears of what is under way any more. Where the server has no part in it yet it ends here,
// or a quit would wait for it.
void Recurring::Withdraw() {
  const std::vector<Sent*> unheard = std::exchange(unanswered_, {});
  if (unheard.empty()) return;
  for (Sent* sent : unheard) sent->Orphan();
  const std::vector<resp::ReplyTarget*> targets(unheard.begin(), unheard.end());
  connection_.Withdraw(targets, {ErrorCode::kClosed, "The recurring command has ended"});
}

// Sets the alarm for the next run or the next deadline, whichever is first.
void Recurring::Arm() {
  if (state_ != State::kRunning) return;
  std::uint64_t due = exhausted_ ? kNever : next_due_;
  for (const Sent* sent : unanswered_) {
    if (sent->settled) continue;
    // Where its deadline has been seen to pass, the second look comes a moment later.
    due = std::min(due, overdue_at_ ? look_again_at_ : sent->deadline);
    break;
  }
  if (due == kNever) return alarm_->Stop();
  alarm_->SetAt(due);
}

}  // namespace sideloop::redis
