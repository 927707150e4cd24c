// Thread: loop, but for what is marked ANY_THREAD.
// Owns: its connection, and itself while that is open.
// Ends: with its last owner, after Close() or the loop's end.
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <span>
#include <string_view>

#include "base/annotations.h"
#include "coro/redis_call.h"
#include "loop/loop.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"
#include "redis/options.h"

namespace sideloop::coro {

// A Redis connection for coroutines: `Result<resp::Reply> r = co_await redis->Call("GET", key)`.
// Commands of all tasks share the connection; each call gets its own reply.
class Redis final : public std::enable_shared_from_this<Redis>, private redis::ConnectionObserver {
 public:
  // Connects when the first command is sent. Requires: only tasks on `loop` use it.
  ANY_THREAD static std::shared_ptr<Redis> Make(Loop& loop, redis::Options options) {
    return std::shared_ptr<Redis>(new Redis(loop, std::move(options)));
  }

  // Sends one command, of copies of its arguments. Where `cancel` was cancelled before, nothing is
  // sent.
  //
  // Separate arguments and no braced list: GCC 12 rejects one in a co_await expression.
  template <std::convertible_to<std::string_view>... Arguments>
  ON_LOOP RedisCall Call(const Arguments&... arguments) {
    return Call(CancelToken(), arguments...);
  }
  template <std::convertible_to<std::string_view>... Arguments>
  ON_LOOP RedisCall Call(CancelToken cancel, const Arguments&... arguments) {
    const std::array<std::string_view, sizeof...(arguments)> command = {arguments...};
    return Send(std::move(cancel), command, 0);
  }

  // For BLPOP and its like: the server may keep silent for long.
  template <std::convertible_to<std::string_view>... Arguments>
  ON_LOOP RedisCall CallBlocking(CancelToken cancel, const Arguments&... arguments) {
    const std::array<std::string_view, sizeof...(arguments)> command = {arguments...};
    return Send(std::move(cancel), command, resp::Stage::kBlocking);
  }

  // For a command whose length is not known before.
  ON_LOOP RedisCall Send(CancelToken cancel, std::span<const std::string_view> command,
                         std::uint32_t flags);

  // Ends the connection: what is under way fails with kClosed, and what is sent later.
  ON_LOOP void Close();

  ANY_THREAD const redis::ConnectionStats& stats() const { return stats_; }

 private:
  Redis(Loop& loop, redis::Options options) : loop_(loop), options_(std::move(options)) {}

  ON_LOOP redis::Connection& Ensure();
  ON_LOOP void OnEnded() override;

  Loop& loop_;
  const redis::Options options_;
  redis::ConnectionStats stats_;
  LOOP_ONLY std::unique_ptr<redis::Connection> connection_;
  // Keeps it alive while the connection is open: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<Redis> self_;
};

}  // namespace sideloop::coro
