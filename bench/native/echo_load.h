// Connections with one message in flight each: the next one is sent when its echo is here, complete
// and equal to the last byte.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "measurement.h"
#include "tcp_socket.h"

namespace sideloop::bench {

class EchoLoad {
 public:
  EchoLoad(std::uint16_t port, std::size_t connections, std::size_t bytes)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(bytes) {
    if (epoll_ < 0) Fail("epoll_create1 failed.");
    if (bytes < sizeof(std::uint64_t)) Fail("A message must hold its number.");
    latencies_.reserve(kExpectedSamples);
    for (std::size_t index = 0; index < connections; ++index) {
      connections_.push_back({TcpSocket(port), std::vector<char>(bytes), index << 40});
    }
    for (std::size_t index = 0; index < connections; ++index) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = index;
      std::memset(connections_[index].message.data(), 'a' + static_cast<int>(index % 26), bytes);
      epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[index].socket.descriptor(), &event);
      SendNext(connections_[index], NowMicros());
    }
  }
  ~EchoLoad() { close(epoll_); }
  EchoLoad(const EchoLoad&) = delete;
  EchoLoad& operator=(const EchoLoad&) = delete;

  // Returns with every connection still waiting for its echo, so that it can go on.
  void RunFor(double micros) {
    const double until = NowMicros() + micros;
    std::array<epoll_event, 128> events;
    double now = 0;
    do {
      const int count =
          epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kSilenceMs);
      if (count == 0)
        Fail("The server has not answered for " + std::to_string(kSilenceMs) + " ms.");
      now = NowMicros();
      for (int index = 0; index < count; ++index) {
        OnReadable(connections_[events[static_cast<std::size_t>(index)].data.u64]);
      }
    } while (now < until);
  }

  void Forget() { latencies_.clear(); }
  // Of all echoes since Forget(), in microseconds.
  [[nodiscard]] std::vector<double>& latencies() { return latencies_; }

 private:
  static constexpr std::size_t kExpectedSamples = 1 << 20;
  static constexpr int kSilenceMs = 5000;

  struct Connection {
    TcpSocket socket;
    std::vector<char> message;
    std::uint64_t number;
    std::size_t received = 0;
    double sent_at = 0;
  };

  void SendNext(Connection& connection, double now) {
    ++connection.number;
    std::memcpy(connection.message.data(), &connection.number, sizeof(connection.number));
    connection.received = 0;
    connection.sent_at = now;
    connection.socket.Send(connection.message);
  }

  void OnReadable(Connection& connection) {
    const std::size_t missing = connection.message.size() - connection.received;
    const std::size_t count = connection.socket.Receive(std::span(scratch_).first(missing));
    if (count == 0) Fail("The server has closed a connection.");
    if (std::memcmp(scratch_.data(), connection.message.data() + connection.received, count) != 0) {
      Fail("An echo differs from its message.");
    }
    connection.received += count;
    if (count != missing) return;
    const double now = NowMicros();
    latencies_.push_back(now - connection.sent_at);
    SendNext(connection, now);
  }

  const int epoll_;
  std::vector<char> scratch_;
  std::vector<Connection> connections_;
  std::vector<double> latencies_;
};

}  // namespace sideloop::bench
