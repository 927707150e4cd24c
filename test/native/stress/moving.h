// Thread: the test's thread, but for what says otherwise. Delayed jobs on a test's client, and what it
// told; and the delayed jobs that it moves.
// Owns: the delayed jobs, made and destroyed on the loop thread.
// Ends: its destructor.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lease/delayed_jobs.h"
#include "stress/client.h"

namespace sideloop::test {

class Moving final : private lease::DelayedJobsObserver {
 public:
  explicit Moving(Client& client, lease::DelayedJobsOptions options = Options()) : client_(client) {
    client_.On([&] {
      lease::DelayedJobsObserver& observer = *this;
      delayed_jobs_ = std::make_unique<lease::DelayedJobs>(
          client_.loop().loop(), client_.connection(), std::move(options), observer);
    });
  }
  ~Moving() {
    // The loop of some tests is gone by now, and this thread the only one to know of it.
    if (client_.loop().Accepts()) {
      client_.On([this] { delayed_jobs_.reset(); });
    } else {
      delayed_jobs_.reset();
    }
  }

  static lease::DelayedJobsOptions Options() {
    lease::DelayedJobsOptions options;
    options.delayed = "{q}:delayed";
    options.streams = {"{q}:high", "{q}:low"};
    options.retry_min_ms = 5;
    options.retry_max_ms = 20;
    return options;
  }

  void RunNow(int times = 1) {
    client_.On([this, times] {
      for (int i = 0; i < times; ++i) delayed_jobs_->RunNow();
    });
  }
  void Stop() {
    client_.On([this] { delayed_jobs_->Stop(); });
  }
  lease::DelayedJobsStats stats() {
    lease::DelayedJobsStats stats;
    client_.On([&] { stats = delayed_jobs_->stats(); });
    return stats;
  }
  lease::DelayedJobs& delayed_jobs() { return *delayed_jobs_; }  // on the loop thread

  [[nodiscard]] bool WaitForMoved(std::uint64_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return moved_ >= count; });
  }
  [[nodiscard]] bool WaitForFailures(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return failures_.size() >= count; });
  }
  std::uint64_t moved() {
    const std::lock_guard lock(mutex_);
    return moved_;
  }
  std::vector<Error> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

  // Called on the loop thread after each. Set before the first run.
  std::function<void()> on_moved;

 private:
  void OnMoved(std::uint64_t count) override {
    EXPECT_GT(count, 0u);
    {
      const std::lock_guard lock(mutex_);
      moved_ += count;
      changed_.notify_all();
    }
    if (on_moved) on_moved();
  }
  void OnMoveFailed(const Error& why) override {
    EXPECT_FALSE(why.message.empty());
    const std::lock_guard lock(mutex_);
    failures_.push_back(why);
    changed_.notify_all();
  }

  Client& client_;
  std::unique_ptr<lease::DelayedJobs> delayed_jobs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t moved_ = 0;
  std::vector<Error> failures_;
};

// One more client of the server, which asks and waits for the answer.
class Console {
 public:
  explicit Console(const redis::Options& options) : client_(options) { client_.OpenAndWait(); }

  resp::Reply Ask(std::vector<std::string> command) {
    client_.Send(std::move(command));
    ++asked_;
    EXPECT_TRUE(client_.ledger.WaitFor(asked_));
    const Outcome outcome = client_.ledger.at(asked_ - 1);
    EXPECT_FALSE(outcome.error) << outcome.error.message;
    EXPECT_FALSE(outcome.reply.is_error()) << outcome.reply.text;
    return outcome.reply;
  }

  // Adds a job to the set of Moving::Options(), as a producer does; due so many ms from now.
  void AddDelayed(const std::string& id, std::int64_t delay_ms, const std::string& stream,
                  const std::vector<std::string>& words, const std::string& meta = "") {
    std::vector<std::string> command = {
        "EVAL", kAdd, "1", "{q}:delayed", std::to_string(delay_ms), id, stream, meta};
    command.insert(command.end(), words.begin(), words.end());
    Ask(command);
  }

  struct Entry {
    std::string id;  // of the entry: when it was added, by the server's clock
    std::vector<std::string> words;

    std::uint64_t at() const { return std::stoull(id); }
  };
  std::vector<Entry> HeldEntries(const std::string& stream) {
    std::vector<Entry> entries;
    for (const resp::Reply& entry : Ask({"XRANGE", stream, "-", "+"}).elements) {
      Entry& last = entries.emplace_back(Entry{entry.elements[0].text, {}});
      for (const resp::Reply& word : entry.elements[1].elements) last.words.push_back(word.text);
    }
    return entries;
  }

 private:
  static constexpr char kAdd[] = R"lua(
    local time = redis.call('TIME')
    local due = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
    local words = {}
    for i = 5, #ARGV do words[#words + 1] = ARGV[i] end
    -- 'DUE' stands for the due time, by which a test tells a job that was moved early.
    for i = 1, #words do
      if words[i] == 'DUE' then words[i] = string.format('%.0f', due) end
    end
    redis.call('ZADD', KEYS[1], string.format('%.0f', due),
               cmsgpack.pack({ARGV[2], ARGV[3], words, ARGV[4]}))
    return 1
  )lua";

  Client client_;
  std::size_t asked_ = 0;
};

}  // namespace sideloop::test
