#include "loop/timer.h"

#include "base/nanoseconds.h"

namespace sideloop {

Timer::Timer(Loop& loop, Job callback) : node_(new Node{{}, &loop, std::move(callback)}) {
  uv_timer_init(loop.uv(), &node_->handle);
  node_->handle.data = node_;
}

Timer::~Timer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle),
           [](uv_handle_t* handle) { delete static_cast<Node*>(handle->data); });
}

void Timer::Start(std::uint64_t ms) {
  // A loop's notion of now is as old as its last pass: after a long callback the timer would be
  // early.
  uv_update_time(node_->loop->uv());
  node_->due = Loop::Now() + ToNs(ms);
  uv_timer_start(
      &node_->handle,
      [](uv_timer_t* timer) {
        auto* node = static_cast<Node*>(timer->data);
        const Loop::Callback callback(*node->loop);
        node->loop->CountLateness(node->due, Loop::Now());
        node->callback();
      },
      ms, 0);
}

void Timer::Stop() { uv_timer_stop(&node_->handle); }

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&node_->handle)) != 0;
}

}  // namespace sideloop
