// Thread: the test's. Where something listens, or seems to, on the addresses 127.0.0.x, of which
// Linux has all.
// Owns: its sockets.
// Ends: its destructor closes them.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sideloop::test {

inline sockaddr_in SocketAddress(const std::string& digits, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = inet_addr(digits.c_str());
  return address;
}

inline int ListenAt(const std::string& digits, int port, int backlog) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = SocketAddress(digits, port);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd, backlog), 0);
  return fd;
}

// The kernel accepts for it.
class Listening {
 public:
  // On a free port, where none is given.
  explicit Listening(const std::string& digits, int port = 0) : fd_(ListenAt(digits, port, 64)) {}
  ~Listening() {
    close(fd_);
    for (const int each : accepted_) close(each);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  // How many connections there were.
  std::size_t accepted() {
    for (int fd; (fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      accepted_.push_back(fd);
    }
    return accepted_.size();
  }
  // One of those.
  int connection(std::size_t number) const { return accepted_[number]; }
  void Close(std::size_t number) {
    close(accepted_[number]);
    accepted_[number] = -1;
  }

 private:
  const int fd_;
  std::vector<int> accepted_;
};

// Takes no connection: its queue is full, so that SYNs are dropped.
class Hole {
 public:
  Hole(const std::string& digits, int port) : sockets_{ListenAt(digits, port, 0)} {
    sockaddr_in address = SocketAddress(digits, port);
    for (int i = 0; i < 4; ++i) {
      sockets_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)connect(sockets_.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  ~Hole() {
    for (const int each : sockets_) close(each);
  }
  Hole(const Hole&) = delete;
  Hole& operator=(const Hole&) = delete;

 private:
  std::vector<int> sockets_;
};

}  // namespace sideloop::test
