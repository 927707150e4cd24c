// A connection that stops reading, because nobody takes what it brings.
#include <utility>

#include "redis/connection.h"

namespace sideloop::redis {

void Connection::PauseReplies() {
  if (is_paused_ || state_ != State::kReady) return;
  // The next command comes by a post, and is not written by a thread that waits for its reply.
  CloseDirectPath();
  is_paused_ = true;
  paused_at_ = Loop::Now();
  socket_->StopReading();
  WatchReplies();
}

void Connection::ResumeReplies() {
  if (!is_paused_) return;
  EndPause();
  // Else it begins again with the next pass.
  if (!rests_) socket_->StartReading();
  OpenDirectPath();
  WatchReplies();
}

void Connection::EndPause() {
  if (!std::exchange(is_paused_, false)) return;
  const std::uint64_t now = Loop::Now();
  // Nobody looked whether the server was silent.
  last_progress_at_ = now;
  queue_.Postpone(paused_at_, now);
}

}  // namespace sideloop::redis
