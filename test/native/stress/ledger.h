// Thread: the loop thread writes, the test's thread waits and reads. What became of each command,
// in the order of sending.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "resp/pairing.h"
#include "resp/reply.h"
#include "stress/event.h"

namespace sideloop::test {

struct Outcome {
  resp::Reply reply;
  Error error;  // where no reply came

  // `text`, `:1`, `-ERR ...`, `(nil)`, `[...]`; or `!CODE`, and `?` behind it where it may have
  // run.
  std::string Describe() const {
    if (error) return std::string("!") + NameOf(error.code) + (error.may_have_run ? "?" : "");
    switch (reply.kind) {
      case resp::Reply::Kind::kNull:
        return "(nil)";
      case resp::Reply::Kind::kInteger:
        return ":" + std::to_string(reply.integer);
      case resp::Reply::Kind::kText:
        return reply.text;
      case resp::Reply::Kind::kArray:
        return "[" + std::to_string(reply.elements.size()) + "]";
      case resp::Reply::Kind::kError:
        return "-" + reply.text;
    }
    return {};
  }
};

// A target that holds whoever calls it to the contract of resp::ReplyTarget.
class Ledger final : public resp::ReplyTarget {
 public:
  // Called on the loop thread whenever something was settled, with how much there is now.
  std::function<void(std::size_t)> on_settled;

  resp::ReplySink& BeginReply(std::uint32_t) override {
    EXPECT_FALSE(std::exchange(midway_, true)) << "a reply began inside another";
    return builder_;
  }
  bool EndReply() override {
    EXPECT_TRUE(std::exchange(midway_, false)) << "a reply ended that never began";
    Settle({builder_.Take(), {}}, 1);
    return true;
  }
  void AbortReply() override {
    EXPECT_TRUE(std::exchange(midway_, false)) << "a reply was aborted that never began";
    builder_.Take();
  }
  bool FailReplies(std::uint32_t count, const Error& error) override {
    EXPECT_FALSE(midway_) << "a failure came in the middle of a reply";
    EXPECT_GT(count, 0u);
    EXPECT_FALSE(error.message.empty());
    Settle({{}, error}, count);
    return true;
  }

  // Waits until `count` commands are settled.
  [[nodiscard]] bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return outcomes_.size() >= count; });
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return outcomes_.size();
  }
  Outcome at(std::size_t i) {
    const std::lock_guard lock(mutex_);
    return outcomes_.at(i);
  }
  // All outcomes so far, described.
  std::vector<std::string> All() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const Outcome& outcome : outcomes_) all.push_back(outcome.Describe());
    return all;
  }

 private:
  void Settle(const Outcome& outcome, std::uint32_t count) {
    std::size_t size;
    {
      const std::lock_guard lock(mutex_);
      outcomes_.insert(outcomes_.end(), count, outcome);
      size = outcomes_.size();
      changed_.notify_all();
    }
    if (on_settled) on_settled(size);
  }

  resp::ReplyBuilder builder_;
  bool midway_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Outcome> outcomes_;
};

}  // namespace sideloop::test
