#include "redis/socket.h"

#include <utility>

#include "cross/address.h"
#include "cross/resolver.h"

namespace sideloop::redis {

namespace {

std::string At(const std::string& host, int port) {
  const bool is_ipv6 = host.find(':') != host.npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string At(const Address& address) { return At(address.text(), address.port()); }

bool IsRefusal(int error) { return error == UV_ECONNREFUSED || error == UV_ENOENT; }

}  // namespace

// ---- Connecting ----

void Socket::Connect(net::ConnectOptions options) {
  where_ = options.is_path ? options.host : At(options.host, options.port);
  if (!options.is_path && !Address::Parse(options.host, options.port)) {
    name_ = {options.host, options.port, options.family};
  }
  net::ConnectorListener& listener = *this;
  connector_ = std::make_unique<net::Connector>(loop_, std::move(options), listener);
  connector_->Start();  // may destroy this
}

std::string Socket::Where() const {
  if (name_.host.empty()) return where_;
  std::string all = tried_;
  const auto add = [&all](const std::string& part) { all += (all.empty() ? "" : ", ") + part; };
  if (address_.family() != 0) add(At(address_) + " connected");
  if (connector_ != nullptr) {
    for (const Address& address : connector_->Trying()) add(At(address) + " not answering");
    if (connector_->resolving()) add("the name not resolved");
  }
  return all.empty() ? where_ : where_ + ": " + all;
}

// For messages about a connection that is there.
std::string Socket::Peer() const {
  return address_.family() == 0 ? where_ : where_ + " (" + At(address_) + ")";
}

void Socket::Remember() {
  if (address_.family() != 0) Resolver::Shared().book().Add(name_, address_);
}

void Socket::OnAttemptFailed(int error, const Address& address) {
  if (name_.host.empty()) return;
  if (!tried_.empty()) tried_ += ", ";
  tried_ += At(address) + " " + uv_strerror(error);
}

void Socket::OnStream(std::unique_ptr<net::Stream> stream) {
  if (!connector_->resolving()) connector_.reset();
  net::StreamListener& listener = *this;
  stream_ = std::move(stream);
  if (!name_.host.empty()) address_ = stream_->peer();
  stream_->Open(listener);
  stream_->SetNoDelay(true);
  listener_->OnConnected();
}

void Socket::OnConnectFailed(int error, net::Call call, const Address&) {
  if (call == net::Call::kGetaddrinfo) {
    const std::string tried = tried_.empty() ? "" : "; tried what it had before: " + tried_;
    return Fail(ErrorCode::kResolve, "The host of " + where_ + " does not resolve (" +
                                         uv_strerror(error) + tried +
                                         "): check its name and the resolver");
  }
  const std::string why = tried_.empty() ? std::string(uv_strerror(error)) : tried_;
  const bool is_refused = IsRefusal(error);
  Fail(is_refused ? ErrorCode::kRefused : ErrorCode::kConnect,
       "No connection to " + where_ + " (" + why +
           (is_refused ? "): check that the server runs there and listens" : ")"));
}

// It was made while the name was not resolved, and may be one to a server that was replaced.
void Socket::OnMoved() {
  Fail(ErrorCode::kDisconnected, "The connection to " + Peer() +
                                     " was dropped, because the name has that address no more: it "
                                     "was resolved only now");
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
    return Fail(ErrorCode::kDisconnected, "The server at " + Peer() + " closed the connection");
  }
  Fail(ErrorCode::kDisconnected,
       "The connection to " + Peer() + " broke (" + uv_strerror(static_cast<int>(count)) + ")");
}

}  // namespace sideloop::redis
