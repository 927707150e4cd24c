// Thread: the test's thread, but for what says otherwise. A recurring command on a test's client,
// and what became of its runs.
// Owns: the recurring command, made and destroyed on the loop thread.
// Ends: its destructor.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redis/recurring.h"
#include "stress/client.h"

namespace sideloop::test {

class Repeater final : private redis::RecurringObserver {
 public:
  Repeater(Client& client, std::vector<std::string> command, redis::RecurringOptions options)
      : client_(client) {
    client_.On([&] {
      const std::vector<std::string_view> arguments(command.begin(), command.end());
      redis::RecurringObserver& observer = *this;
      recurring_ = std::make_unique<redis::Recurring>(
          client_.loop().loop(), std::make_shared<timers::AlarmClock>(client_.loop().loop()),
          client_.connection(), arguments, options, observer, stats_);
    });
  }
  ~Repeater() {
    if (recurring_ != nullptr) Destroy();
  }

  void Start() {
    client_.On([this] { recurring_->Start(); });
  }
  // The loop thread is busy with something else from the start on, for `ms`.
  void StartAndHoldLoop(std::uint64_t ms) {
    client_.On([this, ms] {
      recurring_->Start();
      const std::uint64_t until = Loop::Now() + ms * 1'000'000;
      while (Loop::Now() < until) {
      }
    });
  }
  void Stop() {
    client_.On([this] { recurring_->Stop(); });
  }
  void Destroy() {
    // The loop of some tests is gone by now, and this thread the only one to know of it.
    if (!client_.loop().Accepts()) return recurring_.reset();
    client_.On([this] { recurring_.reset(); });
  }

  [[nodiscard]] bool WaitForRuns(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return runs_.size() >= count; });
  }
  [[nodiscard]] bool WaitForEnd() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return end_.has_value(); });
  }

  std::vector<redis::RecurringRun> runs() {
    const std::lock_guard lock(mutex_);
    return runs_;
  }
  std::optional<redis::RecurringEnd> end() {
    const std::lock_guard lock(mutex_);
    return end_;
  }
  const redis::RecurringStats& stats() const { return stats_; }

  // Called on the loop thread for each run: whether to go on. Set before Start.
  std::function<bool(const redis::RecurringRun&)> on_run;

 private:
  bool OnRun(const redis::RecurringRun& run) override {
    {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(end_.has_value()) << "a run after the end";
      EXPECT_GE(run.settled_at, run.sent_at);
      EXPECT_TRUE(run.sent_at == 0 || run.sent_at >= run.due_at);
      runs_.push_back(run);
      changed_.notify_all();
    }
    return on_run ? on_run(run) : true;
  }
  void OnRecurringEnd(redis::RecurringEnd why) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(end_.has_value()) << "the end came twice";
    end_ = why;
    changed_.notify_all();
  }

  Client& client_;
  redis::RecurringStats stats_;
  std::unique_ptr<redis::Recurring> recurring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<redis::RecurringRun> runs_;
  std::optional<redis::RecurringEnd> end_;
};

}  // namespace sideloop::test
