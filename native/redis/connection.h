// Thread: loop. One connection to a Redis server, for as many commands and targets as want to share
// it.
// Owns: its socket, the commands waiting for one, the timers of its deadlines.
// Ends: Close(), or its loop's end. It then tells its observer, once and last, and settles all that
// was pending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/backoff.h"
#include "base/byte_buffer.h"
#include "base/error.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "redis/command_queue.h"
#include "redis/connection_stats.h"
#include "redis/direct_path.h"
#include "redis/discard.h"
#include "redis/handshake.h"
#include "redis/options.h"
#include "redis/socket.h"
#include "resp/pairing.h"
#include "resp/parser.h"
#include "resp/reply.h"
#include "resp/stage.h"

namespace sideloop::redis {

// Hears of a connection's life. None of these may destroy the connection: it is on the stack.
// OnEnded, which comes once and last, lets go of it by Loop::ReleaseLater.
class ConnectionObserver {
 public:
  ON_LOOP virtual void OnConnecting() {}
  ON_LOOP virtual void OnConnected() {}
  ON_LOOP virtual void OnReady(int protocol) { (void)protocol; }
  // The server can't serve for a while, though the connection is up; OnReady follows when it can.
  ON_LOOP virtual void OnUnready() {}
  // The server was asked whether it serves, and answered that it can't yet; it is asked again after
  // a pause. `why` has its words.
  ON_LOOP virtual void OnNotNow(const Error& why) { (void)why; }
  ON_LOOP virtual void OnClosed(const Error& why) { (void)why; }
  // What waited for the connection was failed. It may be tried again all the same.
  ON_LOOP virtual void OnWaitingFailed(const Error& why) { (void)why; }
  ON_LOOP virtual void OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) {
    (void)delay_ms;
    (void)attempt;
  }
  ON_LOOP virtual void OnEnded() {}

 protected:
  ~ConnectionObserver() = default;
};

//             Open                 connected            handshake done
//   kIdle ----------> kConnecting ----------> kGreeting ----------> kReady
//                        ^   |                    |  ^  not served any  |
//                        |   |                    |  +---- more --------+
//                        |   |  failed            | failed            | lost
//                        |   +--------> kLost <---+-------------------+
//                        |                | all were told
//                        +- delay over - kBackoff
//   any --- Close, loop ends, lost without reconnect ---> kLost ---> kEnded
//
// Invariant: there is a socket in kConnecting, kGreeting and kReady, and in no other state.
//
// What becomes of a command when the connection goes down is a matter of CommandQueue's: one in
// flight fails, and may have run; one that is unsent waits for the next connection, for a number of
// attempts. One that the server refuses because it can't serve yet is held, with all behind it, and
// sent when the server can.
class Connection final : public Resource, private SocketListener {
 public:
  enum class State : std::uint8_t {
    kIdle,
    kConnecting,
    kGreeting,
    kReady,
    kLost,
    kBackoff,
    kEnded
  };

  ON_LOOP Connection(Loop& loop, const Options& options, ConnectionObserver& observer,
                     ConnectionStats& stats);
  ON_LOOP ~Connection();

  // Lets `direct_path` write too, at the times the connection chooses. It must outlive the
  // connection's end. Before Open.
  ON_LOOP void set_direct_path(DirectPath& direct_path) { direct_path_ = &direct_path; }

  // Where push messages go, and what comes while no command waits for a reply, which is how RESP2
  // delivers the messages of a subscription. Without one the first are dropped, and the others
  // break the connection. It must outlive the connection's end. Before Open.
  ON_LOOP void set_push_target(resp::ReplyTarget& target) { push_target_ = &target; }

  // Hears of what the direct path wrote, and writes what is left of it.
  ON_LOOP void TakeDirectWrites();

  // From now on it is given up after a silence of so long, where it was not sooner. The handshake
  // is not bounded by it.
  ON_LOOP void BoundSilence(std::uint64_t ms);

  // Reads nothing until ResumeReplies() or the next connection, while it goes on writing: somebody
  // has not taken the replies so far. Silence and deadlines do not count that time.
  ON_LOOP void PauseReplies();
  ON_LOOP void ResumeReplies();
  bool is_paused() const { return is_paused_; }
  // Bytes that are here of a reply to `target`, as long as it is not whole.
  std::size_t HalfReplyOf(const resp::ReplyTarget& target) const {
    return replying_ == &target && !is_push_ ? parser_.reply_bytes() + in_.size() : 0;
  }

  // Begins to connect. Requires: state() is kIdle.
  ON_LOOP void Open();

