#include "redis/socket.h"

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "net/address.h"
#include "net/lookup.h"

namespace sideloop::redis {

// What libuv holds pointers to. It lives until the stream is closed and no request is out, which is
// counted.
struct Socket::Node final : private net::LookupListener {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  std::unique_ptr<net::Lookup> lookup;
  uv_connect_t connecting;
  uv_write_t writing;
  Loop* loop;
  SocketListener* listener;            // null once the socket is gone
  std::string where;                   // for messages
  std::deque<net::Address> addresses;  // still to be tried
  ByteBuffer sending;
  bool stream_open = false;
  bool is_tcp = true;
  int holds = 1;  // the Socket itself, each open stream, each request out

  void Release() {
    if (--holds == 0) delete this;
  }

  static Node* Of(void* data) {
    auto* node = static_cast<Node*>(data);
    node->loop->AssertOnLoop();
    return node;
  }

  ON_LOOP void Fail(ErrorCode code, const std::string& what) {
    if (listener == nullptr) return;
    SocketListener& last = *std::exchange(listener, nullptr);
    last.OnSocketFailed({code, what});
  }

  ON_LOOP void OpenStream(bool tcp_stream) {
    is_tcp = tcp_stream;
    if (tcp_stream) {
      uv_tcp_init(loop->uv(), &tcp);
    } else {
      uv_pipe_init(loop->uv(), &pipe, 0);
    }
    handle.data = this;
    stream_open = true;
    ++holds;
  }

  // Closes the stream and, where somebody still listens and addresses are left, goes on with the
  // next.
  ON_LOOP void CloseStream() {
    if (!std::exchange(stream_open, false)) return;
    uv_close(&handle, [](uv_handle_t* closed) {
      auto* node = static_cast<Node*>(closed->data);
      node->loop->AssertOnLoop();
      if (node->listener != nullptr && !node->addresses.empty()) node->TryNextAddress();
      node->Release();
    });
  }

