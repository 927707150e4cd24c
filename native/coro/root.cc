#include "coro/root.h"

#include <cassert>
#include <utility>

#include "coro/suspension.h"

namespace sideloop::coro {

void Root::Start(std::unique_ptr<Root> root, Loop& loop) {
  Root& self = *root;
  self.loop_ = &loop;
  self.self_ = std::move(root);
  if (!loop.TryAdd(self)) self.loop_ended_ = loop.close_reason();
  self.next_ = self.Begin(self);
  self.Run();
}

void Root::WaitFor(Suspension& suspension) {
  // Invariant: a task waits for one thing at a time.
  assert(waits_for_ == nullptr && !next_);
  waits_for_ = &suspension;
}

void Root::CloseBecause(const Error& why) {
  loop_->AssertOnLoop();
  loop_ended_ = why;
  // Rule 8. A loop that ends has no later: the task resumes here, and can't wait again.
  if (!waits_for_->settled()) waits_for_->Interrupt(why);
  Resume();
}

void Root::Resume() {
  loop_->AssertOnLoop();
  next_ = std::exchange(waits_for_, nullptr)->waiter();
  Run();
}

void Root::Run() {
  while (next_) std::exchange(next_, nullptr).resume();
  if (!Ended()) {
    // Invariant: whoever stopped running waits for a suspension, which a loop's end can interrupt.
    assert(waits_for_ != nullptr);
    return;
  }
  const std::unique_ptr<Root> last = std::move(self_);
  loop_->Remove(*this);
  Finish();
}

}  // namespace sideloop::coro
