#include "net/stream.h"

#ifndef _WIN32
#include <sys/socket.h>
#endif

#include <algorithm>
#include <utility>

#include "base/byte_buffer.h"

namespace sideloop::net {

namespace {
// What an idle stream may keep of the memory that it wrote from.
constexpr std::size_t kKeptForWriting = 16 << 10;

uv_buf_t BufferOf(std::string_view bytes) {
  return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}
}  // namespace

// What libuv holds pointers to. libuv calls back every request before it calls the close callback,
// which frees it.
struct Stream::Node {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  uv_connect_t connecting;
  uv_write_t writing;
  uv_shutdown_t shutting;
  Loop* loop;
  Kind kind;
  // Null before its time, and once the stream is gone.
  ConnectListener* connect_listener = nullptr;
  StreamListener* listener = nullptr;
  std::size_t most_at_once = 0;
  ByteBuffer sending;      // goes out, while not empty, piece by piece,
  std::size_t handed = 0;  // of which the first is in the hands of libuv
  ByteBuffer waiting;      // goes out behind that
  bool shutdown_asked = false;
  bool closing = false;

  static Node* Of(void* data) ASSERTS_ON_LOOP {
    auto* node = static_cast<Node*>(data);
    node->loop->AssertOnLoop();
    return node;
  }

  ON_LOOP void Close() {
    connect_listener = nullptr;
    listener = nullptr;
    if (std::exchange(closing, true)) return;
    uv_close(&handle, &OnClosed);
  }
  static void OnClosed(uv_handle_t* closed) { delete static_cast<Node*>(closed->data); }

  static void OnConnected(uv_connect_t* request, int status) {
    Node* node = Of(request->data);
    const Loop::Callback callback(*node->loop);
    if (node->connect_listener == nullptr) return;
    std::exchange(node->connect_listener, nullptr)->OnConnected(status);
  }