  ON_LOOP void Resolve(const std::string& host, int port, int family);
  ON_LOOP void OnResolved(int status, std::vector<net::Address> found) override;
  ON_LOOP void TryNextAddress();
  ON_LOOP void OnConnect(int status);
  ON_LOOP void FailConnect(int status);
};

Socket::Socket(Loop& loop, SocketListener& listener) : node_(new Node{}) {
  node_->loop = &loop;
  node_->listener = &listener;
}

Socket::~Socket() {
  node_->listener = nullptr;
  node_->CloseStream();
  node_->lookup.reset();
  node_->Release();
}

void Socket::ConnectTcp(const std::string& host, int port, int family) {
  Node& node = *node_;
  node.where = host + ":" + std::to_string(port);
  ++node.holds;  // for this call: a failure told inline may destroy the socket
  if (const auto numeric = net::Address::Parse(host, port)) {
    node.addresses.push_back(*numeric);
    node.TryNextAddress();
  } else {
    node.Resolve(host, port, family);
  }
  node.Release();
}

void Socket::Node::Resolve(const std::string& host, int port, int family) {
  net::LookupListener& its_listener = *this;
  lookup = std::make_unique<net::Lookup>(*loop, host, port, family, its_listener);
  if (const int error = lookup->Start(); error != 0) OnResolved(error, {});
}

void Socket::Node::OnResolved(int status, std::vector<net::Address> found) {
  lookup.reset();
  if (listener == nullptr) return;
  if (status != 0) {
    Fail(ErrorCode::kResolve, "The host of " + where + " does not resolve (" + uv_strerror(status) +
                                  "): check its name and the resolver");
    return;
  }
  addresses.assign(found.begin(), found.end());
  TryNextAddress();
}

void Socket::ConnectPath(const std::string& path) {
  Node& node = *node_;
  node.where = path;
  node.OpenStream(false);
  node.connecting.data = &node;
  ++node.holds;
  uv_pipe_connect(&node.connecting, &node.pipe, path.c_str(),
                  [](uv_connect_t* request, int status) {
                    Node* connected = Node::Of(request->data);
                    const Loop::Callback callback(*connected->loop);
                    connected->OnConnect(status);
                    connected->Release();
                  });
}

void Socket::Node::TryNextAddress() {
  OpenStream(true);
  const net::Address address = addresses.front();
  addresses.pop_front();
  connecting.data = this;
  ++holds;
  const int error =
      uv_tcp_connect(&connecting, &tcp, address.get(), [](uv_connect_t* request, int status) {
        Node* connected = Of(request->data);
        const Loop::Callback callback(*connected->loop);
        connected->OnConnect(status);
        connected->Release();
      });
  if (error == 0) return;
  --holds;
  OnConnect(error);
}

void Socket::Node::OnConnect(int status) {
  if (listener == nullptr) return;
  if (status == 0) {
    if (is_tcp) uv_tcp_nodelay(&tcp, 1);
    addresses.clear();
    listener->OnConnected();
  } else if (!addresses.empty()) {
    CloseStream();
  } else {
    FailConnect(status);
  }
}

void Socket::Node::FailConnect(int status) {
  const bool refused = status == UV_ECONNREFUSED || status == UV_ENOENT;
  Fail(refused ? ErrorCode::kRefused : ErrorCode::kConnect,
       "No connection to " + where + " (" + uv_strerror(status) +
           (refused ? "): check that the server runs there and listens" : ")"));
}

void Socket::StartReading() {
  uv_read_start(
      &node_->stream,
      [](uv_handle_t* readable, std::size_t, uv_buf_t* into) {
        auto* node = static_cast<Node*>(readable->data);
        node->loop->AssertOnLoop();
        const std::span<char> room = node->listener->ReadRoom();
        *into = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* readable, ssize_t count, const uv_buf_t*) {
        Node* node = Node::Of(readable->data);
        const Loop::Callback callback(*node->loop);
        if (count > 0) {
          node->listener->OnRead(static_cast<std::size_t>(count));
        } else if (count == UV_EOF) {
          node->Fail(ErrorCode::kDisconnected,
                     "The server at " + node->where + " closed the connection");
        } else if (count < 0) {
          node->Fail(ErrorCode::kDisconnected, "The connection to " + node->where + " broke (" +
                                                   uv_strerror(static_cast<int>(count)) + ")");
        }
      });
}

void Socket::StopReading() { uv_read_stop(&node_->stream); }

void Socket::KeepAlive(std::uint64_t idle_ms) {
  if (!node_->is_tcp) return;
  const std::uint64_t seconds = (idle_ms + 999) / 1000;
  uv_tcp_keepalive(&node_->tcp, 1, static_cast<unsigned>(seconds == 0 ? 1 : seconds));
}

int Socket::fd() const {
#ifdef _WIN32
  return -1;
#else
  uv_os_fd_t fd = -1;
  uv_fileno(&node_->handle, &fd);
  return fd;
#endif
}

bool Socket::writing() const { return !node_->sending.empty(); }

std::size_t Socket::unsent() const { return uv_stream_get_write_queue_size(&node_->stream); }

void Socket::Write(std::string_view bytes) {
  Node& node = *node_;
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int written = uv_try_write(&node.stream, &buffer, 1);
  if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  if (bytes.empty()) return;
  // The kernel's buffer is full. Or the socket is broken: then reading says how, and may have
  // replies for us first.
  node.sending.Append(bytes);
  buffer = uv_buf_init(const_cast<char*>(node.sending.data()), static_cast<unsigned>(bytes.size()));
  node.writing.data = &node;
  ++node.holds;
  const int error =
      uv_write(&node.writing, &node.stream, &buffer, 1, [](uv_write_t* request, int status) {
        Node* written_by = Node::Of(request->data);
        const Loop::Callback callback(*written_by->loop);
        written_by->sending.ClearAndTrim(kReadSize);
        if (written_by->listener != nullptr && status == 0) written_by->listener->OnWritten();
        written_by->Release();
      });
  if (error != 0) node.Release();
}

}  // namespace sideloop::redis
