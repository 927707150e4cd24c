// Thread: loop. The leases that are acquired through one Redis client: asks for them, waits for
// them, holds them, gives them back.
// Owns: a connection of its own, and one more while somebody waits; the renewer; each acquisition.
// What is under way is owned by its connection, and knows the service only while that lives.
// Ends: it goes idle when there is nothing to do, and closes with its client or the loop. May be
// destroyed then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/backoff.h"
#include "base/error.h"
#include "cross/outbox.h"
#include "lease/acquisition.h"
#include "lease/dedicated_connection.h"
#include "lease/lease_renewer.h"
#include "lease/lease_stats.h"
#include "lease/reports.h"
#include "lease/retry_pause.h"
#include "lease/turn_subscription.h"
#include "loop/loop.h"
#include "loop/resource.h"
#include "loop/timer.h"
#include "redis/options.h"

namespace sideloop::lease {

// The rules, each of which a test holds to:
//   1. A grant counts from when it was asked for. One that comes when its window is over is asked
//      for again, under the same name: where it is still ours it is renewed by that.
//   2. What was asked on a connection that was lost is asked again under the same name, which gets
//      the same token where it was granted.
//   3. The server is told of a waiter only while the client hears of turns, and each time it begins
//      to hear, all who wait ask again: a turn may have been given meanwhile.
//   4. Whoever goes, with or without a lease, tells the server, so that the next has its turn at
//      once; also where it is not known how far the acquire came.
//   5. Everybody is told of the end once.
//   6. A server that can't for now has not answered. Who waits is asked for again after a pause,
//      and so is who goes, for as long as the lease may be held there.
class LeaseService final : public Resource,
                           private DedicatedConnection::Owner,
                           private LeaseHolder,
                           private TurnListener {
 public:
  // How long a waiter whose turn it is may take; then it loses its place.
  static constexpr std::uint64_t kTurnMs = 2'000;
  // After so long every waiter shows that it is still there.
  static constexpr std::uint64_t kLongestWaitMs = 30'000;
  // How long the connections stay open with nothing to do.
  static constexpr std::uint64_t kLingerMs = 2'000;
  // Times that what was lost, or came too late, is asked again.
  static constexpr std::uint32_t kMostRepeats = 5;

  // `name` is nobody else's. `on_idle` runs each time it has no handle open any more; then it may
  // be destroyed, when no callback is on the stack.
  ON_LOOP LeaseService(Loop& loop, const redis::Options& options, std::string name,
                       std::shared_ptr<Outbox> js, std::uint32_t target, LeaseStats& stats,
                       std::function<void()> on_idle);
  // Requires: it is idle.
  ~LeaseService() override;

  ON_LOOP void Acquire(AcquireRequest request, std::shared_ptr<LeaseCell> cell);
  // Nobody wants it any more: gives it back where it was granted. JS hears of nothing.
  ON_LOOP void Cancel(std::int64_t id);
  ON_LOOP void Release(std::int64_t id);
  ON_LOOP void Extend(std::int64_t id, std::uint64_t ms);
  // The client has ended, or its environment: gives back all there is, and closes for good.
  ON_LOOP void Close();

  // It has handles.
  ON_LOOP bool is_open() const { return state_ == State::kOpen || state_ == State::kClosing; }

  // Resource.
  ON_LOOP bool Busy() override;
  ON_LOOP void CloseBecause(const Error& why) override;
  ON_LOOP void Flush() override { reports_.Commit(); }

 private:
  enum class State : std::uint8_t { kIdle, kOpen, kClosing, kClosed };

  // A command under way, and what it says.
  class ReleaseCommand;
  struct ReleaseRequest {
    LeaseKeys keys;
    std::string name;
    std::string waiter;  // empty: it has no place in the queue
    // The acquisition that waits for the answer. 0: nobody does.
    std::int64_t acquisition = 0;
    // ns; nobody waits for an answer beyond it: the lease has ended at the server by itself.
    std::uint64_t until = 0;
    std::uint32_t repeats = 0;
    bool may_have_run = false;  // an earlier one
  };
  friend class Acquisition::Command;

  // lease_service.cc
  ON_LOOP bool Open(std::uint64_t ttl_ms);
  ON_LOOP void GoIdle();
  ON_LOOP void RestIfIdle();
  ON_LOOP void OnLinger();
  ON_LOOP bool AnyRelease() const { return !releases_.empty() || !unsent_releases_.empty(); }
  ON_LOOP bool AnyAcquired() const;
  ON_LOOP void GiveBackAll(EndReason reason, const Error& refusal);
  ON_LOOP void Tell();
  ON_LOOP Acquisition* Find(std::int64_t id);
  ON_LOOP void Erase(Acquisition& acquisition);

  // DedicatedConnection::Owner.
  ON_LOOP void OnReady() override;
  ON_LOOP void OnDown(const Error& why, std::uint32_t attempts) override;
  ON_LOOP void OnEnded(const Error& why) override;
  ON_LOOP void OnNotNow(const Error& why) override;

  // lease_service_acquire.cc: from the asking to the grant.
  ON_LOOP void Ask(Acquisition& acquisition);
  ON_LOOP void OnAnswer(Acquisition& acquisition, const resp::Reply& reply, std::uint64_t asked_at);
  ON_LOOP void OnNoAnswer(Acquisition& acquisition, const Error& error);
  ON_LOOP void OnGranted(Acquisition& acquisition, std::int64_t token, std::uint64_t asked_at);
  ON_LOOP void OnHeld(Acquisition& acquisition, std::int64_t left_ms);
  ON_LOOP void OnQueued(Acquisition& acquisition, std::int64_t ask_in_ms);
  ON_LOOP void OnRefusal(Acquisition& acquisition, const std::string& words);
  ON_LOOP void AskAt(Acquisition& acquisition, std::uint64_t at);
  ON_LOOP void SetTimer(Acquisition& acquisition);
  ON_LOOP void OnTimer(std::int64_t id);
  ON_LOOP void AskAllWaiting();
  ON_LOOP bool AnyWaiting() const;
  ON_LOOP void WaitForServer(Acquisition& acquisition);
  ON_LOOP void Refuse(Acquisition& acquisition, std::string_view code, std::string_view message,
                      std::int64_t figure = 0);
  ON_LOOP void Refuse(Acquisition& acquisition, const Error& why);

  // TurnListener.
  ON_LOOP void OnSubscribed() override { AskAllWaiting(); }
  ON_LOOP void OnTurn(std::int64_t waiter) override;
  ON_LOOP void OnTurnAhead(std::int64_t waiter, std::uint64_t ms) override;
  ON_LOOP void OnTurnsFailed(const Error& why) override;

  // lease_service_hold.cc: from the grant to the end.
  ON_LOOP void Hold(Acquisition& acquisition, std::int64_t token, std::uint64_t asked_at);
  ON_LOOP void End(Acquisition& acquisition, EndReason reason, bool by_release,
                   std::string_view refusal = {});
  ON_LOOP void SendRelease(const Acquisition& acquisition);
  ON_LOOP void Send(ReleaseCommand* release);
  ON_LOOP void SendAgain();
  ON_LOOP void ForgetReleases();
  ON_LOOP void OnReleaseReply(const ReleaseCommand& release, const resp::Reply& reply);
  ON_LOOP void OnReleaseFailure(const ReleaseCommand& release, const Error& error);

  // LeaseHolder.
  ON_LOOP std::vector<std::string> RenewalOf(std::uint32_t group,
                                             std::span<const Renewal> renewals) override;
  ON_LOOP void OnLeaseEnd(Slot slot, LeaseEnd why) override;

  Loop& loop_;
  const redis::Options options_;
  const std::string name_;
  const std::string channel_;
  const std::shared_ptr<Outbox> js_;
  Reports reports_;
  LeaseStats& stats_;
  const std::function<void()> on_idle_;
  State state_ = State::kIdle;
  Error closed_because_;  // of kClosing and kClosed
  std::shared_ptr<DedicatedConnection> connection_;
  std::unique_ptr<LeaseRenewer> renewer_;
  std::unique_ptr<TurnSubscription> turns_;
  std::unique_ptr<Timer> linger_;
  std::uint64_t idle_since_ = 0;  // ns; the last time that there was no acquisition
  std::uint64_t waited_at_ = 0;   // ns; the last time that somebody waited
  // By id, which is the order of their coming.
  std::map<std::int64_t, Acquisition> acquisitions_;
  std::vector<Acquisition*> by_slot_;
  std::vector<ReleaseCommand*> releases_;        // under way
  std::vector<ReleaseRequest> unsent_releases_;  // the server can't hear them for now
  Backoff backoff_;                              // of those who wait for such a server
  std::unique_ptr<RetryPause> pause_;            // of unsent_releases_
};

}  // namespace sideloop::lease
