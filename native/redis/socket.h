// Thread: loop. One attempt at a stream: resolve, connect, read, write. A new one for each
// generation of a connection, so that nothing of an old socket can reach a new one. Owns: the uv
// stream, the resolver request, what is being written. Ends: its destructor cuts it off from its
// listener at once; libuv's handles are freed as it lets go of them.
#pragma once

#include <uv.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/annotations.h"
#include "base/byte_buffer.h"
#include "base/error.h"
#include "loop/loop.h"

namespace sideloop::redis {

// Each of these may destroy the socket.
class SocketListener {
 public:
  ON_LOOP virtual void OnConnected() = 0;
  // Room for arriving bytes, and then how many arrived there.
  ON_LOOP virtual std::span<char> ReadRoom() = 0;
  ON_LOOP virtual void OnRead(std::size_t bytes) = 0;
  // What was unsent went out.
  ON_LOOP virtual void OnWritten() = 0;
  // It never connected, or it is broken, or the peer closed it. Comes once and last.
  ON_LOOP virtual void OnSocketFailed(const Error& error) = 0;

 protected:
  ~SocketListener() = default;
};

class Socket {
 public:
  // Bytes read at a time: what is urgent runs between two reads.
  static constexpr std::size_t kReadSize = 64 << 10;

  ON_LOOP Socket(Loop& loop, SocketListener& listener);
  ON_LOOP ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect; OnConnected or OnSocketFailed follows, the latter perhaps before this
  // returns. All addresses of a name are tried in turn.
  ON_LOOP void ConnectTcp(const std::string& host, int port, int family);
  ON_LOOP void ConnectPath(const std::string& path);
  ON_LOOP void KeepAlive(std::uint64_t idle_ms);

  // Begin and cease to read; each may be called again. Requires: connected.
  ON_LOOP void StartReading();
  ON_LOOP void StopReading();

  // Writes: what the kernel takes goes at once, the rest is copied and goes when it can. Requires:
  // connected, and !writing().
  ON_LOOP void Write(std::string_view bytes);
  // The descriptor, or -1 where the system has none.
  ON_LOOP int fd() const;

  // True while the kernel has not taken all that Write was given.
  ON_LOOP bool writing() const;
  // Bytes of that which are left: fewer than before means that the peer goes on reading.
  ON_LOOP std::size_t unsent() const;

 private:
  struct Node;

  Node* node_;  // freed by libuv's last callback
};

}  // namespace sideloop::redis
