// Thread: built on any, runs on the loop.
// Owns: itself, from Start to the end of its task; before, its owner is the job that carries it.
// Ends: when its task has ended, on the loop thread; or with a job that was refused.
#pragma once

#include <coroutine>
#include <memory>

#include "base/annotations.h"
#include "base/error.h"
#include "loop/loop.h"
#include "loop/resource.h"

namespace sideloop::coro {

class Suspension;

// A posted task together with all that it awaits: one chain of coroutines, of which one runs or
// waits. A resource of the loop, which so waits for the task or tells it to end.
//
//            Start                   awaits something              Settle
//   (a job) -------> runs ----------------------------> waits ------------> ready
//                     | ^                                 |                  |
//                     | +--- Flush: before the loop sleeps (rule 6) ---------+
//                     | +--- CloseBecause: the loop ends (rule 8) -----------+
//                     v
//                   ended: the frame is destroyed, then `done` is called
class Root : public Resource {
 public:
  ~Root() override = default;

  // Runs the task up to its first wait.
  ON_LOOP static void Start(std::unique_ptr<Root> root, Loop& loop);

  // Requires: it was started.
  ON_LOOP Loop& loop() const { return *loop_; }

  // Set once the loop ends: then nothing may be waited for any more.
  ON_LOOP const Error& loop_ended() const { return loop_ended_; }

  // The coroutine that runs when the running one has given way; null: none.
  //
  // Symmetric transfer would do the same without us where compilers make it a tail call. GCC 12
  // does so from -O2 on only, and not under ASan: there a task that awaits children in a loop grew
  // the stack with each of them. The loop's thread has 1 MiB.
  ON_LOOP void RunNext(std::coroutine_handle<> next) { next_ = next; }

  // The running coroutine waits for `suspension`.
  ON_LOOP void WaitFor(Suspension& suspension);

  // What it waits for has settled: it resumes before the loop sleeps.
  ON_LOOP void Wake() { loop_->FlushLater(*this); }

  // Resource.
  ON_LOOP bool Busy() final { return true; }
  ON_LOOP void CloseBecause(const Error& why) final;
  ON_LOOP void Flush() final { Resume(); }

 protected:
  Root() = default;

 private:
  ON_LOOP void Resume();
  ON_LOOP void Run();

  virtual std::coroutine_handle<> Begin(Root& root) = 0;
  virtual bool Ended() const = 0;
  // Destroys the frame and calls `done`. noexcept: an exception would cross libuv's C frames.
  virtual void Finish() noexcept = 0;

  Loop* loop_ = nullptr;
  LOOP_ONLY std::unique_ptr<Root> self_;
  LOOP_ONLY std::coroutine_handle<> next_;
  LOOP_ONLY Suspension* waits_for_ = nullptr;
  LOOP_ONLY Error loop_ended_;
};

}  // namespace sideloop::coro
