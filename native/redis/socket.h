// Thread: loop. One attempt at a stream to the server: connect, read, write. A new one for each
// generation of a connection, so that nothing of an old socket can reach a new one.
// Owns: the connector or the stream.
// Ends: its destructor cuts it off from its listener at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/annotations.h"
#include "base/error.h"
#include "cross/address_book.h"
#include "loop/loop.h"
#include "net/connector.h"
#include "net/stream.h"

namespace sideloop::redis {

// Each of these may destroy the socket.
class SocketListener {
 public:
  ON_LOOP virtual void OnConnected() = 0;
  // Room for arriving bytes, and then how many arrived there.
  ON_LOOP virtual std::span<char> ReadRoom() = 0;
  ON_LOOP virtual void OnRead(std::size_t bytes) = 0;
  // What was unsent when Write returned went out.
  ON_LOOP virtual void OnWritten() = 0;
  // It never connected, or it is broken, or the peer closed it. Comes once and last.
  ON_LOOP virtual void OnSocketFailed(const Error& error) = 0;

 protected:
  ~SocketListener() = default;
};

class Socket final : private net::ConnectorListener, private net::StreamListener {
 public:
  // Bytes read at a time: what is urgent runs between two reads.
  static constexpr std::size_t kReadSize = 64 << 10;

  ON_LOOP Socket(Loop& loop, SocketListener& listener) : loop_(loop), listener_(&listener) {}
  ON_LOOP ~Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Begins to connect; OnConnected or OnSocketFailed follows, the latter perhaps before this
  // returns. The addresses of a name are tried as net::Connector does, which gets its options.
  ON_LOOP void Connect(net::ConnectOptions options);
  // Where to, for messages: of a name, with what became of its addresses.
  ON_LOOP std::string Where() const;
  // The server there is a good one: the next connection to its name may go to its address while the
  // name is resolved. Requires: connected.
  ON_LOOP void Remember();
  ON_LOOP void KeepAlive(std::uint64_t idle_ms);

  // Begin and cease to read; each may be called again. Requires: connected.
  ON_LOOP void StartReading() { stream_->StartReading(); }
  ON_LOOP void StopReading() { stream_->StopReading(); }

  // Writes: what the kernel takes goes at once, the rest is copied and goes when it can. Requires:
  // connected, and !writing().
  ON_LOOP void Write(std::string_view bytes);
  // The descriptor, or -1 where the system has none.
  ON_LOOP int fd() const { return stream_->fd(); }

  // True while the kernel has not taken all that Write was given.
  ON_LOOP bool writing() const { return stream_->unsent() > 0; }
  // Bytes of that which are left: fewer than before means that the peer goes on reading.
  ON_LOOP std::size_t unsent() const { return stream_->queued(); }

 private:
  // net::ConnectorListener.
  ON_LOOP void OnAddress(const Address&) override {}
  ON_LOOP void OnAttemptFailed(int error, const Address& address) override;
  ON_LOOP void OnStream(std::unique_ptr<net::Stream> stream) override;
  ON_LOOP void OnConnectFailed(int error, net::Call call, const Address& address) override;
  ON_LOOP void OnMoved() override;
  // net::StreamListener.
  ON_LOOP uv_buf_t ReadRoom() override;
  ON_LOOP void OnRead(ssize_t count) override;
  ON_LOOP void OnWritten(std::size_t bytes) override;
  // Reading says how it broke, and may have replies for us first.
  ON_LOOP void OnWriteFailed(int) override {}
  ON_LOOP void OnShutdown(int) override {}

  ON_LOOP std::string Peer() const;
  ON_LOOP void Fail(ErrorCode code, const std::string& what);

  Loop& loop_;
  SocketListener* listener_;  // null once it has failed
  AddressBook::Name name_;    // no host: it is no name
  Address address_;           // where it is connected to, if that is of a name
  std::string where_;
  std::string tried_;  // the addresses that failed, and why
  bool in_write_ = false;
  LOOP_ONLY std::unique_ptr<net::Connector> connector_;  // until the name is resolved, at least
  LOOP_ONLY std::unique_ptr<net::Stream> stream_;
};

}  // namespace sideloop::redis
