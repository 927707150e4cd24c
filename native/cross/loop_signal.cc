#include "cross/loop_signal.h"

#include <cassert>
#include <memory>
#include <utility>

namespace sideloop {

struct LoopSignal::Handle {
  Loop& loop;
  SignalListener& listener;
  uv_async_t async;
};

LoopSignal::~LoopSignal() {
  // Invariant: the loop ends after what is told by it, or libuv would keep a dead handle.
  assert(handle_ == nullptr);
}

int LoopSignal::Open(Loop& loop) {
  MutexLock lock(mutex_);
  if (handle_ != nullptr) return 0;
  auto handle = std::make_unique<Handle>(loop, listener_);
  const int error = uv_async_init(loop.uv(), &handle->async, [](uv_async_t* async) {
    auto* told = static_cast<Handle*>(async->data);
    told->loop.AssertOnLoop();
    const Loop::Callback callback(told->loop);
    told->listener.OnSignal();
  });
  if (error != 0) return error;
  handle->async.data = handle.get();
  handle_ = handle.release();
  return 0;
}

void LoopSignal::Close() {
  Handle* handle = nullptr;
  {
    // From here on nobody sends, which must not meet the end of the handle.
    MutexLock lock(mutex_);
    handle = std::exchange(handle_, nullptr);
  }
  if (handle == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle->async),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
}

void LoopSignal::Send() {
  MutexLock lock(mutex_);
  if (handle_ != nullptr) uv_async_send(&handle_->async);
}

}  // namespace sideloop
