#include "net/lookup.h"

#include <memory>
#include <utility>

#include "cross/resolver.h"

namespace sideloop::net {

// What libuv holds a pointer to while it asks. The answer comes by a handle of its own, and not by
// a post, which is refused from the moment that the loop is asked to stop.
struct Lookup::Node final : private Resolver::Waiter {
  Node(Loop& its_loop, LookupListener& its_listener) : loop(its_loop), listener(its_listener) {}

  ON_LOOP int Ask(const std::string& host, int family) {
    const int error = uv_async_init(loop.uv(), &answered, [](uv_async_t* handle) {
      auto* node = static_cast<Node*>(handle->data);
      node->loop.AssertOnLoop();
      const Loop::Callback callback(node->loop);
      node->Tell();
    });
    if (error != 0) return error;
    answered.data = this;
    Waiter& waiter = *this;
    question = Resolver::Shared().Resolve(host, family, waiter);
    return 0;
  }

  ON_LOOP void Close() {
    if (question == nullptr) {
      delete this;
      return;
    }
    // From here on nobody sends, which must not meet the end of the handle.
    question->Forget();
    uv_close(reinterpret_cast<uv_handle_t*>(&answered),
             [](uv_handle_t* closed) { delete static_cast<Node*>(closed->data); });
  }

  ON_LOOP void Tell() {
    if (auto answer = question->Take()) {
      for (Address& address : answer->addresses) address.set_port(port);
      listener.OnResolved(answer->status, std::move(answer->addresses));
    }
  }

  // On a thread of the resolver's.
  void OnAnswer() override { uv_async_send(&answered); }

  Loop& loop;
  LookupListener& listener;
  int port = 0;
  uv_async_t answered;
  std::shared_ptr<Resolver::Question> question;  // null until it is asked
};

Lookup::Lookup(Loop& loop, const std::string& host, int port, int family, LookupListener& listener)
    : node_(new Node(loop, listener)), host_(host), family_(family) {
  node_->port = port;
}

Lookup::~Lookup() { node_->Close(); }

int Lookup::Start() {
  // The system would take what stands before it for the whole name.
  if (host_.find('\0') != host_.npos) return UV_EINVAL;
  return node_->Ask(host_, family_);
}

}  // namespace sideloop::net
