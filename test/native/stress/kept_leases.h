// Thread: the test's thread, but for what says otherwise. Leases in a renewer on a test's client,
// and what became of them.
// Owns: the renewer, made and destroyed on the loop thread.
// Ends: its destructor.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/lease_clock.h"
#include "lease/lease_renewer.h"
#include "stress/client.h"

namespace sideloop::test {

// A JS thread that is asked for a sign of life, and gives it where it is alive.
class AskedThread final : public Bell {
 public:
  void Ring() override { ++rings; }

  std::atomic<int> rings = 0;
  Outbox outbox{*this};
};

// The command of a renewal is `RENEW <slot> <ttl> <slot> <ttl> ...`.
class KeptLeases final : private lease::LeaseHolder {
 public:
  explicit KeptLeases(Client& client) : client_(client) {
    client_.On([&] {
      // Events of the connection come on the loop thread.
      client_.on_event = [this](const std::string& event) {
        if (event == "ready") renewer_->OnConnectionReady();
      };
      lease::LeaseHolder& holder = *this;
      renewer_ = std::make_unique<lease::LeaseRenewer>(client_.loop().loop(), client_.connection(),
                                                       js.outbox, holder, stats);
    });
  }
  ~KeptLeases() {
    client_.On([this] {
      client_.on_event = nullptr;
      renewer_.reset();
    });
    js.outbox.Close();
  }

  // A lease that was granted now, or so many ms ago.
  lease::Slot Add(const lease::Terms& terms, std::uint64_t granted_before_ms = 0) {
    lease::Slot slot = 0;
    On([&](lease::LeaseRenewer& renewer) {
      granted_at = LeaseClock::Now() - granted_before_ms * 1'000'000;
      slot = renewer.Add(terms, granted_at, cells.emplace_back());
    });
    return slot;
  }
  template <typename Body>
  void On(Body body) {
    client_.On([&] { body(*renewer_); });
  }
  // Holds the loop thread until `at` (ns), from the next renewal on.
  void HoldLoopAfterNextRenewalUntil(std::uint64_t at) {
    On([&](lease::LeaseRenewer&) { hold_until_ = at; });
  }

  [[nodiscard]] bool WaitForEnds(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return ends_.size() >= count; });
  }
  [[nodiscard]] bool WaitForRenewals(std::uint64_t count) {
    return WaitUntil([&] { return stats.accepted >= count; });
  }
  // Why the lease has ended; nothing where it has not.
  std::optional<lease::LeaseEnd> end(lease::Slot slot) {
    const std::lock_guard lock(mutex_);
    const auto found = ends_.find(slot);
    if (found == ends_.end()) return std::nullopt;
    return found->second.why;
  }
  std::uint64_t ended_at(lease::Slot slot) {
    const std::lock_guard lock(mutex_);
    return ends_.at(slot).at;
  }

  AskedThread js;
  lease::LeaseStats stats;
  std::deque<lease::LeaseCell> cells;  // by the order of adding
  std::uint64_t granted_at = 0;        // of the last one added
  // Leases whose slot is not below this are of group 1.
  lease::Slot first_of_group_1 = ~lease::Slot{0};
  // On the loop thread. When the next lease ends this one is removed.
  std::optional<lease::Slot> remove_at_end;

 private:
  struct Ended {
    lease::LeaseEnd why;
    std::uint64_t at;
  };

  std::uint32_t GroupOf(lease::Slot slot) override {
    EXPECT_FALSE(removed_ == slot) << "asked about a lease that was removed";
    return slot < first_of_group_1 ? 0 : 1;
  }

  std::vector<std::string> RenewalOf(std::uint32_t group,
                                     std::span<const lease::Renewal> renewals) override {
    EXPECT_LE(renewals.size(), lease::LeaseRenewer::kMostInCommand);
    std::vector<std::string> command = {"RENEW"};
    for (const lease::Renewal& renewal : renewals) {
      EXPECT_EQ(GroupOf(renewal.slot), group);
      command.push_back(std::to_string(renewal.slot));
      command.push_back(std::to_string(renewal.ttl_ms));
    }
    if (hold_until_ != 0) {
      const bool accepted = client_.loop().Post([until = std::exchange(hold_until_, 0)] {
        while (Loop::Now() < until) {
        }
      });
      EXPECT_TRUE(accepted);
    }
    return command;
  }

  void OnLeaseEnd(lease::Slot slot, lease::LeaseEnd why) override {
    if (remove_at_end) {
      removed_ = std::exchange(remove_at_end, std::nullopt);
      renewer_->Remove(*removed_);
    }
    const std::lock_guard lock(mutex_);
    ends_[slot] = {why, LeaseClock::Now()};
    changed_.notify_all();
  }

  Client& client_;
  std::unique_ptr<lease::LeaseRenewer> renewer_;
  std::optional<lease::Slot> removed_;
  std::uint64_t hold_until_ = 0;  // ns; 0: not at all
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<lease::Slot, Ended> ends_;
};

}  // namespace sideloop::test
