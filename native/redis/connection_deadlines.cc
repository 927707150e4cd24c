// The clocks of a connection: silence, and the deadline of each command. All are judged by when a
// reply arrives on this thread, never by when somebody got round to reading it.
#include <algorithm>
#include <utility>

#include "base/nanoseconds.h"
#include "redis/connection.h"

namespace sideloop::redis {

namespace {
// With no deadline to keep, side writes are watched all the same, so that the figures of a quiet
// connection are true.
constexpr std::uint64_t kNoWatchMs = 60'000;
}  // namespace

bool Connection::IsOurs(const resp::Run& run) const {
  return run.target == &greeter_ || run.target == &discard_;
}

void Connection::BoundSilence(std::uint64_t ms) {
  silence_timeout_ms_ = std::min(silence_timeout_ms_.value_or(ms), ms);
  WatchReplies();
}

// When the next deadline is due, in ns, or kNever.
std::uint64_t Connection::NextDue() {
  std::uint64_t due = kNever;
  // The handshake has a deadline of its own.
  if (silence_timeout_ms_ && !pairing_.empty() && pairing_.front().target != &greeter_) {
    due = LastHeard() + ToNs(*silence_timeout_ms_);
  }
  // Deadlines are in the order of the commands: the first live command has the next one.
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    const resp::Run& run = pairing_.run(i);
    if (IsOurs(run)) continue;
    return run.has_deadline ? std::min(due, run.deadline) : due;
  }
  if (!out_runs_.empty() && out_runs_.front().has_deadline) {
    due = std::min(due, out_runs_.front().deadline);
  }
  if (side_writes_allowed_) {
    // Commands may be written that this thread has not heard of: it looks once more before it
    // rests.
    due = std::min(due,
                   Loop::Now() + ToNs(std::min(silence_timeout_ms_.value_or(kNoWatchMs),
                                               options_.command_timeout_ms.value_or(kNoWatchMs))));
  }
  return due;
}

// The last sign of life that the oldest command in flight can count on.
std::uint64_t Connection::LastHeard() {
  return std::max({last_read_at_, last_progress_at_, pairing_.front().sent_at});
}

// Keeps the timer running while there is something to watch, and only then: an idle connection
// wakes nobody. A timer that would fire too early is left alone, as OnWatch looks again; one that
// would fire too late is not.
void Connection::WatchReplies() {
  if (state_ == State::kEnded) return;
  const std::uint64_t due = NextDue();
  if (due == kNever) {
    if (watch_timer_->active()) watch_timer_->Stop();
    return;
  }
  if (watch_timer_->active() && watch_due_ <= due) return;
  const std::uint64_t now = Loop::Now();
  watch_timer_->Start(due <= now ? 1 : CeilToMs(due - now));
  watch_due_ = due;
}

void Connection::OnWatch() {
  TakeSideWrites();
  // Nothing went on for a whole period: the next command comes by a post, and until then nobody
  // needs to look.
  if (pairing_.empty()) ForbidSideWrites();
  const std::uint64_t now = Loop::Now();
  FailOverdue(now);
  FlushTargets();
  if (SilentTooLong(now)) {
    Lose({ErrorCode::kSilent, "Nothing arrived from the server for " +
                                  std::to_string(*silence_timeout_ms_) +
                                  " ms with commands in flight"});
    return;
  }
  WatchReplies();
}

bool Connection::SilentTooLong(std::uint64_t now) {
  if (!silence_timeout_ms_ || pairing_.empty()) return false;
  const resp::Run& oldest = pairing_.front();
  if (oldest.target == &greeter_) return false;
  if (now < LastHeard() + ToNs(*silence_timeout_ms_)) return false;
  // A server that takes what we write is alive, and one that was asked to block may keep silent:
  // TCP keep-alive tells whether it is there.
  const std::size_t unsent = socket_->unsent();
  const bool progress = unsent != std::exchange(unsent_seen_, unsent);
  if (!progress && (oldest.flags & resp::Stage::kBlocking) == 0) return true;
  last_progress_at_ = now;
  return false;
}

// Fails the commands whose deadline has passed, oldest first. The connection goes on: their
// replies, should they come, are swallowed. Commands behind a blocking one wait for it: their
// replies can't come before its own.
void Connection::FailOverdue(std::uint64_t now) {
  const std::string what =
      "No reply within " + std::to_string(options_.command_timeout_ms.value_or(0)) + " ms";
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (IsOurs(run)) continue;
    if (!run.has_deadline || run.deadline > now) return;
    if (i == 0 && replying_ == run.target) {
      // Half of the reply is here already; the other half goes the way of the rest.
      replying_->AbortReply();
      Redirect();
    }
    FailRun(run,
            {ErrorCode::kCommandTimeout,
             what + ". The command was sent and may have run: look before you repeat it", true});
    run.target = &discard_;
  }
  while (!out_runs_.empty() && out_runs_.front().has_deadline &&
         out_runs_.front().deadline <= now) {
    const resp::Run run = out_runs_.pop_front();
    out_.Consume(run.bytes);
    out_commands_ -= run.count;
    FailRun(run, {ErrorCode::kCommandTimeout,
                  what + ". The command was not sent: it is safe to repeat", false});
  }
  UpdateGauges();
}

void Connection::Redirect() {
  replying_ = &discard_;
  sink_ = &discard_;
}

}  // namespace sideloop::redis
