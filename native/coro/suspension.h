// Thread: loop.
// Owns: a share of the cancel state that it listens to.
// Ends: with the await expression, in the frame of the coroutine that waits (rule 5).
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "base/annotations.h"
#include "base/error.h"
#include "coro/cancel.h"

namespace sideloop::coro {

class Root;

// What a task waits for. It settles once, by whichever comes first: the operation itself, a cancel,
// the loop's end. Settling never resumes the task on the spot (rule 6).
class Suspension {
 public:
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  // Waits, and has `waiter` resume when it is over. False where there is nothing to wait for:
  // interrupted() says why.
  ON_LOOP bool Suspend(std::coroutine_handle<> waiter, Root& root);

  ON_LOOP bool settled() const { return state_ == State::kSettled; }
  ON_LOOP std::coroutine_handle<> waiter() const { return waiter_; }

  // Gives the operation up: the task gets `why`. Requires: it waits, and is not settled.
  ON_LOOP void Interrupt(const Error& why);

 protected:
  explicit Suspension(CancelToken cancel) : cancel_(std::move(cancel)) {}
  // Not virtual: frames destroy awaiters by their own type.
  ~Suspension();

  // The operation came to its end. Requires: it began, and was not abandoned.
  ON_LOOP void Settle();

  ON_LOOP Root& root() const { return *root_; }
  // Why it ended without the operation's own end; no error otherwise.
  ON_LOOP const Error& interrupted() const { return interrupted_; }

 private:
  friend class CancelState;

  enum class State : std::uint8_t { kIdle, kWaiting, kSettled };

  ON_LOOP void End();

  // Begins the operation. It may end at any later time, not inside.
  ON_LOOP virtual void Begin() = 0;
  // The operation's end is no longer wanted: Settle must not be called.
  ON_LOOP virtual void Abandon() = 0;

  State state_ = State::kIdle;
  CancelToken cancel_;
  Root* root_ = nullptr;
  std::coroutine_handle<> waiter_;
  Error interrupted_;
  // In the list of the cancel state.
  Suspension* prev_ = nullptr;
  Suspension* next_ = nullptr;
};

}  // namespace sideloop::coro
