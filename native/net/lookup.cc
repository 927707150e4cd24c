#include "net/lookup.h"

namespace sideloop::net {

// What libuv holds a pointer to while it asks.
struct Lookup::Node {
  uv_getaddrinfo_t request;
  Loop* loop;
  LookupListener* listener;  // null once the lookup is gone
  std::string host;
  int port;
  int family;
  bool asking = false;
};

Lookup::Lookup(Loop& loop, const std::string& host, int port, int family, LookupListener& listener)
    : node_(new Node{{}, &loop, &listener, host, port, family}) {
  node_->request.data = node_;
}

Lookup::~Lookup() {
  if (!node_->asking) {
    delete node_;
    return;
  }
  node_->listener = nullptr;
  // One that has begun can't be cancelled; its callback finds nobody listening.
  uv_cancel(reinterpret_cast<uv_req_t*>(&node_->request));
}

int Lookup::Start() {
  addrinfo hints{};
  hints.ai_family = node_->family == 4 ? AF_INET : node_->family == 6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int error = uv_getaddrinfo(
      node_->loop->uv(), &node_->request,
      [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
        auto* node = static_cast<Node*>(request->data);
        node->loop->AssertOnLoop();
        const Loop::Callback callback(*node->loop);
        node->asking = false;
        if (node->listener == nullptr) {
          delete node;
        } else {
          std::vector<Address> addresses;
          for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
            if (a->ai_family == AF_INET || a->ai_family == AF_INET6) {
              addresses.emplace_back(a->ai_addr);
            }
          }
          if (status == 0 && addresses.empty()) status = UV_EAI_NODATA;
          node->listener->OnResolved(status, std::move(addresses));
        }
        uv_freeaddrinfo(found);
      },
      node_->host.c_str(), std::to_string(node_->port).c_str(), &hints);
  node_->asking = error == 0;
  return error;
}

}  // namespace sideloop::net
