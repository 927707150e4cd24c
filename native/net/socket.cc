#include "net/socket.h"

#include <algorithm>
#include <utility>

#include "net/socket_table.h"

namespace sideloop::net {

Socket::~Socket() {
  if (open_ != nullptr) --*open_;
}

void Socket::Connect(ConnectOptions options) {
  ConnectorListener& listener = *this;
  active_at_ = uv_now(table_.loop().uv());
  connector_ = std::make_unique<Connector>(table_.loop(), std::move(options), listener);
  connector_->Start();
}

void Socket::Adopt(std::unique_ptr<Stream> stream, std::shared_ptr<int> open) {
  open_ = std::move(open);
  if (open_ != nullptr) ++*open_;
  Open(std::move(stream));
}

void Socket::Open(std::unique_ptr<Stream> stream) {
  StreamListener& listener = *this;
  stream_ = std::move(stream);
  stream_->Open(listener);
  active_at_ = uv_now(table_.loop().uv());
  if (!paused_) stream_->StartReading();
}

void Socket::OnAddress(const Address& address) { table_.Reporting().AddLookup(id_, address); }

void Socket::OnAttemptFailed(int error, const Address& address) {
  table_.Reporting().AddAttempt(id_, error, address);
}

void Socket::OnStream(std::unique_ptr<Stream> stream) {
  connector_.reset();
  table_.Reporting().AddConnected(id_, stream->local(), stream->peer());
  Open(std::move(stream));
  if (no_delay_) stream_->SetNoDelay(true);
  if (keep_alive_) stream_->SetKeepAlive(true, keep_alive_seconds_);
  if (!early_.empty()) {
    const ByteBuffer early = std::move(early_);
    stream_->Write(early.view());
  }
  if (shutting_down_ && stream_ != nullptr) stream_->Shutdown();
}

void Socket::OnConnectFailed(int error, Call call, const Address& address) {
  Fail(error, call, address);
}

uv_buf_t Socket::ReadRoom() { return table_.ReadRoom(); }

void Socket::OnRead(ssize_t count) {
  Active();
  if (count < 0) {
    if (count != UV_EOF) return Fail(static_cast<int>(count), Call::kRead);
    at_end_ = true;
    table_.Reporting().Add(id_, Report::kEnd);
    return;
  }
  const auto size = static_cast<std::size_t>(count);
  table_.Reporting().AddData(id_, table_.scratch(), size);
  unacknowledged_ += size;
  if (unacknowledged_ >= kReadWindow) stream_->StopReading();
}

void Socket::Acknowledge(std::size_t bytes) {
  const bool stopped = paused_ || unacknowledged_ >= kReadWindow;
  paused_ = false;
  unacknowledged_ -= std::min(bytes, unacknowledged_);
  if (stopped && !at_end_ && stream_ != nullptr && unacknowledged_ < kReadWindow) {
    stream_->StartReading();
  }
}

void Socket::Write(std::string_view bytes) {
  if (broken_) return;
  Active();
  if (stream_ == nullptr) {
    early_.Append(bytes);
  } else {
    stream_->Write(bytes);
  }
}

void Socket::OnWritten(std::size_t bytes) {
  Active();
  unreported_ += bytes;
  if (unreported_ < kWrittenPortion) return;
  table_.Reporting().Add(id_, Report::kWritten, static_cast<std::int32_t>(unreported_));
  unreported_ = 0;
}

void Socket::OnWriteFailed(int error) { Fail(error, Call::kWrite); }

void Socket::Shutdown() {
  if (broken_) return;
  shutting_down_ = true;
  if (stream_ != nullptr) stream_->Shutdown();
}

void Socket::OnShutdown(int status) {
  shutting_down_ = false;
  // The peer is gone already, which is no news for one that has nothing more to say.
  if (status == 0 || status == UV_ENOTCONN) {
    table_.Reporting().Add(id_, Report::kFinished);
  } else {
    Fail(status, Call::kShutdown);
  }
}

void Socket::Reset() {
  if (stream_ != nullptr) stream_->Reset();
}

void Socket::SetNoDelay(bool on) {
  no_delay_ = on;
  if (stream_ != nullptr) stream_->SetNoDelay(on);
}

void Socket::SetKeepAlive(bool on, unsigned seconds) {
  keep_alive_ = on;
  keep_alive_seconds_ = seconds;
  if (stream_ != nullptr) stream_->SetKeepAlive(on, seconds);
}

void Socket::SetTimeout(std::uint64_t ms) {
  if (broken_) return;
  timeout_ms_ = ms;
  active_at_ = uv_now(table_.loop().uv());
  if (ms == 0) {
    if (idle_timer_ != nullptr) idle_timer_->Stop();
    return;
  }
  if (idle_timer_ == nullptr) {
    idle_timer_ = std::make_unique<Timer>(table_.loop(), [this] {
      table_.loop().AssertOnLoop();
      OnIdleTimer();
    });
  }
  idle_timer_->Start(ms);
}

// A timer that was started anew for every message would cost more than most messages. This one
// fires, looks when the last was, and sleeps for the rest.
void Socket::OnIdleTimer() {
  const std::uint64_t idle = uv_now(table_.loop().uv()) - active_at_;
  if (idle < timeout_ms_) return idle_timer_->Start(timeout_ms_ - idle);
  table_.Reporting().Add(id_, Report::kTimedOut);
}

void Socket::Active() {
  active_at_ = uv_now(table_.loop().uv());
  // It has fired: what begins now is a new silence.
  if (timeout_ms_ > 0 && idle_timer_ != nullptr && !idle_timer_->active()) {
    idle_timer_->Start(timeout_ms_);
  }
}

bool Socket::Busy() const {
  return !broken_ &&
         (shutting_down_ || !early_.empty() || (stream_ != nullptr && stream_->unsent() > 0));
}

void Socket::Fail(int error, Call call, const Address& address) {
  if (std::exchange(broken_, true)) return;
  connector_.reset();
  stream_.reset();
  idle_timer_.reset();
  table_.Reporting().AddError(id_, error, call, address);
}

}  // namespace sideloop::net
