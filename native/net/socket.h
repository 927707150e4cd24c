// Thread: loop. One socket of JS: on its way to a connection, connected, or broken and waiting for
// JS to close it.
// Owns: its connector, its stream, its idle clock.
// Ends: its table destroys it, which closes all of it at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/annotations.h"
#include "base/byte_buffer.h"
#include "loop/timer.h"
#include "net/connector.h"
#include "net/stream.h"
#include "net/wire.h"

namespace sideloop::net {

class SocketTable;

//   connecting --OnStream--> open --error--> broken
//        |                                      ^
//        +------------OnConnectFailed-----------+
class Socket final : private ConnectorListener, private StreamListener {
 public:
  // The most bytes that JS was given and has not acknowledged; reading stops there.
  static constexpr std::size_t kReadWindow = 256 << 10;
  // JS hears of written bytes in portions of at least so many. Less than what it may have in
  // transit, or it would wait for ever.
  static constexpr std::size_t kWrittenPortion = 64 << 10;

  ON_LOOP Socket(SocketTable& table, Id id) : table_(table), id_(id) {}
  ON_LOOP ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // One of these begins its life.
  ON_LOOP void Connect(ConnectOptions options);
  // `open` counts the listener's connections.
  ON_LOOP void Adopt(std::unique_ptr<Stream> stream, std::shared_ptr<int> open);

  // What JS asks for. On a broken socket they do nothing.
  ON_LOOP void Write(std::string_view bytes);
  ON_LOOP void Acknowledge(std::size_t bytes);
  ON_LOOP void Shutdown();
  ON_LOOP void Reset();
  ON_LOOP void SetNoDelay(bool on);
  ON_LOOP void SetKeepAlive(bool on, unsigned seconds);
  ON_LOOP void SetTimeout(std::uint64_t ms);
  ON_LOOP void set_paused(bool paused) { paused_ = paused; }

  // Bytes are unsent, or the end is.
  ON_LOOP bool Busy() const;
  ON_LOOP bool connecting() const { return connector_ != nullptr; }

 private:
  // ConnectorListener.
  ON_LOOP void OnAddress(const Address& address) override;
  ON_LOOP void OnAttemptFailed(int error, const Address& address) override;
  ON_LOOP void OnStream(std::unique_ptr<Stream> stream) override;
  ON_LOOP void OnConnectFailed(int error, Call call, const Address& address) override;
  // StreamListener.
  ON_LOOP uv_buf_t ReadRoom() override;
  ON_LOOP void OnRead(ssize_t count) override;
  ON_LOOP void OnWritten(std::size_t bytes) override;
  ON_LOOP void OnWriteFailed(int error) override;
  ON_LOOP void OnShutdown(int status) override;

  ON_LOOP void Open(std::unique_ptr<Stream> stream);
  ON_LOOP void Fail(int error, Call call, const Address& address = {});
  ON_LOOP void Active();
  ON_LOOP void OnIdleTimer();

  SocketTable& table_;
  const Id id_;
  LOOP_ONLY std::unique_ptr<Connector> connector_;
  LOOP_ONLY std::unique_ptr<Stream> stream_;  // null while it connects, and when it is broken
  LOOP_ONLY std::shared_ptr<int> open_;
  LOOP_ONLY std::unique_ptr<Timer> idle_timer_;
  LOOP_ONLY std::uint64_t timeout_ms_ = 0;
  LOOP_ONLY std::uint64_t active_at_ = 0;     // in ms of uv_now
  LOOP_ONLY ByteBuffer early_;                // written while it connected
  LOOP_ONLY std::size_t unacknowledged_ = 0;  // bytes read
  LOOP_ONLY std::size_t unreported_ = 0;      // bytes written
  LOOP_ONLY unsigned keep_alive_seconds_ = 0;
  LOOP_ONLY bool keep_alive_ = false;
  LOOP_ONLY bool no_delay_ = false;
  LOOP_ONLY bool paused_ = false;
  LOOP_ONLY bool at_end_ = false;  // the peer has sent all
  LOOP_ONLY bool shutting_down_ = false;
  LOOP_ONLY bool broken_ = false;
};

}  // namespace sideloop::net
