// Thread: crosses. A native thread that reports refusal as an error code instead of an exception,
// and that takes no signal of the process.
// Owns: the thread's handle.
// Ends: Join() or Detach(); Requires: one of them before the destructor.
#pragma once

#include <uv.h>

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#endif

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
    const SignalsBlocked blocked;
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

#ifdef _WIN32
  struct SignalsBlocked {
    SignalsBlocked() {}
  };
#else
  // A thread inherits the mask of the one that makes it. Handlers of the process run on the
  // threads of its own making, which know of them; a handler on ours would interrupt what the
  // process never sees, and SIGPIPE must be an error code to us. The signals left are those that a
  // thread raises by its own instruction: blocked, they would end the process without a word.
  class SignalsBlocked {
   public:
    SignalsBlocked() {
      sigset_t all;
      sigfillset(&all);
      for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
        sigdelset(&all, own);
      }
      pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

   private:
    sigset_t before_;
  };
#endif

  uv_thread_t id_{};
  bool joinable_ = false;
};

}  // namespace sideloop
