// Thread: the test's own, as the JS thread of one environment; rung by loop threads. What lib/lease
// does with a consumer, without JavaScript.
// Owns: its outbox and its link, and a share of the loop.
// Ends: End(), as an environment does, or when the consumer has said that it is closed.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/lease_clock.h"
#include "lease/consumer_reports.h"
#include "links/consumer_link.h"
#include "stress/event.h"

namespace sideloop::test {

class ConsumerSide final : public Bell {
 public:
  struct Job {
    std::uint32_t handle = 0;
    std::uint32_t serial = 0;
    std::uint32_t deliveries = 0;
    std::uint32_t level = 0;
    std::string id;
    std::vector<std::string> fields;
  };
  using Kind = lease::ConsumerReports::Kind;

  ConsumerSide(std::shared_ptr<EventLoop> loop, lease::ConsumerOptions options)
      : link_(std::make_shared<ConsumerLink>(std::move(loop), outbox_, 1, std::move(options))) {}
  ~ConsumerSide() { outbox_->Close(); }

  [[nodiscard]] bool Start() { return link_->PostStart(); }

  // Whether the job may be begun: its lease is valid.
  [[nodiscard]] ON_JS bool Begin(const Job& job) {
    return link_->cells().TryBegin(job.handle, job.serial, LeaseClock::Now());
  }
  void Ack(const Job& job) { Say(ConsumerCommand::kAck, job); }
  void GiveBack(const Job& job) { Say(ConsumerCommand::kGiveBack, job); }
  void Fail(const Job& job, const std::string& words) {
    Say(ConsumerCommand::kFail, job);
    const auto size = static_cast<std::int32_t>(words.size());
    batch_.words.insert(batch_.words.end(), {0, 0, 0, size});
    batch_.bytes += words;
  }
  void Close(std::uint32_t deadline_ms) {
    batch_.words.insert(batch_.words.end(), {static_cast<std::int32_t>(ConsumerCommand::kClose),
                                             static_cast<std::int32_t>(deadline_ms), 0});
  }
  // Hands over what was said. False where the loop takes it no more.
  bool Submit() { return batch_.words.empty() || link_->PostBatch(std::exchange(batch_, {})); }

  // Waits for a ring, and passes each report on: `job` and `over` (settled: nothing; ended: why).
  // False where nothing comes any more.
  template <typename OnJob, typename OnOver>
  [[nodiscard]] bool Read(OnJob on_job, OnOver on_over) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, kHang, [this] { return rung_; })) return false;
      rung_ = false;
    }
    for (auto& delivery : outbox_->Take()) {
      Decode(*delivery, on_job, on_over);
      outbox_->Recycle(std::move(delivery));
    }
    return true;
  }

  // The environment ends, as Environment::Shutdown has it.
  void End() {
    outbox_->Close();
    link_->PostDetach();
  }

  bool closed() const { return closed_; }
  const lease::ConsumerStats& stats() const { return link_->stats(); }

 private:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }

  void Say(ConsumerCommand command, const Job& job) {
    batch_.words.insert(batch_.words.end(),
                        {static_cast<std::int32_t>(command), static_cast<std::int32_t>(job.handle),
                         static_cast<std::int32_t>(job.serial)});
  }

  // Each value of a delivery is one message: an array of words, and the texts they speak of.
  template <typename OnJob, typename OnOver>
  void Decode(const Delivery& delivery, OnJob& on_job, OnOver& on_over) {
    for (std::size_t at = 0; at < delivery.tokens.size();) {
      const auto& array = delivery.tokens[at++];
      ASSERT_EQ(array.kind, Delivery::Kind::kArray);
      const std::string_view bytes = delivery.TextOf(delivery.tokens[at]);
      std::vector<std::int32_t> words(bytes.size() / sizeof(std::int32_t));
      std::memcpy(words.data(), bytes.data(), bytes.size());
      std::size_t text = at + 1;
      const auto next_text = [&] { return std::string(delivery.TextOf(delivery.tokens[text++])); };
      at += static_cast<std::size_t>(array.number);
      for (std::size_t i = 0; i < words.size();) DecodeOne(words, i, next_text, on_job, on_over);
      EXPECT_EQ(text, at);
    }
  }

  template <typename Text, typename OnJob, typename OnOver>
  void DecodeOne(const std::vector<std::int32_t>& words, std::size_t& i, Text next_text,
                 OnJob& on_job, OnOver& on_over) {
    EXPECT_FALSE(closed_) << "a report came after the end";
    const auto word = [&] { return static_cast<std::uint32_t>(words[i++]); };
    switch (static_cast<Kind>(words[i++])) {
      case Kind::kJob: {
        Job job;
        job.handle = word();
        job.serial = word();
        job.deliveries = word();
        job.level = word();
        const std::uint32_t fields = word();
        job.id = next_text();
        for (std::uint32_t f = 0; f < 2 * fields; ++f) job.fields.push_back(next_text());
        EXPECT_TRUE(jobs_.emplace(job.handle, job).second) << "a handle is used twice";
        on_job(job);
        break;
      }
      case Kind::kSettled: {
        const Job job = Taken(word());
        EXPECT_LE(word(), static_cast<std::uint32_t>(lease::Outcome::kDead));
        on_over(job, -1);
        break;
      }
      case Kind::kEnded: {
        const Job job = Taken(word());
        on_over(job, static_cast<int>(word()));
        break;
      }
      case Kind::kRefused:
        i += 2;
        next_text();
        ADD_FAILURE() << "refused: " << next_text();
        break;
      case Kind::kHealth:
        i += 1;
        next_text();
        break;
      case Kind::kError:
        next_text();
        next_text();
        break;
      case Kind::kDead: {
        i += 2;
        const std::uint32_t fields = word();
        for (std::uint32_t text = 0; text < 1 + 2 * fields; ++text) next_text();
        break;
      }
      case Kind::kClosed:
        EXPECT_TRUE(jobs_.empty()) << "jobs of whose end nobody was told";
        closed_ = true;
        break;
    }
  }

  Job Taken(std::uint32_t handle) {
    const auto found = jobs_.find(handle);
    EXPECT_NE(found, jobs_.end()) << "the end of a job that nobody has heard of";
    if (found == jobs_.end()) return {};
    Job job = found->second;
    jobs_.erase(found);
    return job;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  const std::shared_ptr<ConsumerLink> link_;
  ConsumerLink::Batch batch_;
  std::map<std::uint32_t, Job> jobs_;  // by handle: those that are not over
  bool closed_ = false;
};

}  // namespace sideloop::test