  ON_LOOP void SendPiece();
  ON_LOOP void ShutDown();
  ON_LOOP void OnWritten(int status);
};

Stream::Stream(Loop& loop, Kind kind, std::size_t most_at_once) : node_(new Node{}) {
  node_->loop = &loop;
  node_->kind = kind;
  node_->most_at_once = most_at_once;
  if (kind == Kind::kTcp) {
    uv_tcp_init(loop.uv(), &node_->tcp);
  } else {
    uv_pipe_init(loop.uv(), &node_->pipe, 0);
  }
  node_->handle.data = node_->connecting.data = node_->writing.data = node_->shutting.data = node_;
}

Stream::~Stream() { node_->Close(); }

int Stream::Bind(const Address& local) { return uv_tcp_bind(&node_->tcp, local.get(), 0); }

int Stream::ConnectTo(const Address& address, ConnectListener& listener) {
  const int error =
      uv_tcp_connect(&node_->connecting, &node_->tcp, address.get(), &Node::OnConnected);
  if (error == 0) node_->connect_listener = &listener;
  return error;
}

int Stream::ConnectTo(const std::string& path, ConnectListener& listener) {
  if (const int error = PathError(path); error != 0) return error;
  node_->connect_listener = &listener;
  uv_pipe_connect(&node_->connecting, &node_->pipe, path.c_str(), &Node::OnConnected);
  return 0;
}

int Stream::Accept(uv_stream_t* server) { return uv_accept(server, &node_->stream); }

void Stream::Open(StreamListener& listener) { node_->listener = &listener; }

void Stream::StartReading() {
  uv_read_start(
      &node_->stream,
      [](uv_handle_t* readable, std::size_t, uv_buf_t* into) {
        auto* node = static_cast<Node*>(readable->data);
        node->loop->AssertOnLoop();
        *into = node->listener->ReadRoom();
      },
      [](uv_stream_t* readable, ssize_t count, const uv_buf_t*) {
        if (count == 0) return;
        Node* node = Node::Of(readable->data);
        const Loop::Callback callback(*node->loop);
        if (count < 0) uv_read_stop(readable);
        node->listener->OnRead(count);
      });
}

void Stream::StopReading() { uv_read_stop(&node_->stream); }

void Stream::Write(std::string_view bytes) {
  Node& node = *node_;
  if (!node.sending.empty()) {
    node.waiting.Append(bytes);
    return;
  }
  const uv_buf_t buffer = BufferOf(bytes.substr(0, node.most_at_once));
  const int written = uv_try_write(&node.stream, &buffer, 1);
  if (written < 0 && written != UV_EAGAIN && written != UV_ENOSYS) {
    node.listener->OnWriteFailed(written);
    return;
  }
  if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  if (!bytes.empty()) {
    node.sending.Append(bytes);
    node.SendPiece();
  }
  if (written > 0 && node.listener != nullptr) {
    node.listener->OnWritten(static_cast<std::size_t>(written));
  }
}

void Stream::Node::SendPiece() {
  handed = std::min(sending.size(), most_at_once);
  const uv_buf_t buffer = BufferOf(sending.view().substr(0, handed));
  const int error = uv_write(&writing, &stream, &buffer, 1, [](uv_write_t* request, int status) {
    Node* node = Of(request->data);
    const Loop::Callback callback(*node->loop);
    node->OnWritten(status);
  });
  if (error != 0) OnWritten(error);
}

void Stream::Node::OnWritten(int status) {
  const std::size_t written = std::exchange(handed, 0);
  sending.Consume(written);
  if (sending.empty() || status != 0) sending.ClearAndTrim(kKeptForWriting);
  if (listener == nullptr) return;
  if (status != 0) {
    waiting.ClearAndTrim(kKeptForWriting);
    listener->OnWriteFailed(status);
    return;
  }
  if (sending.empty()) sending.Swap(waiting);
  if (!sending.empty()) {
    SendPiece();
  } else if (shutdown_asked) {
    ShutDown();
  }
  if (listener != nullptr) listener->OnWritten(written);
}

std::size_t Stream::unsent() const { return node_->sending.size() + node_->waiting.size(); }

std::size_t Stream::queued() const {
  return uv_stream_get_write_queue_size(&node_->stream) + unsent() - node_->handed;
}

int Stream::fd() const {
#ifdef _WIN32
  return -1;
#else
  uv_os_fd_t fd = -1;
  uv_fileno(&node_->handle, &fd);
  return fd;
#endif
}

void Stream::Shutdown() {
  node_->shutdown_asked = true;
  if (unsent() == 0) node_->ShutDown();
}

void Stream::Node::ShutDown() {
  const int error = uv_shutdown(&shutting, &stream, [](uv_shutdown_t* request, int status) {
    Node* node = Of(request->data);
    const Loop::Callback callback(*node->loop);
    if (node->listener != nullptr) node->listener->OnShutdown(status);
  });
  if (error != 0) listener->OnShutdown(error);
}

void Stream::Reset() {
  if (node_->kind != Kind::kTcp || node_->closing) return;
  if (uv_tcp_close_reset(&node_->tcp, &Node::OnClosed) == 0) node_->closing = true;
}

void Stream::SetNoDelay(bool on) {
  if (node_->kind == Kind::kTcp) uv_tcp_nodelay(&node_->tcp, on ? 1 : 0);
}

void Stream::SetKeepAlive(bool on, unsigned seconds) {
  if (node_->kind != Kind::kTcp) return;
  if (!on || seconds > 0) {
    uv_tcp_keepalive(&node_->tcp, on ? 1 : 0, seconds);
    return;
  }
  // libuv has no way to leave the delay as it is: newer versions refuse 0.
  uv_os_fd_t fd;
  if (uv_fileno(&node_->handle, &fd) != 0) return;
  const int yes = 1;
#ifdef _WIN32
  const auto handle = reinterpret_cast<SOCKET>(fd);
#else
  const int handle = fd;
#endif
  setsockopt(handle, SOL_SOCKET, SO_KEEPALIVE, reinterpret_cast<const char*>(&yes), sizeof yes);
}

Address Stream::local() const {
  sockaddr_storage storage;
  int size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (node_->kind != Kind::kTcp || uv_tcp_getsockname(&node_->tcp, address, &size) != 0) return {};
  return Address(address);
}

Address Stream::peer() const {
  sockaddr_storage storage;
  int size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (node_->kind != Kind::kTcp || uv_tcp_getpeername(&node_->tcp, address, &size) != 0) return {};
  return Address(address);
}

}  // namespace sideloop::net
