// Thread: any. Something that happens once, and that another thread waits for. A test never sleeps
// for a time that should be enough: it waits for the event, and the deadline is only how long it
// takes to call a hang a failure.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sideloop::test {

constexpr std::chrono::seconds kHang{30};

class Event {
 public:
  void Set() {
    // Under the lock, so that whoever waited may destroy the event as soon as it wakes.
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }

  // False where it took longer than a test may hang.
  [[nodiscard]] bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [this] { return set_; });
  }

  bool is_set() {
    const std::lock_guard lock(mutex_);
    return set_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// Waits until `condition` holds, for what announces itself nowhere: a counter of another thread.
template <typename Condition>
[[nodiscard]] bool WaitUntil(Condition condition) {
  const auto hang = std::chrono::steady_clock::now() + kHang;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > hang) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace sideloop::test
