// Thread: its own; the test's threads only make and end it. A server that does what a script says,
// down to the byte: what no real server would do on demand.
// Owns: its sockets and its thread.
// Ends: its destructor hangs up on whoever is connected.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "redis/options.h"

namespace sideloop::test {

// One client's connection, as a script sees it. Blocking; everything ends where the server does.
class Peer {
 public:
  Peer(int fd, std::size_t number) : fd_(fd), number_(number) {}

  // The how-manieth connection it is, from 0.
  std::size_t number() const { return number_; }

  // The next command, or nothing where the client has hung up.
  std::optional<std::vector<std::string>> Read() {
    const auto count = ReadHeader('*');
    if (!count) return std::nullopt;
    std::vector<std::string> command;
    for (std::size_t i = 0; i < *count; ++i) {
      const auto length = ReadHeader('$');
      if (!length || !Fill(*length + 2)) return std::nullopt;
      command.push_back(buffer_.substr(0, *length));
      buffer_.erase(0, *length + 2);
    }
    return command;
  }

  // Reads `commands` commands. False where the client hangs up before.
  bool Skip(std::size_t commands) {
    for (; commands > 0; --commands) {
      if (!Read()) return false;
    }
    return true;
  }

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Answers HELLO as a RESP3 server does, and the PING behind it. False where the client hung up.
  bool Greet() {
    if (!Skip(1)) return false;
    Write("%1\r\n+proto\r\n:3\r\n");
    return GreetPlainly();
  }

  // Answers the PING that ends every greeting, and all of a greeting in RESP2.
  bool GreetPlainly() {
    if (!Skip(1)) return false;
    Write("+PONG\r\n");
    return true;
  }

  // Says no more, and reads until the client has hung up.
  void KeepSilent() {
    char dropped[4096];
    while (recv(fd_, dropped, sizeof(dropped), 0) > 0) {
    }
  }

  // Has the script's end be a reset instead of an orderly end of the stream.
  void ResetAtEnd() {
    const linger hard{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }

 private:
  bool Fill(std::size_t size) {
    while (buffer_.size() < size) {
      char arrived[4096];
      const ssize_t count = recv(fd_, arrived, sizeof(arrived), 0);
      if (count <= 0) return false;
      buffer_.append(arrived, static_cast<std::size_t>(count));
    }
    return true;
  }

  std::optional<std::size_t> ReadHeader(char type) {
    std::size_t end;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!Fill(buffer_.size() + 1)) return std::nullopt;
    }
    EXPECT_EQ(buffer_[0], type);
    const std::size_t value = std::stoul(buffer_.substr(1, end - 1));
    buffer_.erase(0, end + 2);
    return value;
  }

  const int fd_;
  const std::size_t number_;
  std::string buffer_;
};

class FakeServer {
 public:
  // Called for each connection, one after the other; the connection ends when it returns.
  using Script = std::function<void(Peer&)>;

  // At an address of this machine, on a free port where none is given.
  explicit FakeServer(Script script, const char* host = "127.0.0.1", int port = 0)
      : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = inet_addr(host);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  ~FakeServer() {
    ending_ = true;
    shutdown(listener_, SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      if (current_ >= 0) shutdown(current_, SHUT_RDWR);
    }
    thread_.join();
    close(listener_);
  }

  redis::Options options() const {
    redis::Options options;
    options.port = port_;
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 4;
    return options;
  }

 private:
  void Serve() {
    for (std::size_t number = 0;; ++number) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      {
        const std::lock_guard lock(mutex_);
        current_ = fd;
        if (ending_) shutdown(fd, SHUT_RDWR);
      }
      Peer peer(fd, number);
      script_(peer);
      const std::lock_guard lock(mutex_);
      current_ = -1;
      close(fd);
    }
  }

  const Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  int current_ = -1;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace sideloop::test
