// One connection and as many bytes as go through it, in one direction. The content is checked: a
// download's by every byte, an upload's by the server at the ends of its chunks and by the count
// that it answers with.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "measurement.h"
#include "tcp_socket.h"

namespace sideloop::bench {

// As in bench/net/server.mjs.
inline constexpr std::size_t kBlock = 64 * 1024;
inline constexpr std::size_t kPeriod = 251;

// Byte i of a block's length and one period more is i modulo the period.
inline std::vector<char> BulkPattern() {
  std::vector<char> pattern(kBlock + kPeriod);
  for (std::size_t index = 0; index < pattern.size(); ++index) {
    pattern[index] = static_cast<char>(index % kPeriod);
  }
  return pattern;
}

class Upload {
 public:
  explicit Upload(std::uint16_t port) : socket_(port) {}

  // How many bytes the kernel took in that time.
  std::uint64_t RunFor(double micros) {
    const std::uint64_t before = bytes_;
    const double until = NowMicros() + micros;
    while (NowMicros() < until) {
      socket_.Send(std::span(pattern_).subspan(bytes_ % kPeriod, kBlock));
      bytes_ += kBlock;
    }
    return bytes_ - before;
  }

  // The server must have got it all.
  void Finish() {
    socket_.ShutDownWriting();
    std::string answer;
    std::array<char, 64> buffer;
    while (const std::size_t count = socket_.Receive(buffer)) answer.append(buffer.data(), count);
    if (answer != std::to_string(bytes_)) {
      Fail("The server got '" + answer + "' bytes of " + std::to_string(bytes_) + ".");
    }
  }

 private:
  const std::vector<char> pattern_ = BulkPattern();
  TcpSocket socket_;
  std::uint64_t bytes_ = 0;
};

class Download {
 public:
  explicit Download(std::uint16_t port) : socket_(port), buffer_(kBlock) {}

  // How many bytes came in that time.
  std::uint64_t RunFor(double micros) {
    const std::uint64_t before = bytes_;
    const double until = NowMicros() + micros;
    while (NowMicros() < until) {
      // Never past the end of the server's block, which begins anew there.
      const std::size_t offset = bytes_ % kBlock;
      const std::size_t count = socket_.Receive(std::span(buffer_).first(kBlock - offset));
      if (count == 0) Fail("The server has closed the connection.");
      if (std::memcmp(buffer_.data(), pattern_.data() + offset, count) != 0) {
        Fail("The download is not what was written, near byte " + std::to_string(bytes_) + ".");
      }
      bytes_ += count;
    }
    return bytes_ - before;
  }

  void Finish() {}

 private:
  const std::vector<char> pattern_ = BulkPattern();
  TcpSocket socket_;
  std::vector<char> buffer_;
  std::uint64_t bytes_ = 0;
};

}  // namespace sideloop::bench
