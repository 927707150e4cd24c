// The life of a connection: connect, greet, be ready, be lost, come back, end.
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/nanoseconds.h"
#include "redis/connection.h"

namespace sideloop::redis {

void Connection::Open() { Connect(); }

void Connection::Connect() {
  state_ = State::kConnecting;
  observer_.OnConnecting();
  if (options_.connect_timeout_ms) connect_timer_->Start(*options_.connect_timeout_ms);
  SocketListener& listener = *this;
  socket_ = std::make_unique<Socket>(loop_, listener);
  socket_->Connect(Target());
}

net::ConnectOptions Connection::Target() const {
  net::ConnectOptions target;
  target.is_path = !options_.path.empty();
  target.host = target.is_path ? options_.path : options_.host;
  target.port = options_.port;
  target.family = options_.family;
  target.book = greeting_failed_ ? net::BookUse::kUpdate : net::BookUse::kTry;
  if (options_.connect_timeout_ms) {
    target.confirm_ms = std::min(target.confirm_ms, *options_.connect_timeout_ms / 2);
  }
  return target;
}

void Connection::OnConnectTimer() {
  if (state_ == State::kBackoff) {
    Connect();
    return;
  }
  if (std::exchange(is_putting_off_, false)) {
    ByteBuffer again;
    handshake_->Repeat(again);
    SendGreeting(again.view());
    return;
  }
  Lose({ErrorCode::kConnectTimeout, "No connection, or no answer to the handshake, within " +
                                        std::to_string(*options_.connect_timeout_ms) + " ms (" +
                                        socket_->Where() + ")"});
}

void Connection::OnConnected() {
  socket_->StartReading();
  if (options_.keep_alive_ms) socket_->KeepAlive(*options_.keep_alive_ms);
  state_ = State::kGreeting;
  observer_.OnConnected();
  handshake_ = std::make_unique<Handshake>(options_);
  greeting_since_ = Loop::Now();
  greeting_pause_ms_ = 0;
  ByteBuffer first;
  handshake_->Begin(first);
  SendGreeting(first.view());
}

// Each answer has the whole time of connecting: what answers is there, even if it can't serve yet.
void Connection::SendGreeting(std::string_view bytes) {
  if (options_.connect_timeout_ms) connect_timer_->Start(*options_.connect_timeout_ms);
  queue_.Sent({.target = &greeter_, .count = 1, .sent_at = Loop::Now(), .is_own = true});
  ++stats_.writes;
  stats_.bytes_sent += bytes.size();
  socket_->Write(bytes);
}

bool Connection::Greeter::EndReply() {
  Connection& c = connection_;
  c.loop_.AssertOnLoop();
  ByteBuffer next;
  switch (c.handshake_->OnReply(builder_.Take(), next)) {
    case Handshake::Step::kWait:
      c.SendGreeting(next.view());
      break;
    case Handshake::Step::kLater: {
      const Error why = c.handshake_->error();
      c.PutOffGreeting();
      c.observer_.OnNotNow(why);
      break;
    }
    case Handshake::Step::kDone:
      c.BecomeReady();
      break;
    case Handshake::Step::kFailed: {
      const Error why = c.handshake_->error();
      c.Lose(why);
      break;
    }
  }
  return false;
}

// The server is asked again after a part of the time that it takes, so that what waits waits
// little longer than it must.
void Connection::PutOffGreeting() {
  constexpr std::uint64_t kPart = 8;
  constexpr std::uint64_t kLeastMs = 10;
  const std::uint64_t part = CeilToMs(Loop::Now() - greeting_since_) / kPart;
  greeting_pause_ms_ = std::min(std::max(part, kLeastMs), options_.ready_check_max_ms);
  is_putting_off_ = true;
  connect_timer_->Start(greeting_pause_ms_);
  EndIfOnlyQuitWaits();
}

void Connection::BecomeReady() {
  connect_timer_->Stop();
  // Nothing less is a success: a server that is full accepts connections too.
  backoff_.Reset();
  state_ = State::kReady;
  ready_since_ = Loop::Now();
  if (!std::exchange(was_ready_, true)) ++stats_.connects;
  socket_->Remember();
  observer_.OnReady(handshake_->protocol());
  loop_.FlushLater(*this);
}

// The connection went down, or never came up.
void Connection::Lose(const Error& why) {
  const bool is_refusal = why.code == ErrorCode::kAuth || why.code == ErrorCode::kHandshake;
  greeting_failed_ = state_ == State::kGreeting;
  DropSocket();
  FailInFlight(why);
  if (state_ == State::kEnded) return;  // closed by somebody who was told
  observer_.OnClosed(why);
  if (state_ == State::kEnded) return;
  if (quitting_ || !options_.reconnect || (loop_.stopping() && !queue_.has_unsent())) {
    quitting_ = true;
    FailWaiting(why);
    if (state_ != State::kEnded) End();
    return;
  }
  // A refused password is not a matter of waiting: those who wait are told. The next attempt may
  // fare better.
  if (is_refusal || backoff_.attempts() >= options_.attempts_per_command) {
    FailWaiting(why);
  }
  if (state_ != State::kEnded) ScheduleReconnect();
}

void Connection::ScheduleReconnect() {
  state_ = State::kBackoff;
  const std::uint64_t delay = backoff_.NextDelay();
  connect_timer_->Start(delay);
  observer_.OnReconnecting(delay, backoff_.attempts());
  queue_.FlushTargets();
  WatchReplies();  // the deadlines of those who wait
  EndIfOnlyQuitWaits();
}

void Connection::Close(const Error& why) {
  if (state_ == State::kEnded || closing_) return;
  closing_ = true;
  const bool was_up = socket_ != nullptr;
  DropSocket();
  FailInFlight(why);
  if (says_ok_) queue_.AnswerLast("OK");
  FailWaiting(why);
  if (was_up) observer_.OnClosed(why);
  End();
}

void Connection::Break(const Error& why) {
  if (socket_ == nullptr || closing_) return;
  Lose(why);
  queue_.FlushTargets();
}

void Connection::DropSocket() {
  // First of all: who is told of what that brings may look whether there is a connection, and send.
  state_ = State::kLost;
  CloseDirectPath();
  EndPause();
  socket_.reset();
  handshake_.reset();
  is_putting_off_ = false;
  was_ready_ = false;
  connect_timer_->Stop();
  watch_timer_->Stop();
  in_.ClearAndTrim(kKeptReadBuffer);
  reads_long_ = false;
  rests_ = false;
  wanted_ = 1;
  was_congested_ = false;
  parser_.Reset();
  if (replying_ != nullptr) std::exchange(replying_, nullptr)->AbortReply();
}

void Connection::FailInFlight(const Error& why) {
  RecordLatency();
  queue_.FailInFlight(why);
  UpdateGauges();
}

void Connection::FailWaiting(const Error& why) {
  queue_.FailUnsent(why);
  UpdateGauges();
  if (state_ != State::kEnded) observer_.OnWaitingFailed(why);
}

void Connection::End() {
  state_ = State::kEnded;
  // The last handles: from here on the connection is memory only, and may be destroyed on any
  // thread.
  connect_timer_.reset();
  watch_timer_.reset();
  loop_.Remove(*this);
  queue_.FlushTargets();
  observer_.OnEnded();
}

}  // namespace sideloop::redis
