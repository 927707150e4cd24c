// A connected TCP socket to the server under load, and the few calls that the load needs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include "measurement.h"

namespace sideloop::bench {

class TcpSocket {
 public:
  explicit TcpSocket(std::uint16_t port)
      : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (descriptor_ < 0) FailWithErrno("socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      FailWithErrno("connect");
    }
    const int on = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  ~TcpSocket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  TcpSocket(TcpSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;
  TcpSocket& operator=(TcpSocket&&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }

  // Waits until the kernel has taken all of it.
  void Send(std::span<const char> data) const {
    while (!data.empty()) {
      const ssize_t sent = send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) FailWithErrno("send");
      data = data.subspan(static_cast<std::size_t>(sent));
    }
  }

  // Waits until something is there; 0 at the end of the stream.
  [[nodiscard]] std::size_t Receive(std::span<char> buffer) const {
    for (;;) {
      const ssize_t received = recv(descriptor_, buffer.data(), buffer.size(), 0);
      if (received < 0 && errno == EINTR) continue;
      if (received < 0) FailWithErrno("recv");
      return static_cast<std::size_t>(received);
    }
  }

  void ShutDownWriting() const {
    if (shutdown(descriptor_, SHUT_WR) != 0) FailWithErrno("shutdown");
  }

 private:
  [[noreturn]] static void FailWithErrno(const char* call) {
    Fail(std::string(call) + ": " + std::strerror(errno));
  }

  int descriptor_;
};

}  // namespace sideloop::bench