  // Sends one command; `target` gets its reply or an error. `flags` are those of resp::Stage, and
  // `wait_ms` is for how long one that blocks was told to wait.
  ON_LOOP void Send(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
                    std::uint32_t flags = 0, std::int32_t wait_ms = resp::Stage::kForEver);

  // Sends the `count` commands of a stage, in order.
  ON_LOOP void Send(std::shared_ptr<const resp::Stage> stage, std::uint32_t count,
                    resp::ReplyTarget& target);

  // Says QUIT, behind all that was sent before; its reply goes to `target`, and the connection
  // ends. Where the server serves nobody, or blocks for nobody, it ends as soon as nobody waits for
  // anything else, and the target gets `OK` all the same.
  ON_LOOP void Quit(resp::ReplyTarget& target);

  // The same for nobody: its reply is swallowed.
  ON_LOOP void Quit() { Quit(queue_.discard()); }

  // Ends the connection now; what is pending fails with `why`.
  ON_LOOP void Close(const Error& why);

  // Drops the socket as if it had been lost, and connects anew: for who knows better than the
  // deadlines here that nobody is at the other end.
  ON_LOOP void Break(const Error& why);

  // One of several targets leaves, and the connection goes on for the others. What it has pending
  // fails with `why`; what was not sent yet never will be.
  ON_LOOP void Fail(resp::ReplyTarget& target, const Error& why);

  // The same for a target that is dead: it hears of nothing. What was not sent yet still is, for it
  // was accepted; but for what would block at the server in nobody's name.
  ON_LOOP void Abandon(resp::ReplyTarget& target);

  // Nobody wants to hear of these targets' commands any more. What was not sent yet never will be,
  // and what blocks at the server does so in nobody's name: both fail with `why`.
  ON_LOOP void Withdraw(std::span<resp::ReplyTarget* const> targets, const Error& why);

  // Of a target that stays: what it has in flight fails with `why`, and is pending until its reply
  // was swallowed. Requires: the target keeps turns.
  ON_LOOP void FailInPlace(resp::ReplyTarget& target, const Error& why);

  // Whether the target waits for a reply.
  ON_LOOP bool HasPending(const resp::ReplyTarget& target);

  // Whether a command was sent that may block at the server for as long as it was told to.
  ON_LOOP bool HasBlocking();
  // The same, of one target. Where others stay and it does not wait any more, the command goes on
  // to hold them up, and what it takes at the server is lost: only Break() ends it.
  ON_LOOP bool HasBlocking(const resp::ReplyTarget& target);
  // Whether such a command was sent that nobody waits for any more.
  ON_LOOP bool BlocksForNobody();

  State state() const { return state_; }
  // The life it is in; see resp::Pairing.
  std::uint64_t generation() const { return queue_.generation(); }

  // Resource.
  ON_LOOP bool Busy() override;
  ON_LOOP void CloseBecause(const Error& why) override { Close(why); }
  ON_LOOP void Flush() override;

 private:
  // A read buffer that a large reply has blown up is given back.
  static constexpr std::size_t kKeptReadBuffer = 256 << 10;
  // So much is encoded and written at a time, into the same block, and so much or for so long in
  // one pass; then others have their turn.
  static constexpr std::size_t kSlice = 128 << 10;
  static constexpr std::size_t kSlicesPerPass = 8;

  // Puts the handshake's replies to the handshake.
  class Greeter final : public resp::ReplyTarget {
   public:
    explicit Greeter(Connection& connection) : connection_(connection) {}
    resp::ReplySink& BeginReply(std::uint32_t) override { return builder_; }
    bool EndReply() override;
    void AbortReply() override { builder_.Take(); }
    bool FailReplies(std::uint32_t, const Error&) override { return false; }

   private:
    Connection& connection_;
    resp::ReplyBuilder builder_;
  };

  // Hears out an error before anybody else does: it may be no answer.
  class ErrorCatcher final : public Discard {
   public:
    void OnError(std::string_view text) override { text_ = text; }
    // Of the last one.
    std::string_view text() const { return text_; }

   private:
    std::string text_;
  };

  // SocketListener.
  ON_LOOP void OnConnected() override;
  ON_LOOP std::span<char> ReadRoom() override;
  ON_LOOP void OnRead(std::size_t bytes) override;
  ON_LOOP void OnWritten() override { Flush(); }
  ON_LOOP void OnSocketFailed(const Error& error) override { Lose(error); }

