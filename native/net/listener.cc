#include "net/listener.h"

#include <utility>

#include "net/socket_table.h"
#include "net/stream.h"

namespace sideloop::net {

// What libuv holds pointers to.
struct Listener::Node {
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  };
  Loop* loop;
  Listener* listener;  // null once the listener is gone
  bool is_tcp;
};

Listener::Listener(SocketTable& table, Id id, ListenOptions options)
    : table_(table), id_(id), options_(std::move(options)) {}

Listener::~Listener() { Close(); }

void Listener::Open(bool tcp) {
  node_ = new Node{};
  node_->loop = &table_.loop();
  node_->listener = this;
  node_->is_tcp = tcp;
  if (tcp) {
    uv_tcp_init(table_.loop().uv(), &node_->tcp);
  } else {
    uv_pipe_init(table_.loop().uv(), &node_->pipe, 0);
  }
  node_->handle.data = node_;
}

void Listener::Close() {
  if (node_ == nullptr) return;
  node_->listener = nullptr;
  uv_close(&std::exchange(node_, nullptr)->handle,
           [](uv_handle_t* closed) { delete static_cast<Node*>(closed->data); });
}

void Listener::Start() {
  if (options_.is_path) return ListenOnPath();
  if (options_.host.empty()) return ListenOnAny();
  if (const auto address = Address::Parse(options_.host, options_.port)) {
    if (const int error = ListenOn(*address); error != 0) Fail(error, Call::kListen, *address);
    return;
  }
  LookupListener& listener = *this;
  lookup_ = std::make_unique<Lookup>(table_.loop(), options_.host, options_.port, 0, listener);
  if (const int error = lookup_->Start(); error != 0) Fail(error, Call::kGetaddrinfo, {});
}

void Listener::OnResolved(int status, std::vector<Address> addresses) {
  lookup_.reset();
  if (status != 0) return Fail(status, Call::kGetaddrinfo, {});
  const Address& first = addresses.front();
  if (const int error = ListenOn(first); error != 0) Fail(error, Call::kListen, first);
}

// Both families by one socket where the machine has IPv6.
void Listener::ListenOnAny() {
  const Address ipv6 = *Address::Parse("::", options_.port);
  const int error = ListenOn(ipv6);
  if (error == 0) return;
  if (error == UV_EADDRINUSE || error == UV_EACCES) return Fail(error, Call::kListen, ipv6);
  const Address ipv4 = *Address::Parse("0.0.0.0", options_.port);
  if (const int second = ListenOn(ipv4); second != 0) Fail(second, Call::kListen, ipv4);
}

int Listener::ListenOn(const Address& address) {
  Close();
  Open(true);
  const unsigned flags = options_.ipv6_only && address.family() == 6 ? UV_TCP_IPV6ONLY : 0;
  if (const int error = uv_tcp_bind(&node_->tcp, address.get(), flags); error != 0) return error;
  if (const int error = Listen(); error != 0) return error;
  sockaddr_storage storage;
  int size = sizeof storage;
  auto* bound = reinterpret_cast<sockaddr*>(&storage);
  const bool known = uv_tcp_getsockname(&node_->tcp, bound, &size) == 0;
  table_.Reporting().AddListening(id_, known ? Address(bound) : address);
  return 0;
}

void Listener::ListenOnPath() {
  Open(false);
  int error = PathError(options_.host);
  if (error == 0) error = uv_pipe_bind(&node_->pipe, options_.host.c_str());
  if (error == 0 && (options_.readable_all || options_.writable_all)) {
    error = uv_pipe_chmod(&node_->pipe, (options_.readable_all ? UV_READABLE : 0) |
                                            (options_.writable_all ? UV_WRITABLE : 0));
  }
  if (error == 0) error = Listen();
  if (error != 0) return Fail(error, Call::kListen, {});
  table_.Reporting().AddListening(id_, {});
}

int Listener::Listen() {
  spare_.Take();
  return uv_listen(&node_->stream, options_.backlog, [](uv_stream_t* server, int status) {
    auto* node = static_cast<Node*>(server->data);
    const Loop::Callback callback(*node->loop);
    if (node->listener != nullptr) node->listener->OnConnection(status);
  });
}

void Listener::Fail(int error, Call call, const Address& address) {
  lookup_.reset();
  Close();
  table_.Reporting().AddError(id_, error, call, address);
}

// While a connection is not accepted, libuv does not look for the next one: that is how the
// listener waits for JS.
void Listener::OnConnection(int status) {
  if (status != 0) return OnAcceptFailed(status);
  if (untaken_ >= kMostUntaken) {
    waits_ = true;
    return;
  }
  Accept();
}

// The connection stays at the head of the queue and libuv tries it again at once: it must be taken,
// or the thread would do nothing else. libuv keeps a descriptor of its own for that, and this is
// for when another thread has taken it away.
void Listener::OnAcceptFailed(int error) {
  const bool is_starved = error == UV_EMFILE || error == UV_ENFILE;
  if (is_starved && spare_.held()) {
    spare_.Drop();
    return;
  }
  Fail(error, Call::kAccept, {});
}

void Listener::Accept() {
  auto stream = std::make_unique<Stream>(table_.loop(),
                                         node_->is_tcp ? Stream::Kind::kTcp : Stream::Kind::kPipe);
  if (stream->Accept(&node_->stream) != 0) return;
  // Where it was given up and can't be had again, this connection has the last descriptor.
  spare_.Take();
  const bool starved = !spare_.held();
  if (starved || (options_.most_connections >= 0 && *open_ >= options_.most_connections)) {
    table_.Reporting().AddDropped(id_, stream->local(), stream->peer());
    stream.reset();
    spare_.Take();
    return;
  }
  ++untaken_;
  table_.Adopt(id_, std::move(stream), open_, options_.paused);
}

void Listener::Acknowledge(int connections) {
  untaken_ -= connections;
  if (waits_ && untaken_ < kMostUntaken) {
    waits_ = false;
    Accept();
  }
}

}  // namespace sideloop::net
