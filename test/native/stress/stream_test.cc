// What a stream writes, when it is more than may be handed to libuv at a time. A failure here is a
// write beyond 2 GiB that is cut off, out of order, or told in a number that has no room for it.
#include "net/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "stress/event.h"
#include "stress/listening.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

constexpr std::size_t kPiece = 100'000;

std::string Pattern(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; bytes.size() < size; ++i) bytes += std::to_string(i) + ",";
  bytes.resize(size);
  return bytes;
}

// A stream that cuts at kPiece, and what it tells.
class Writing final : private net::ConnectListener, private net::StreamListener {
 public:
  Writing(EventLoop& loop, int port) : loop_(loop) {
    On([&] {
      net::ConnectListener& listener = *this;
      stream_ = std::make_unique<net::Stream>(loop_.loop(), net::Stream::Kind::kTcp, kPiece);
      const auto address = Address::Parse("127.0.0.1", port);
      EXPECT_EQ(stream_->ConnectTo(*address, listener), 0);
    });
    EXPECT_TRUE(connected_.Wait());
  }
  ~Writing() {
    On([&] { stream_.reset(); });
  }

  template <typename Body>
  void On(Body body) {
    RunOn(loop_, [&] {
      loop_.loop().AssertOnLoop();
      body();
    });
  }
  net::Stream& stream() { return *stream_; }
  std::size_t Written() {
    std::size_t written = 0;
    On([&] { written = written_; });
    return written;
  }

  std::size_t most_at_once = 0;  // on the loop thread, as the next
  int failures = 0;
  Event failed;
  Event shut;

 private:
  void OnConnected(int status) override {
    EXPECT_EQ(status, 0);
    net::StreamListener& listener = *this;
    stream_->Open(listener);
    connected_.Set();
  }
  uv_buf_t ReadRoom() override { return uv_buf_init(room_, sizeof room_); }
  void OnRead(ssize_t) override {}
  void OnWritten(std::size_t bytes) override {
    written_ += bytes;
    most_at_once = std::max(most_at_once, bytes);
  }
  void OnWriteFailed(int) override {
    ++failures;
    failed.Set();
  }
  void OnShutdown(int status) override {
    EXPECT_EQ(status, 0);
    shut.Set();
  }

  EventLoop& loop_;
  std::unique_ptr<net::Stream> stream_;
  std::size_t written_ = 0;
  char room_[64];
  Event connected_;
};

int Accept(Listening& server) {
  EXPECT_TRUE(WaitUntil([&] { return server.accepted() == 1; }));
  return server.connection(0);
}

std::string ReadToTheEnd(int fd) {
  std::string received;
  std::vector<char> room(1 << 16);
  for (ssize_t count; (count = recv(fd, room.data(), room.size(), 0)) > 0;) {
    received.append(room.data(), static_cast<std::size_t>(count));
  }
  return received;
}

class Streams : public testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(loop_->Stop(0)); }

  Listening server_{"127.0.0.1"};
  std::unique_ptr<EventLoop> loop_ = StartLoop();
};

TEST_F(Streams, CutWhatTheyWriteIntoPieces) {
  Writing writing(*loop_, server_.port());
  const int peer = Accept(server_);
  const std::string sent = Pattern(32'000'001);  // more than the kernel takes
  writing.On([&] {
    writing.stream().Write(sent.substr(0, 20'000'000));
    EXPECT_GT(writing.stream().unsent(), kPiece);
    EXPECT_LE(writing.stream().queued(), writing.stream().unsent());
    EXPECT_GT(writing.stream().queued(), kPiece) << "what was not handed over yet counts too";
    writing.stream().Write(sent.substr(20'000'000, 1));
    writing.stream().Write(sent.substr(20'000'001));
    writing.stream().Shutdown();
  });
  EXPECT_EQ(ReadToTheEnd(peer), sent);
  ASSERT_TRUE(writing.shut.Wait());
  EXPECT_EQ(writing.Written(), sent.size());
  writing.On([&] {
    EXPECT_LE(writing.most_at_once, kPiece);
    EXPECT_EQ(writing.stream().unsent(), 0u);
    EXPECT_EQ(writing.stream().queued(), 0u);
    EXPECT_EQ(writing.failures, 0);
  });
}

TEST_F(Streams, WriteWhatFitsOnePieceAtOnce) {
  Writing writing(*loop_, server_.port());
  const int peer = Accept(server_);
  std::string sent;
  for (const std::size_t size : {std::size_t{1}, kPiece - 1, kPiece, kPiece + 1, 2 * kPiece}) {
    const std::string bytes = Pattern(size);
    writing.On([&] { writing.stream().Write(bytes); });
    sent += bytes;
  }
  writing.On([&] { writing.stream().Shutdown(); });
  EXPECT_EQ(ReadToTheEnd(peer), sent);
  EXPECT_EQ(writing.Written(), sent.size());
  writing.On([&] { EXPECT_LE(writing.most_at_once, kPiece); });
}

TEST_F(Streams, TellOfAFailureAmongThePiecesOnce) {
  Writing writing(*loop_, server_.port());
  const int peer = Accept(server_);
  const std::string sent = Pattern(32'000'001);
  writing.On([&] {
    writing.stream().Write(sent);
    writing.stream().Write("behind it");
  });
  const linger hard{1, 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  server_.Close(0);
  ASSERT_TRUE(writing.failed.Wait());
  EXPECT_LT(writing.Written(), sent.size());
  writing.On([&] {
    EXPECT_EQ(writing.stream().unsent(), 0u);
    EXPECT_EQ(writing.failures, 1);
  });
}

}  // namespace
}  // namespace sideloop::test