  // connection_connect.cc
  ON_LOOP void Connect();
  net::ConnectOptions Target() const;
  ON_LOOP void OnConnectTimer();
  ON_LOOP void SendGreeting(std::string_view bytes);
  ON_LOOP void PutOffGreeting();
  ON_LOOP void BecomeReady();
  ON_LOOP void Lose(const Error& why);
  ON_LOOP void DropSocket();
  ON_LOOP void ScheduleReconnect();
  ON_LOOP void FailInFlight(const Error& why);
  ON_LOOP void FailWaiting(const Error& why);
  ON_LOOP void End();

  // connection.cc
  ON_LOOP bool Accepts(std::uint32_t count, resp::ReplyTarget& target);
  ON_LOOP void WriteUnsent();
  ON_LOOP void Parse();
  ON_LOOP bool ParseNext();
  ON_LOOP void RestAfterPass();
  ON_LOOP void EndReply();
  ON_LOOP void OpenDirectPath();
  ON_LOOP void CloseDirectPath();
  ON_LOOP void CountReply(const resp::Run& run);
  ON_LOOP void RecordLatency();
  ON_LOOP void UpdateGauges();
  ON_LOOP void DropReply(const resp::ReplyTarget& target);

  // connection_unready.cc
  ON_LOOP void BeginUnready(bool is_error);
  ON_LOOP void EndError();
  ON_LOOP void LeaveReady();

  // connection_deadlines.cc
  ON_LOOP std::uint64_t NextDue();
  ON_LOOP std::uint64_t LastHeard();
  ON_LOOP bool SilentTooLong(std::uint64_t now);
  ON_LOOP void WatchReplies();
  ON_LOOP void OnWatch();
  ON_LOOP void FailOverdue(std::uint64_t now);

  // connection_pause.cc
  ON_LOOP void EndPause();

  // connection_quit.cc
  ON_LOOP void EndIfOnlyQuitWaits();

  Loop& loop_;
  const Options options_;
  std::optional<std::uint64_t> silence_timeout_ms_;
  ConnectionObserver& observer_;
  ConnectionStats& stats_;
  State state_ = State::kIdle;
  std::unique_ptr<Socket> socket_;
  std::unique_ptr<Handshake> handshake_;
  Greeter greeter_{*this};
  ErrorCatcher error_;
  Backoff backoff_;
  std::unique_ptr<Timer> connect_timer_;  // the connect deadline, the delay before the next
                                          // attempt, or is_putting_off_
  std::unique_ptr<Timer> watch_timer_;    // the silence and command deadlines
  resp::Parser parser_;
  CommandQueue queue_;
  // The reply being parsed: where it goes. Null between replies.
  resp::ReplyTarget* replying_ = nullptr;
  resp::ReplySink* sink_ = nullptr;
  bool is_push_ = false;
  std::size_t wanted_ = 1;  // bytes without which parsing goes on in vain
  ByteBuffer in_;
  bool reads_long_ = false;          // what arrives goes into a long string of the parser's
  bool rests_ = false;               // nothing is read until the poll has looked at all the others
  std::uint64_t reading_pass_ = 0;   // the loop's pass in which it read last,
  std::uint64_t pass_began_at_ = 0;  // and when it began to read in it
  ByteBuffer slice_;                 // what is handed to the socket, and empty again
  std::vector<resp::Run> direct_writes_;  // what is taken from the direct path, and empty again
  std::uint64_t last_read_at_ = 0;
  std::uint64_t last_progress_at_ = 0;  // a sign of life other than a read
  // Bytes that the kernel had taken, and whether it would not take all, when silence was last
  // looked into.
  std::uint64_t taken_seen_ = 0;
  bool was_congested_ = false;
  std::uint64_t watch_due_ = 0;  // what watch_timer_ was started for
  std::uint64_t greeting_since_ = 0;
  // Where the last connection failed, it was in its greeting. The next one then goes where the
  // resolver sends it first, and not to the remembered address again.
  bool greeting_failed_ = false;
  std::uint64_t greeting_pause_ms_ = 0;  // the last one in it
  std::uint64_t ready_since_ = 0;
  bool was_ready_ = false;              // on this socket
  bool is_putting_off_ = false;         // connect_timer_ is the pause before the greeting goes on
  std::uint64_t answered_sent_at_ = 0;  // latency is recorded for all replies of one write at once
  std::uint64_t answered_count_ = 0;
  bool is_paused_ = false;
  std::uint64_t paused_at_ = 0;
  bool quitting_ = false;  // no command is accepted any more
  bool closing_ = false;   // Close() is on the stack
  bool says_ok_ = false;   // QUIT is answered by Close(), and not by the server
  resp::ReplyTarget* push_target_ = nullptr;
  DirectPath* direct_path_ = nullptr;
  bool direct_path_open_ = false;
};

}  // namespace sideloop::redis
