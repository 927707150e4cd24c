// What becomes of a connection that was ready where its server can't serve any more: it loads a
// data set, or its link to its master is down.
#include <utility>

#include "base/nanoseconds.h"
#include "redis/connection.h"
#include "resp/refusal.h"

namespace sideloop::redis {

// At the beginning of a reply that is an error, or comes while commands are held.
void Connection::BeginUnready(bool is_error) {
  const resp::Run& run = queue_.front();
  if (is_error && options_.ready_check && state_ == State::kReady && !run.is_settled &&
      run.target->WaitsForServer()) {
    replying_ = &error_;
    return;
  }
  queue_.RejectHeld(*run.target);
}

// The error is whole: either its command is held, or it is an answer like others.
void Connection::EndError() {
  CountReply(queue_.front());
  // Who holds commands has to know of all that is in flight.
  if (resp::IsHeldBack(error_.text()) && !queue_.is_holding()) CloseDirectPath();
  if (!resp::IsHeldBack(error_.text()) || !queue_.TryHold(error_.text())) {
    // Its target may have failed, or left, since the error began.
    const resp::Run& run = queue_.front();
    resp::ReplyTarget& target = *run.target;
    queue_.RejectHeld(target);
    resp::ReplySink& sink = target.BeginReply(run.flags);
    if (run.is_settled) {
      sink.OnNull();
    } else {
      sink.OnError(error_.text());
    }
    queue_.Answered();
    if (target.EndReply()) queue_.FlushSoon(target);
  }
  if (queue_.is_holding()) LeaveReady();
}

// Once nothing is in flight any more the server is asked until it serves, and what is held goes out
// first.
void Connection::LeaveReady() {
  // Whoever was told of a reply may have ended the connection.
  if (state_ != State::kReady || closing_ || !queue_.is_quiet()) return;
  // What a server answers before it has all of it is written to its end.
  if (queue_.can_send() || socket_->writing()) return;
  queue_.Requeue();
  state_ = State::kGreeting;
  // A PING that is answered well says little where commands are refused right after it: the pauses
  // go on growing then.
  const std::uint64_t now = Loop::Now();
  if (now - ready_since_ > ToNs(greeting_pause_ms_)) greeting_since_ = now;
  handshake_->AskAgain();
  observer_.OnUnready();
  PutOffGreeting();
}

}  // namespace sideloop::redis
