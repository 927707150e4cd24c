// What becomes of replies that a JS thread does not take.
#include <string>
#include <utility>

#include "links/redis_link.h"

namespace sideloop {

// After each read that brought something for the client: so nearly always there is nothing to do.
void RedisLink::KeepBounds() {
  const Outbox::Held& held = replies_.held();
  if (state_ == State::kOut || state_ == State::kOutside) return;
  redis::Connection& connection = connection_->Made();
  const bool is_client_full = held.by_target + connection.HalfReplyOf(replies_) > bounds_.client;
  const bool is_thread_full = held.total > bounds_.thread;
  if (!is_client_full && !is_thread_full) return;
  if (!connection_->TryHearOfResume()) return;
  if (!outbox_->TellOfRoom(target_, Enough(), weak_from_this())) {
    // Taken meanwhile; who asked before this is not told any more.
    connection.ResumeReplies();
    return;
  }
  if (!connection_->is_shared()) {
    connection.PauseReplies();
  } else if (!std::exchange(rejects_, true)) {
    // Not here: it is told of its replies at this moment.
    const bool accepted = loop().PostControl([self = shared_from_this()] {
      self->loop().loop().AssertOnLoop();
      self->RejectPending();
    });
    (void)accepted;  // else the loop stops, and waits for the little that is pending
  }
}

// Until half of the bound is free, or nothing of it is held: a reply larger than all of that has to
// come through, and it is no use to wait for what cannot be taken.
Outbox::Held RedisLink::Enough() {
  const std::size_t half = connection_->Made().HalfReplyOf(replies_);
  const std::size_t enough = bounds_.client / 2;
  const bool is_thread_full = replies_.held().total > bounds_.thread;
  return {.by_target = half < enough ? enough - half : 0,
          .total = is_thread_full ? bounds_.thread / 2 : bounds_.thread};
}

void RedisLink::RejectPending() {
  rejects_ = false;
  if (state_ != State::kIn && state_ != State::kLeaving) return;
  // There may be room since, and what is in flight now may have been asked for because of that.
  if (!outbox_->TellOfRoom(target_, Enough(), weak_from_this())) return;
  redis::Connection& connection = connection_->Made();
  const bool holds_up = connection.HasBlocking(replies_);
  const bool is_client = replies_.held().total <= bounds_.thread;
  connection.FailInPlace(
      replies_,
      {ErrorCode::kRepliesFull,
       "Replies of " + std::to_string((is_client ? bounds_.client : bounds_.thread) >> 10) +
           " KiB wait for this thread to take them, which is the bound (" +
           (is_client ? "maxPendingReplyBytes" : "maxThreadReplyBytes") +
           "), and others share the connection: ask for less at a time, or raise it"});
  if (holds_up) connection_->EndWaits();
}

void RedisLink::PostRoom() { connection_->PostResume(); }

}  // namespace sideloop
