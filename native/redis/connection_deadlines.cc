// The clocks of a connection: silence, and the deadline of each command. All are judged by when a
// reply arrives on this thread, never by when somebody got round to reading it.
#include <algorithm>
#include <utility>

#include "base/nanoseconds.h"
#include "redis/connection.h"

namespace sideloop::redis {

namespace {
// With no deadline to keep, direct writes are watched all the same, so that the figures of a quiet
// connection are true.
constexpr std::uint64_t kNoWatchMs = 60'000;
}  // namespace

void Connection::BoundSilence(std::uint64_t ms) {
  silence_timeout_ms_ = std::min(silence_timeout_ms_.value_or(ms), ms);
  WatchReplies();
}

// When the next deadline may be due, in ns, or kNever.
std::uint64_t Connection::NextDue() {
  if (is_paused_) return kNever;
  std::uint64_t due = queue_.next_deadline();
  // The handshake has a deadline of its own.
  if (silence_timeout_ms_ && state_ == State::kReady && !queue_.is_quiet()) {
    due = std::min(due, LastHeard() + ToNs(*silence_timeout_ms_));
  }
  if (direct_path_open_) {
    // Commands may be written that this thread has not heard of: it looks once more before it
    // rests.
    due = std::min(due,
                   Loop::Now() + ToNs(std::min(silence_timeout_ms_.value_or(kNoWatchMs),
                                               options_.command_timeout_ms.value_or(kNoWatchMs))));
  }
  return due;
}

// The last moment at which silence means nothing for the oldest command in flight: that of the last
// sign of life, and for as long as the server was told to wait.
std::uint64_t Connection::LastHeard() {
  const resp::Run& front = queue_.front();
  const std::uint64_t heard = std::max({last_read_at_, last_progress_at_, front.sent_at});
  return front.wait_ms > 0 ? heard + ToNs(static_cast<std::uint64_t>(front.wait_ms)) : heard;
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
  if (is_paused_) return;
  TakeDirectWrites();
  // Nothing went on for a whole period: the next command comes by a post, and until then nobody
  // needs to look.
  if (queue_.is_quiet()) CloseDirectPath();
  const std::uint64_t now = Loop::Now();
  FailOverdue(now);
  queue_.FlushTargets();
  EndIfOnlyQuitWaits();
  if (SilentTooLong(now)) {
    Lose({ErrorCode::kSilent, "Nothing arrived from the server for " +
                                  std::to_string(*silence_timeout_ms_) +
                                  " ms with commands in flight"});
    return;
  }
  WatchReplies();
}

bool Connection::SilentTooLong(std::uint64_t now) {
  if (!silence_timeout_ms_ || state_ != State::kReady || queue_.is_quiet()) return false;
  if (now < LastHeard() + ToNs(*silence_timeout_ms_)) return false;
  // A server that takes what we write is alive, and one that was asked to wait for ever may keep
  // silent: TCP keep-alive tells whether it is there.
  const std::size_t unsent = socket_->unsent();
  const std::uint64_t taken = stats_.bytes_sent - unsent;
  const bool progress = was_congested_ ? taken != taken_seen_ : unsent > 0;
  taken_seen_ = taken;
  was_congested_ = unsent > 0;
  if (!progress && queue_.front().wait_ms != resp::Stage::kForEver) return true;
  last_progress_at_ = now;
  return false;
}

// The connection goes on: the replies of those that are too late, should they come, are swallowed.
void Connection::FailOverdue(std::uint64_t now) {
  if (replying_ != nullptr && !is_push_ && queue_.front().deadline <= now) {
    // Half of the reply is here already.
    DropReply(*queue_.front().target);
  }
  queue_.FailOverdue(now);
  UpdateGauges();
}

}  // namespace sideloop::redis
