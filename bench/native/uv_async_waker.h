// A libuv loop with one uv_async_t and nothing else. It tells what of a loop's wake latency is
// libuv's own, and what is sideloop's.
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "measurement.h"

namespace sideloop::bench {

class UvAsyncWaker {
 public:
  explicit UvAsyncWaker(std::function<void()> on_wake) : on_wake_(std::move(on_wake)) {
    if (uv_loop_init(&loop_) != 0 || uv_async_init(&loop_, &async_, &OnAsync) != 0) {
      Fail("libuv could not start.");
    }
    async_.data = this;
    thread_ = std::thread([this] { uv_run(&loop_, UV_RUN_DEFAULT); });
  }

  void Wake() { uv_async_send(&async_); }

  void Stop() {
    stopping_ = true;
    Wake();
    thread_.join();
    uv_loop_close(&loop_);
  }

 private:
  static void OnAsync(uv_async_t* handle) {
    auto* self = static_cast<UvAsyncWaker*>(handle->data);
    if (self->stopping_) {
      uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
    } else {
      self->on_wake_();
    }
  }

  std::function<void()> on_wake_;
  std::atomic<bool> stopping_ = false;
  uv_loop_t loop_;
  uv_async_t async_;
  std::thread thread_;
};

}  // namespace sideloop::bench
