// Thread: crosses. One Redis connection for any number of clients, of any number of JS
// environments.
// Owns: the connection, its figures, a share of each client that is in.
// Ends: with its last owner, a client or a job, after the connection has ended.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/annotations.h"
#include "cross/event_loop.h"
#include "cross/loop_signal.h"
#include "cross/mutex.h"
#include "cross/reply_writer.h"
#include "links/js_direct_path.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"
#include "redis/options.h"

namespace sideloop {

class RedisLink;

// The rules:
//   1. A client counts from the moment of its making, on its own thread: TryEnter.
//   2. No client owns the connection: it closes when the last one leaves, and from then on nobody
//      enters.
//   3. A client leaves in one of three ways: it quits (its commands are waited for), closes (they
//      fail), or dies with its environment (they settle nowhere). The others notice none of them,
//      unless a command of its own waits at the server, which nothing but the connection's loss
//      ends.
//   4. What happens to the connection is told to each client that is in, and one that comes later
//      is told how things stand.
class SharedConnection final : public std::enable_shared_from_this<SharedConnection>,
                               private redis::ConnectionObserver,
                               private SignalListener {
 public:
  SharedConnection(std::shared_ptr<EventLoop> loop, redis::Options options);

  // Counts one more client. False where the connection is over: its last client has left.
  [[nodiscard]] ANY_THREAD bool TryEnter();

  // The connection, made and perhaps not yet opened; the same, opened.
  ON_LOOP redis::Connection& Made();
  ON_LOOP redis::Connection& Opened();

  // Sees to it that PostResume is heard from now on. False where the system refuses it: then the
  // connection must not rest.
  [[nodiscard]] ON_LOOP bool TryHearOfResume();
  // Has the connection read again, where it rests. Unlike a job it is heard by a loop that stops:
  // what the loop waits for may stand behind what is not read.
  ANY_THREAD void PostResume();

  // Rule 4.
  ON_LOOP void Add(const std::shared_ptr<RedisLink>& client);

  // A client wants to leave. True where it is the only one: nobody enters any more, and its way out
  // is to end the connection.
  [[nodiscard]] ON_LOOP bool TryEnd();
  // It leaves the others behind. Requires: TryEnd said no, or the connection has ended.
  ON_LOOP void Leave(const RedisLink& client);

  // A command waits at the server for a client that does not wait for it any more: it would hold up
  // the others until its time is over, and take what they are to get. The connection is lost for
  // that, as for any other reason.
  ON_LOOP void EndWaits();

  // Whether there is more than one client in.
  ON_LOOP bool is_shared() const { return clients_.size() > 1; }

  // Whether there is a socket, connected or about to be.
  ON_LOOP bool is_up() const { return is_up_; }

  ANY_THREAD const redis::Options& options() const { return options_; }
  ANY_THREAD const redis::ConnectionStats& stats() const { return stats_; }
  ANY_THREAD const std::shared_ptr<EventLoop>& loop() const { return loop_; }
  ANY_THREAD JsDirectPath& direct() { return direct_; }

 private:
  // redis::ConnectionObserver.
  ON_LOOP void OnConnecting() override;
  ON_LOOP void OnConnected() override;
  ON_LOOP void OnReady(int protocol) override;
  ON_LOOP void OnUnready() override;
  ON_LOOP void OnClosed(const Error& why) override;
  ON_LOOP void OnWaitingFailed(const Error& why) override;
  ON_LOOP void OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) override;
  ON_LOOP void OnEnded() override;

  // SignalListener.
  ON_LOOP void OnSignal() override;

  ON_LOOP void TellWhy(std::string_view event, const Error& why);
  ON_LOOP void Tell(std::string_view event, std::initializer_list<ReplyWriter::Argument> arguments);

  const std::shared_ptr<EventLoop> loop_;
  const redis::Options options_;
  redis::ConnectionStats stats_;
  JsDirectPath direct_;
  LoopSignal resume_;
  LOOP_ONLY std::unique_ptr<redis::Connection> connection_;
  LOOP_ONLY std::unordered_map<const RedisLink*, std::shared_ptr<RedisLink>> clients_;
  // The last thing that was told, for who comes later. Invariant: there is no text among its
  // arguments, which would be gone by then.
  LOOP_ONLY std::string_view last_event_;
  LOOP_ONLY std::vector<ReplyWriter::Argument> last_arguments_;
  LOOP_ONLY bool is_up_ = false;
  // Keeps all of this alive while the connection is: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<SharedConnection> self_;

  Mutex mutex_;
  std::uint32_t entered_ GUARDED_BY(mutex_) = 0;
  bool over_ GUARDED_BY(mutex_) = false;
};

}  // namespace sideloop
