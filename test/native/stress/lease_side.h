// Thread: the test's own, as the JS thread of one environment; rung by loop threads. What lib/lease
// does with a link, without JavaScript; holds whoever reports to the contract of lease/reports.h.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "links/lease_link.h"
#include "stress/event.h"

namespace sideloop::test {

class LeaseSide final : public Bell {
 public:
  struct Granted {
    std::int64_t id;
    std::string key;
    std::int64_t token;
    std::shared_ptr<lease::LeaseCell> cell;
  };

  LeaseSide(std::shared_ptr<EventLoop> loop, redis::Options options)
      : link_(std::make_shared<LeaseLink>(std::move(loop), std::move(options), outbox_, 1)) {}
  ~LeaseSide() {
    outbox_->Close();
    link_->PostDetach();
  }

  static lease::AcquireRequest RequestFor(const std::string& key) {
    const std::string tag = "{" + key + "}";
    return {.keys = {key, tag + ":fence", tag + ":queue", tag + ":turn"}, .waits = true};
  }

  // The id of the request, or 0 where the loop does not take it.
  std::int64_t Acquire(lease::AcquireRequest request) {
    request.id = ++last_id_;
    auto cell = std::make_shared<lease::LeaseCell>();
    asking_[request.id] = {request.id, request.keys.lease, 0, cell};
    const std::int64_t id = request.id;
    if (link_->PostAcquire(std::move(request), std::move(cell))) return id;
    asking_.erase(id);
    return 0;
  }
  void Cancel(std::int64_t id) {
    if (asking_.erase(id) > 0) cancelled_.insert(id);
    link_->PostCancel(id);
  }
  void Release(std::int64_t id) { link_->PostRelease(id); }
  void Close() { link_->PostClose(); }

  // Waits for the next messages, and reads them. False where nothing comes any more.
  [[nodiscard]] bool Read() {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, kHang, [this] { return rung_; })) return false;
      rung_ = false;
    }
    for (auto& delivery : outbox_->Take()) {
      ReadFrom(*delivery);
      outbox_->Recycle(std::move(delivery));
    }
    return true;
  }
  template <typename Done>
  [[nodiscard]] bool ReadUntil(Done done) {
    while (!done()) {
      if (!Read()) return false;
    }
    return true;
  }

  // Requests without an answer, and leases without an end.
  bool is_settled() const { return asking_.empty() && held.empty(); }
  bool is_held(std::int64_t id) const { return held.contains(id); }

  std::map<std::int64_t, Granted> held;
  std::vector<Granted> granted;                   // for the test to take out
  std::map<std::string, std::size_t> refused;     // by code
  std::map<lease::EndReason, std::size_t> ended;  // by reason
  std::size_t ended_by_release = 0;
  LeaseLink& link() { return *link_; }

 private:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }

  void ReadFrom(const Delivery& delivery) {
    EXPECT_EQ(delivery.purpose, Delivery::Purpose::kMessages);
    for (std::size_t i = 0; i < delivery.tokens.size();) {
      ASSERT_EQ(delivery.tokens[i].kind, Delivery::Kind::kArray);
      const auto length = static_cast<std::size_t>(delivery.tokens[i].number);
      const std::int64_t kind = delivery.tokens[i + 1].number;
      const std::int64_t id = delivery.tokens[i + 2].number;
      if (kind == 0) {
        OnGranted(id, delivery.tokens[i + 3].number);
      } else if (kind == 1) {
        EXPECT_EQ(asking_.erase(id) + cancelled_.erase(id), 1u) << "answered twice: " << id;
        ++refused[std::string(delivery.TextOf(delivery.tokens[i + 3]))];
      } else {
        OnEnded(id, delivery.tokens[i + 3].number, delivery.tokens[i + 5].number == 1);
      }
      i += length + 1;
    }
  }

  void OnGranted(std::int64_t id, std::int64_t token) {
    if (cancelled_.contains(id)) return;
    const auto found = asking_.find(id);
    ASSERT_NE(found, asking_.end()) << "answered twice: " << id;
    Granted lease = found->second;
    lease.token = token;
    asking_.erase(found);
    held[id] = lease;
    granted.push_back(lease);
  }

  void OnEnded(std::int64_t id, std::int64_t reason, bool by_release) {
    // One that nobody wanted any more was granted all the same.
    if (cancelled_.contains(id)) return;
    EXPECT_EQ(held.erase(id), 1u) << "ended twice, or never granted: " << id;
    ++ended[static_cast<lease::EndReason>(reason)];
    if (by_release) ++ended_by_release;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  const std::shared_ptr<LeaseLink> link_;
  std::int64_t last_id_ = 0;
  std::map<std::int64_t, Granted> asking_;
  std::set<std::int64_t> cancelled_;
};

}  // namespace sideloop::test
