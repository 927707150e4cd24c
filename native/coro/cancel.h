// Thread: sources and tokens are copied and dropped on any thread; cancelling, looking and waiting
// are the loop thread's, of one loop.
// Owns: sources and tokens share the state.
// Ends: with the last of them.
#pragma once

#include <memory>
#include <utility>

#include "base/annotations.h"
#include "base/error.h"

namespace sideloop::coro {

class Suspension;

class CancelState {
 public:
  ON_LOOP bool cancelled() const { return cancelled_; }
  ON_LOOP void Cancel();

  // The suspensions that listen.
  ON_LOOP void Add(Suspension& suspension);
  ON_LOOP void Remove(Suspension& suspension);

  static Error Reason() { return {ErrorCode::kCancelled, "The caller cancelled"}; }

 private:
  LOOP_ONLY bool cancelled_ = false;
  LOOP_ONLY Suspension* first_ = nullptr;
};

// Passed to a coroutine as a parameter, and on to all that it awaits. A default one never cancels.
class CancelToken {
 public:
  CancelToken() = default;

  ON_LOOP bool cancelled() const { return state_ != nullptr && state_->cancelled(); }

 private:
  friend class CancelSource;
  friend class Suspension;
  explicit CancelToken(std::shared_ptr<CancelState> state) : state_(std::move(state)) {}

  std::shared_ptr<CancelState> state_;
};

// Copies cancel the same tokens, so that one can ride in the job that cancels.
class CancelSource {
 public:
  CancelToken token() const { return CancelToken(state_); }

  // Everyone who waits with a token of this source is told kCancelled and resumes before the loop
  // sleeps; whoever waits with one later does not wait at all. What has settled keeps its result.
  ON_LOOP void Cancel() { state_->Cancel(); }
  ON_LOOP bool cancelled() const { return state_->cancelled(); }

 private:
  std::shared_ptr<CancelState> state_ = std::make_shared<CancelState>();
};

}  // namespace sideloop::coro
