// Thread: made on any, runs on the loop.
// Owns: the frame of its coroutine (rule 2).
// Ends: when its owner lets go: the task that awaits it, the root it was posted with, or whoever
// made it and never started it.
//
// The rules of native/coro:
//   1. A coroutine is a function, or a lambda that captures nothing. What its body uses are its
//      parameters: values, or a reference to what outlives the task. A captured variable lives in
//      the lambda object, which is gone when the body runs.
//   2. A Task owns its frame. Before it is started nothing of the body has run: it may be moved
//      between threads and dropped on any, which destroys the parameters there.
//   3. Post hands a task to a loop. Accepted: body, resumption and destruction are the loop
//      thread's, and `done` runs there, once, after the frame is gone. Refused: task and `done` are
//      destroyed on the caller's thread, before Post returns.
//   4. A task is awaited once, by rvalue, inside another task. The awaiting frame owns it: it can't
//      outlive its parent, and an exception goes to the parent.
//   5. A task waits for one thing at a time, a Suspension in its frame. It settles once, by its
//      operation, a cancel or the loop's end, whichever comes first. Tasks await tasks and
//      suspensions and nothing else, so that everything can be interrupted.
//   6. Settling makes a task ready; it resumes before the loop sleeps, with no callback of a
//      connection or a timer below it on the stack. So a task may close what woke it. Commands that
//      tasks of one pass send go out in one write.
//   7. A reply under way is owned by who delivers it, not by who waits: after a cancel it finds its
//      place in the order, and is dropped there.
//   8. A stop waits for tasks, up to its deadline. Then every await, this one and all to come, is
//      told the loop's reason at once. No frame is destroyed half way: a task ends by returning.
//      One that ignores the reason and awaits in a loop for ever holds the thread.
//   9. GCC 12 miscompiles two things in a co_await expression: a braced list, which it mostly
//      rejects, and an await in a branch of ?:, whose operand it evaluates in any case. Write
//      separate arguments, and `if`.
#pragma once

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>

#include "base/annotations.h"
#include "coro/outcome.h"
#include "coro/root.h"
#include "coro/suspension.h"
#include "loop/loop.h"

namespace sideloop::coro {

template <typename T>
class Task;

// The first line of a coroutine's body: what follows runs on a loop's thread, before and after each
// co_await. Says so to the reader and to clang's analysis.
inline void AssertOnLoop() ASSERTS_ON_LOOP { assert(Loop::Current() != nullptr); }

// Passes on to a suspension where it lies: GCC 12 would copy what await_transform returns by
// reference.
template <typename Awaited>
class AwaiterOf {
 public:
  explicit AwaiterOf(Awaited& awaited) : awaited_(awaited) {}
  ON_LOOP bool await_ready() const { return awaited_.await_ready(); }
  template <typename Promise>
  ON_LOOP bool await_suspend(std::coroutine_handle<Promise> waiter) {
    return awaited_.Suspend(waiter, waiter.promise().root());
  }
  ON_LOOP auto await_resume() { return awaited_.await_resume(); }

 private:
  Awaited& awaited_;
};

// What all promises have in common: where the coroutine belongs, and who goes on after it.
class PromiseBase {
 public:
  // Gives way to the parent, or to nobody.
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    ON_LOOP void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      self.promise().root().RunNext(self.promise().parent_);
    }
    void await_resume() noexcept {}
  };

  PromiseBase() = default;
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }

  // Rule 5.
  template <typename T>
  auto await_transform(Task<T>&& task) {
    return typename Task<T>::Awaiter(task);
  }
  template <typename Awaited>
    requires std::derived_from<std::remove_cvref_t<Awaited>, Suspension>
  auto await_transform(Awaited&& awaited) {
    return AwaiterOf<std::remove_reference_t<Awaited>>(awaited);
  }

  Root& root() { return *root_; }
  void BelongTo(Root& root, std::coroutine_handle<> parent) {
    root_ = &root;
    parent_ = parent;
  }

 private:
  Root* root_ = nullptr;
  std::coroutine_handle<> parent_;
};

template <typename T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object();
  template <typename Value = T>
    requires std::convertible_to<Value, T>
  void return_value(Value&& value) {
    outcome_ = Outcome<T>::OfValue(std::forward<Value>(value));
  }
  void unhandled_exception() { outcome_ = Outcome<T>::OfException(std::current_exception()); }
  Outcome<T>& outcome() { return outcome_; }

 private:
  Outcome<T> outcome_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object();
  void return_void() { outcome_ = Outcome<void>::OfValue({}); }
  void unhandled_exception() { outcome_ = Outcome<void>::OfException(std::current_exception()); }
  Outcome<void>& outcome() { return outcome_; }

 private:
  Outcome<void> outcome_;
};

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() { Drop(); }

  // Has the frame begin as a part of `root`, and `parent` go on after it.
  Handle BeginIn(Root& root, std::coroutine_handle<> parent) {
    frame_.promise().BelongTo(root, parent);
    return frame_;
  }

  bool ended() const { return frame_.done(); }

  // Takes the outcome and destroys the frame. Requires: ended().
  Outcome<T> End() {
    Outcome<T> outcome = std::move(frame_.promise().outcome());
    Drop();
    return outcome;
  }

  class Awaiter {
   public:
    explicit Awaiter(Task& task) : task_(task) {}
    bool await_ready() const { return false; }
    template <typename Parent>
    ON_LOOP void await_suspend(std::coroutine_handle<Parent> parent) {
      Root& root = parent.promise().root();
      root.RunNext(task_.BeginIn(root, parent));
    }
    T await_resume() { return task_.End().Get(); }

   private:
    Task& task_;
  };

 private:
  void Drop() {
    if (frame_) std::exchange(frame_, nullptr).destroy();
  }

  Handle frame_;
};

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(Task<T>::Handle::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(Task<void>::Handle::from_promise(*this));
}

static_assert(!std::is_copy_constructible_v<Task<void>>);

}  // namespace sideloop::coro
