// Thread: any. Starts a coroutine on a loop.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "base/annotations.h"
#include "base/lane.h"
#include "coro/outcome.h"
#include "coro/root.h"
#include "coro/task.h"
#include "cross/event_loop.h"

namespace sideloop::coro {

// A root with its task and what follows it.
template <typename T, typename Done>
class RootOf final : public Root {
 public:
  RootOf(Task<T> task, Done done) : task_(std::move(task)), done_(std::move(done)) {}

 private:
  std::coroutine_handle<> Begin(Root& root) override { return task_.BeginIn(root, nullptr); }
  bool Ended() const override { return task_.ended(); }
  void Finish() noexcept override { done_(task_.End()); }

  Task<T> task_;
  Done done_;
};

// Rule 3. Queues the start of `task` on the loop's thread; true: it was accepted. `done` gets the
// task's Outcome<T>; it must not throw.
template <typename T, std::invocable<Outcome<T>> Done>
[[nodiscard]] ANY_THREAD bool Post(EventLoop& loop, Task<T> task, Done done,
                                   Lane lane = Lane::kNormal) {
  std::unique_ptr<Root> root = std::make_unique<RootOf<T, Done>>(std::move(task), std::move(done));
  return loop.Post(
      [root = std::move(root), &on = loop.loop()]() mutable {
        on.AssertOnLoop();
        Root::Start(std::move(root), on);
      },
      lane);
}

}  // namespace sideloop::coro
