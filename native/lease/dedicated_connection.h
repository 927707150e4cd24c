// Thread: loop. A connection that is its owner's alone, so that no command of anybody else's holds
// up what is sent on it.
// Owns: the connection, its figures, and itself until that has ended.
// Ends: Quit() or Close() by its owner, who then hears of nothing more; or the loop's end.
#pragma once

#include <cstdint>
#include <memory>

#include "base/annotations.h"
#include "base/error.h"
#include "loop/loop.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"
#include "redis/options.h"
#include "resp/pairing.h"
#include "resp/reply.h"

namespace sideloop::lease {

// A client's options, for a connection that is somebody's own: it comes back whatever the client's
// do; no answer comes too late, as late ones count; and one that is silent for `silence_ms`, or for
// less where the client says so, is replaced.
redis::Options DedicatedOptions(redis::Options client, std::uint64_t silence_ms);

class DedicatedConnection final : public std::enable_shared_from_this<DedicatedConnection>,
                                  private redis::ConnectionObserver,
                                  private resp::ReplyTarget {
 public:
  class Owner {
   public:
    ON_LOOP virtual void OnReady() = 0;
    // It was lost, or never came up: the how-manieth attempt in a row. It tries again.
    ON_LOOP virtual void OnDown(const Error& why, std::uint32_t attempts) = 0;
    // The server is there, and can't serve yet. It is asked again.
    ON_LOOP virtual void OnNotNow(const Error& why) { (void)why; }
    // A message of a subscription.
    ON_LOOP virtual void OnPush(const resp::Reply& message) { (void)message; }
    // It will not try again: the loop ends.
    ON_LOOP virtual void OnEnded(const Error& why) = 0;

   protected:
    ~Owner() = default;
  };

  enum class Use : std::uint8_t { kCommands, kSubscription };

  // Begins to connect. Null where the loop is ending. Requires: `owner` outlives it, or quits or
  // closes it.
  ON_LOOP static std::shared_ptr<DedicatedConnection> Open(Loop& loop,
                                                           const redis::Options& options, Use use,
                                                           Owner& owner);

  DedicatedConnection(Loop& loop, const redis::Options& options, Owner& owner);

  ON_LOOP redis::Connection& get() { return connection_; }
  ON_LOOP bool is_ready() const { return connection_.state() == redis::Connection::State::kReady; }

  // Behind all that was sent.
  ON_LOOP void Quit();
  ON_LOOP void Close();

 private:
  // redis::ConnectionObserver.
  ON_LOOP void OnReady(int protocol) override;
  ON_LOOP void OnClosed(const Error& why) override { why_ = why; }
  ON_LOOP void OnNotNow(const Error& why) override {
    if (owner_ != nullptr) owner_->OnNotNow(why);
  }
  ON_LOOP void OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) override;
  ON_LOOP void OnEnded() override;

  // resp::ReplyTarget, for messages of a subscription.
  resp::ReplySink& BeginReply(std::uint32_t) override { return builder_; }
  bool EndReply() override;
  void AbortReply() override { builder_.Take(); }
  bool FailReplies(std::uint32_t, const Error&) override { return false; }

  Loop& loop_;
  Owner* owner_;  // null: it is not interested any more
  Error why_;
  resp::ReplyBuilder builder_;
  redis::ConnectionStats stats_;
  redis::Connection connection_;
  // libuv's callbacks come through it.
  std::shared_ptr<DedicatedConnection> self_;
};

}  // namespace sideloop::lease
