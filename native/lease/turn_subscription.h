// Thread: loop. How those who wait for a lease hear that it is their turn: one channel for all that
// wait through one client, on a connection of its own.
// Owns: the connection.
// Ends: its owner destroys it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/annotations.h"
#include "base/error.h"
#include "lease/dedicated_connection.h"
#include "lease/retry_pause.h"
#include "loop/loop.h"
#include "redis/options.h"

namespace sideloop::lease {

// Any of these may destroy the subscription.
class TurnListener {
 public:
  // From now on it hears. What was said before, since the last time, was missed.
  ON_LOOP virtual void OnSubscribed() = 0;
  // It is that waiter's turn.
  ON_LOOP virtual void OnTurn(std::int64_t waiter) = 0;
  // The one before that waiter has its turn for so many ms.
  ON_LOOP virtual void OnTurnAhead(std::int64_t waiter, std::uint64_t ms) = 0;
  // It does not come to hear: the connection can't be had for now, or the server does not let it.
  ON_LOOP virtual void OnTurnsFailed(const Error& why) = 0;

 protected:
  ~TurnListener() = default;
};

class TurnSubscription final : private DedicatedConnection::Owner {
 public:
  // Begins to connect. `options` are those of the client.
  ON_LOOP TurnSubscription(Loop& loop, const redis::Options& options, std::string channel,
                           TurnListener& listener);
  ON_LOOP ~TurnSubscription();
  TurnSubscription(const TurnSubscription&) = delete;
  TurnSubscription& operator=(const TurnSubscription&) = delete;

  ON_LOOP bool subscribed() const { return subscribed_; }

 private:
  class Subscribing;

  // DedicatedConnection::Owner.
  ON_LOOP void OnReady() override;
  ON_LOOP void OnDown(const Error& why, std::uint32_t attempts) override;
  ON_LOOP void OnPush(const resp::Reply& message) override;
  ON_LOOP void OnEnded(const Error& why) override;

  ON_LOOP void Subscribe();
  ON_LOOP void OnRefused(std::string words);

  Loop& loop_;
  const std::uint32_t most_attempts_;
  const std::string channel_;
  TurnListener& listener_;
  bool subscribed_ = false;
  Subscribing* subscribing_ = nullptr;
  RetryPause pause_;  // of a server that can't for now
  std::shared_ptr<DedicatedConnection> connection_;
};

}  // namespace sideloop::lease
