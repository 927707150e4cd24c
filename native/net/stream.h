// Thread: loop. One connected stream, or one that becomes so: TCP, or a pipe (a Unix socket, a
// named pipe on Windows).
// Owns: the uv stream, the bytes that the kernel has not taken yet.
// Ends: its destructor closes it at once and cuts it off from its listeners; libuv's handle is
// freed as libuv lets go of it.
#pragma once

#include <uv.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/annotations.h"
#include "cross/address.h"
#include "loop/loop.h"

namespace sideloop::net {

// Each of these may destroy the stream.
class ConnectListener {
 public:
  ON_LOOP virtual void OnConnected(int status) = 0;

 protected:
  ~ConnectListener() = default;
};

class StreamListener {
 public:
  // Where arriving bytes go.
  ON_LOOP virtual uv_buf_t ReadRoom() = 0;
  // How many arrived there; or UV_EOF or another error, and then nothing more comes.
  ON_LOOP virtual void OnRead(ssize_t count) = 0;
  // The kernel took so many bytes: never more than Stream::kMostAtOnce.
  ON_LOOP virtual void OnWritten(std::size_t bytes) = 0;
  // Writing failed. What was not written never will be.
  ON_LOOP virtual void OnWriteFailed(int error) = 0;
  ON_LOOP virtual void OnShutdown(int status) = 0;

 protected:
  ~StreamListener() = default;
};

class Stream {
 public:
  enum class Kind : std::uint8_t { kTcp, kPipe };

  // What libuv is handed at a time: it counts the bytes of a write in an int, and its buffers' in
  // 32 bits on Windows.
  static constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

  // `most_at_once` is another for tests.
  ON_LOOP Stream(Loop& loop, Kind kind, std::size_t most_at_once = kMostAtOnce);
  ON_LOOP ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Each returns a libuv error, or 0. After 0, Connect... is followed by OnConnected.
  ON_LOOP int Bind(const Address& local);
  ON_LOOP int ConnectTo(const Address& address, ConnectListener& listener);
  ON_LOOP int ConnectTo(const std::string& path, ConnectListener& listener);
  ON_LOOP int Accept(uv_stream_t* server);

  // Requires: connected. From here on the listener hears of it.
  ON_LOOP void Open(StreamListener& listener);
  ON_LOOP void StartReading();
  ON_LOOP void StopReading();

  // Writes: what the kernel takes goes at once, the rest is copied and goes when it can, in order.
  ON_LOOP void Write(std::string_view bytes);
  // Bytes that the kernel has not taken yet.
  ON_LOOP std::size_t unsent() const;
  // The same, but less with every byte that the kernel takes.
  ON_LOOP std::size_t queued() const;
  // The descriptor, or -1 where the system has none.
  ON_LOOP int fd() const;
  // Tells the peer that no more comes, behind all that was written. OnShutdown follows.
  ON_LOOP void Shutdown();
  // Closes it with a reset where it can, so that the peer gets an error instead of an end.
  ON_LOOP void Reset();

  ON_LOOP void SetNoDelay(bool on);
  // `seconds` of silence before the first probe; 0: as the system has it.
  ON_LOOP void SetKeepAlive(bool on, unsigned seconds);
  ON_LOOP Address local() const;
  ON_LOOP Address peer() const;

 private:
  struct Node;

  Node* node_;  // freed by libuv's last callback
};

}  // namespace sideloop::net
