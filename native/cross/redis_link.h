// Thread: crosses. A Redis connection as a JS environment holds it: calls from the JS thread become
// jobs, replies and events become deliveries. Owns: the connection, the figures, the writer of its
// replies. Ends: with its last owner, the JS object or a job, after the connection has ended.
#pragma once

#include <cstdint>
#include <memory>

#include "base/annotations.h"
#include "cross/connection_stats.h"
#include "cross/direct_path.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "cross/reply_writer.h"
#include "redis/connection.h"
#include "redis/options.h"
#include "resp/stage.h"

namespace sideloop {

class RedisLink final : public std::enable_shared_from_this<RedisLink>,
                        private redis::ConnectionObserver {
 public:
  // `target` is the number under which the environment knows the link.
  RedisLink(std::shared_ptr<EventLoop> loop, redis::Options options, std::shared_ptr<Outbox> outbox,
            std::uint32_t target);

  // Each of these queues a job; false where the loop takes none any more, and then nothing happens.
  [[nodiscard]] ANY_THREAD bool PostOpen();
  [[nodiscard]] ANY_THREAD bool PostSubmit(std::unique_ptr<resp::Stage> stage, std::uint32_t count);
  // Does without the job where it can, which pays while nothing else of the caller is pending.
  // Requires: nothing is, or commands would overtake those before them.
  [[nodiscard]] ANY_THREAD bool SubmitAlone(std::unique_ptr<resp::Stage> stage,
                                            std::uint32_t count);
  [[nodiscard]] ANY_THREAD bool PostQuit();
  [[nodiscard]] ANY_THREAD bool PostClose();

  ANY_THREAD const ConnectionStats& stats() const { return stats_; }
  ANY_THREAD EventLoop& loop() { return *loop_; }

 private:
  // The connection, made and perhaps not yet opened; the same, opened.
  ON_LOOP redis::Connection& Made();
  ON_LOOP redis::Connection& Opened();

  // redis::ConnectionObserver.
  ON_LOOP void OnConnecting() override { writer_.AddEvent("connecting", {}); }
  ON_LOOP void OnConnected() override { writer_.AddEvent("connect", {}); }
  ON_LOOP void OnReady(int protocol) override {
    writer_.AddEvent("ready", {std::int64_t{protocol}});
  }
  ON_LOOP void OnClosed(const Error& why) override;
  ON_LOOP void OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) override;
  ON_LOOP void OnEnded() override;

  const std::shared_ptr<EventLoop> loop_;
  const redis::Options options_;
  ConnectionStats stats_;
  ReplyWriter writer_;
  DirectPath direct_;
  LOOP_ONLY std::unique_ptr<redis::Connection> connection_;
  // Keeps the link alive while the connection is: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<RedisLink> self_;
};

}  // namespace sideloop
