// Thread: any. What the tests of the loop have in common: running something on its thread, and
// seeing its thread end.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "cross/event_loop.h"
#include "stress/event.h"

namespace sideloop::test {

inline std::unique_ptr<EventLoop> StartLoop(EventLoop::Options options = {}) {
  std::string error;
  auto loop = EventLoop::Start(std::move(options), &error);
  EXPECT_NE(loop, nullptr) << error;
  return loop;
}

// Runs `body` on the loop thread and returns when it has run.
template <typename Body>
void RunOn(EventLoop& loop, Body body) {
  Event done;
  ASSERT_TRUE(loop.Post([&] {
    body();
    done.Set();
  }));
  ASSERT_TRUE(done.Wait());
}

// Holds the thread for so long.
inline void SpinFor(std::uint64_t ns) {
  const std::uint64_t until = Loop::Now() + ns;
  while (Loop::Now() < until) {
  }
}

// Holds a loop's thread from the moment of its making until it is opened.
class Barrier {
 public:
  explicit Barrier(EventLoop& loop) {
    const bool accepted = loop.Post([state = state_] {
      state->entered.Set();
      EXPECT_TRUE(state->opened.Wait());
    });
    EXPECT_TRUE(accepted);
    EXPECT_TRUE(state_->entered.Wait());
  }
  ~Barrier() { Open(); }
  void Open() { state_->opened.Set(); }

 private:
  struct State {
    Event entered;
    Event opened;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Set when a thread is over: its body has returned, and so has let go of all that it held.
class ThreadEnd {
 public:
  // Watches the calling thread.
  void WatchThisThread() { t_at_end.event = event_; }
  [[nodiscard]] bool Wait() { return event_->Wait(); }

 private:
  struct AtEnd {
    ~AtEnd() {
      if (event != nullptr) event->Set();
    }
    std::shared_ptr<Event> event;
  };
  static inline thread_local AtEnd t_at_end;

  std::shared_ptr<Event> event_ = std::make_shared<Event>();
};

}  // namespace sideloop::test
