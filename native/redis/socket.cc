#include "redis/socket.h"

#include <utility>

#include "net/address.h"

namespace sideloop::redis {

namespace {

std::string At(const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != host.npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool IsRefusal(int error) { return error == UV_ECONNREFUSED || error == UV_ENOENT; }

}  // namespace

// ---- Connecting ----

void Socket::ConnectTcp(const std::string& host, int port, int family) {
  where_ = At(host, port);
  is_name_ = !net::Address::Parse(host, port);
  net::ConnectOptions options;
  options.host = host;
  options.port = port;
  options.family = family;
  Connect(std::move(options));
}

void Socket::ConnectPath(const std::string& path) {
  where_ = path;
  net::ConnectOptions options;
  options.host = path;
  options.is_path = true;
  Connect(std::move(options));
}

void Socket::Connect(net::ConnectOptions options) {
  net::ConnectorListener& listener = *this;
  connector_ = std::make_unique<net::Connector>(loop_, std::move(options), listener);
  connector_->Start();  // may destroy this
}

std::string Socket::Where() const { return tried_.empty() ? where_ : where_ + ": " + tried_; }

void Socket::OnAttemptFailed(int error, const net::Address& address) {
  if (!is_name_) return;
  if (!tried_.empty()) tried_ += ", ";
  tried_ += At(address.text(), address.port()) + " " + uv_strerror(error);
}

void Socket::OnStream(std::unique_ptr<net::Stream> stream) {
  connector_.reset();
  net::StreamListener& listener = *this;
  stream_ = std::move(stream);
  stream_->Open(listener);
  stream_->SetNoDelay(true);
  listener_->OnConnected();
}

void Socket::OnConnectFailed(int error, net::Call call, const net::Address&) {
  if (call == net::Call::kGetaddrinfo) {
    return Fail(ErrorCode::kResolve, "The host of " + where_ + " does not resolve (" +
                                         uv_strerror(error) + "): check its name and the resolver");
  }
  const std::string why = tried_.empty() ? std::string(uv_strerror(error)) : tried_;
  const bool is_refused = IsRefusal(error);
  Fail(is_refused ? ErrorCode::kRefused : ErrorCode::kConnect,
       "No connection to " + where_ + " (" + why +
           (is_refused ? "): check that the server runs there and listens" : ")"));
}

void Socket::Fail(ErrorCode code, const std::string& what) {
  if (listener_ == nullptr) return;
  std::exchange(listener_, nullptr)->OnSocketFailed({code, what});
}

// ---- Connected ----

void Socket::KeepAlive(std::uint64_t idle_ms) {
  const std::uint64_t seconds = (idle_ms + 999) / 1000;
  stream_->SetKeepAlive(true, static_cast<unsigned>(seconds == 0 ? 1 : seconds));
}

void Socket::Write(std::string_view bytes) {
  in_write_ = true;
  stream_->Write(bytes);
  in_write_ = false;
}

// What went out at once is no news.
void Socket::OnWritten(std::size_t) {
  if (!in_write_ && listener_ != nullptr && !writing()) listener_->OnWritten();
}

uv_buf_t Socket::ReadRoom() {
  const std::span<char> room = listener_->ReadRoom();
  return uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
}

void Socket::OnRead(ssize_t count) {
  if (count > 0) return listener_->OnRead(static_cast<std::size_t>(count));
  if (count == UV_EOF) {
    return Fail(ErrorCode::kDisconnected, "The server at " + where_ + " closed the connection");
  }
  Fail(ErrorCode::kDisconnected,
       "The connection to " + where_ + " broke (" + uv_strerror(static_cast<int>(count)) + ")");
}

}  // namespace sideloop::redis
