// Thread: crosses. A native thread that reports refusal as an error code instead of an exception.
// Owns: the thread's handle. Ends: Join() or Detach(); Requires: one of them before the destructor.
#pragma once

#include <uv.h>

#include <cassert>
#include <cstddef>
#include <utility>

namespace sideloop {

class Thread {
 public:
  Thread() = default;
  Thread(Thread&& other) noexcept
      : id_(other.id_), joinable_(std::exchange(other.joinable_, false)) {}
  Thread& operator=(Thread&& other) noexcept {
    assert(!joinable_);
    id_ = other.id_;
    joinable_ = std::exchange(other.joinable_, false);
    return *this;
  }
  ~Thread() { assert(!joinable_); }

  // Starts a thread that runs `body(argument)`. Returns a libuv error code, or 0.
  int Start(void (*body)(void*), void* argument) {
    uv_thread_options_t options{};
    options.flags = UV_THREAD_HAS_STACK_SIZE;
    options.stack_size = kStackSize;
    const int error = uv_thread_create_ex(&id_, &options, body, argument);
    joinable_ = error == 0;
    return error;
  }

  bool joinable() const { return joinable_; }

  void Join() {
    if (std::exchange(joinable_, false)) uv_thread_join(&id_);
  }

  void Detach() {
    if (!std::exchange(joinable_, false)) return;
#ifdef _WIN32
    CloseHandle(id_);
#else
    pthread_detach(id_);
#endif
  }

 private:
  // Address space, not memory: the kernel gives pages as they are touched. The parser is not
  // recursive.
  static constexpr std::size_t kStackSize = 1 << 20;

  uv_thread_t id_{};
  bool joinable_ = false;
};

}  // namespace sideloop
