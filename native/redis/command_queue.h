// Thread: any one at a time. The commands of one connection, from their acceptance to their
// settlement, without its socket, its loop or a clock: what is to be written, what is in flight and
// to whom each reply belongs, whose deadline is over.
// Owns: the stages of what is not answered.
// Ends: with its connection, empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "base/nanoseconds.h"
#include "base/ring.h"
#include "redis/discard.h"
#include "resp/encoder.h"
#include "resp/pairing.h"
#include "resp/stage.h"

namespace sideloop::redis {

//   Add            Encode: its first byte           Answered
//   -----> unsent ---------------------> in flight ---------> settled by its reply
//            |  FailUnsent, Fail,           |  FailInFlight, Fail,
//            |  FailOverdue                 |  FailOverdue
//            +--> "safe to repeat"          +--> "may have run"; a reply that comes is swallowed
//            ^                              |
//            |  Requeue                     |  TryHold: the server could not serve yet, and said so
//            +------------- held <----------+
//
// The rules:
//   1. What is unsent is not encoded: it costs what it took to accept it, and goes out in slices,
//      each into the block of the one before.
//   2. A command is in flight from its first byte. The rest of it follows whatever becomes of its
//      target, or the server would take the next command for its arguments.
//   3. Each command is settled once, in the order of its target's commands. One behind a command
//      that blocks at the server keeps its own deadline where its target keeps turns: it fails out
//      of turn. Else it fails when the one ahead is settled, should its reply not come by then.
//   4. Whoever is told may call back: lists are in order before anybody is.
//   5. A transaction whose first byte was given out goes on to its end, whatever becomes of its
//      target, or the commands of others would be taken into it. Where the connection goes down
//      before that, the rest of it fails: on the next connection it would be no transaction.
//   6. While commands are held nothing begins, and they are sent again when all in flight is
//      answered. Where the server answers one of a target's otherwise, those held that were ahead
//      of it are answered with what it said to them: sent again, they would run behind it.
class CommandQueue {
 public:
  // Times are in ms. `grace_ms` is what a command that waits at the server for a time of its own
  // may take beyond that; absent: as long as any other.
  struct Limits {
    std::optional<std::uint64_t> timeout_ms;
    std::optional<std::uint64_t> grace_ms;
  };

  explicit CommandQueue(const Limits& limits) : limits_(limits) {}
  CommandQueue(const CommandQueue&) = delete;
  CommandQueue& operator=(const CommandQueue&) = delete;

  // ---- Accepting. Times are in ns.

  // The `count` commands of a stage. Their replies go to `target`.
  void Add(std::shared_ptr<const resp::Stage> stage, std::uint32_t count, resp::ReplyTarget& target,
           std::uint64_t now);
  // One command. `flags` are those of resp::Stage; one that blocks was told to wait for `wait_ms`.
  void Add(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
           std::uint32_t flags, std::uint64_t now, std::int32_t wait_ms = resp::Stage::kForEver);
  // The last command ever. It has no deadline, and is sent when all ahead of it is answered: a
  // server that can't serve yet would run it, and could not be asked for those any more.
  void AddLast(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
               std::uint64_t now);

  // ---- Sending

  bool has_unsent() const { return !unsent_.empty() || !held_.empty(); }
  // Whether Encode() has something to give out.
  bool can_send() {
    if (is_holding_) return is_midway_ || IsMidTransaction();
    return !unsent_.empty() && !IsTooEarly();
  }
  // Commands of which no byte was given out, and those that are held.
  std::size_t unsent() const { return unsent_commands_; }

  // Appends to `out` what the server is to get next, until it holds about `most` bytes or nothing
  // is left. Returns how many commands began with that. A very long text is looked at in pieces:
  // so there may be nothing new in `out` although something is left.
  std::uint32_t Encode(ByteBuffer& out, std::size_t most, std::uint64_t now);

  // What somebody else has written: a greeting, a direct path.
  void Sent(resp::Run run);

  // ---- Replies

  std::uint64_t generation() const { return pairing_.generation(); }
  std::size_t in_flight() const { return pairing_.in_flight(); }
  // In how many rows of like commands these are: what a deadline that is over looks at.
  std::size_t runs_in_flight() { return pairing_.runs(); }
  bool is_quiet() const { return pairing_.empty(); }
  // The commands that the next reply belongs to. Requires: !is_quiet().
  const resp::Run& front() { return pairing_.front(); }
  // The next reply is whole: its command is settled.
  void Answered();

  // ---- Held, until the server can serve (rule 6)

  bool is_holding() const { return is_holding_; }
  // The next reply is whole and says in `words` that the command was refused, as the server can't
  // serve yet: the command is held, and answered as far as the server is concerned. False where it
  // can't be: it is somebody's who does not wait, or part of a transaction, or runs code that may
  // say so of itself, or a command in flight blocks at the server, behind which nobody knows when
  // it would be sent. Requires: !is_quiet().
  [[nodiscard]] bool TryHold(std::string_view words);
  // Answers what is held of the target with what the server said, before its next reply begins.
  void RejectHeld(resp::ReplyTarget& target);
  // What is held is the first to be sent. Requires: is_holding(), is_quiet(), !can_send().
  void Requeue();

  // ---- Failing

  // The connection went down. What is half sent is not sent again: it was in flight.
  void FailInFlight(const Error& why);
  void FailUnsent(const Error& why);

  // Somebody is being told of a failure, and others, or the same one, will be.
  bool is_telling() const { return !untold_.empty(); }

  // One of several targets leaves: what it has pending fails; what was not sent yet never will be.
  void Fail(resp::ReplyTarget& target, const Error& why);
  // The same for a target that is dead: it hears of nothing. What was not sent yet still is, for it
  // was accepted; but for what would block at the server in nobody's name.
  void Abandon(resp::ReplyTarget& target);
  // What the target has in flight fails, and keeps its turn until its reply is swallowed: so it
  // goes on counting as pending, and nobody may ask for ever more. What was not sent is not
  // touched. Requires: the target keeps turns.
  void FailInPlace(resp::ReplyTarget& target, const Error& why);

  // Nobody wants to hear of these targets' commands any more: what was not sent yet never will be,
  // and what blocks at the server does so for nobody. Both fail; the rest is answered as before.
  void Withdraw(std::span<resp::ReplyTarget* const> targets, const Error& why);
  // Whether that takes the command which the next reply belongs to. Requires: !is_quiet().
  bool WithdrawsFront(std::span<resp::ReplyTarget* const> targets);

  bool HasPending(const resp::ReplyTarget& target);
  // Whether a command is in flight that may block at the server for as long as it was told to.
  bool has_blocking() const { return blocking_ > 0; }
  // The same, of one target.
  bool HasBlocking(const resp::ReplyTarget& target);

  // ---- The last command

  // Whether the last command ever waits to be sent, and nobody for anything else. What was accepted
  // from a target that is dead counts as waited for, unless `drops_abandoned`.
  bool OnlyLastWaits(bool drops_abandoned);
  // Whether a command is in flight that blocks at the server, and nobody waits for it any more.
  bool BlocksForNobody();
  // Drops what is unsent and answers the last command by `text`, as if the server had said it.
  // Requires: OnlyLastWaits(true), or it was so before what was in flight failed.
  void AnswerLast(std::string_view text);

  // ---- Deadlines

  // No deadline is over before this moment; one that was kept may have been.
  std::uint64_t next_deadline() const { return earliest_; }
  void FailOverdue(std::uint64_t now);
  // From `since` until `now` nobody looked for replies: deadlines do not count that time.
  void Postpone(std::uint64_t since, std::uint64_t now);

  // ---- Targets

  // Has `target` told that there is no more for now, once.
  void FlushSoon(resp::ReplyTarget& target);
  void FlushTargets();

  // Where replies go that nobody waits for.
  resp::ReplyTarget& discard() { return discard_; }

  // Commands that failed since it was last asked.
  std::uint64_t TakeFailed() { return std::exchange(failed_, 0); }

 private:
  // Commands of one target and stage, in a row.
  struct Unsent {
    std::shared_ptr<const resp::Stage> stage = nullptr;
    resp::StageEncoder::Position from = {};
    resp::ReplyTarget* target = nullptr;
    std::uint32_t count = 0;  // of which no byte was given out
    std::uint64_t accepted_at = 0;
    std::uint64_t deadline = kNever;
    bool is_settled = false;    // failed out of turn
    bool is_abandoned = false;  // its target is dead
    bool is_waiting = false;    // overdue, behind one of its target's that is not
    bool is_last = false;       // of all
  };

  // Commands of one target and stage, in a row, that the server refused in these words.
  struct Held {
    Unsent entry;
    std::string words;
    bool blocks = false;
  };

  // What is to be told to a target once everything is in order.
  struct Failure {
    resp::ReplyTarget* target;
    std::size_t ahead;
    std::uint32_t count;
    bool was_sent;
    bool keeps_turn = false;  // even with nothing ahead
  };
  class Turns;

  static bool IsBlocking(const resp::Run& run) { return (run.flags & resp::Stage::kBlocking) != 0; }
  bool IsForNobody(const resp::Run& run) const {
    return run.is_own || run.is_settled || run.target == &discard_;
  }
  // An entry of which a command is half sent has to stay.
  bool IsHalfSent(std::size_t entry) const { return entry == 0 && is_midway_; }

  // Whether what is next has to wait for the replies to all ahead of it.
  bool IsTooEarly() { return unsent_.front().is_last && !is_midway_ && !pairing_.empty(); }
  // Whether some of the first entry's commands were given out, and all are one transaction.
  bool IsMidTransaction();

  bool EncodeEntry(ByteBuffer& out, std::size_t most, std::uint64_t now, std::uint32_t& begun);
  std::uint64_t DeadlineOfWait(const Unsent& entry) const;
  std::uint32_t EncodeBegun(ByteBuffer& out, std::size_t most, std::uint64_t now);
  void CountSent(const Unsent& entry, std::uint64_t now, bool has_run);
  void DropFront();
  static void Settle(resp::Run& run);
  void Redirect(resp::Run& run);
  void Redirect(Unsent& entry);
  bool IsIdle() const { return pairing_.empty() && !has_unsent(); }
  Unsent Again(resp::Run& run) const;
  std::vector<Held> TakeHeld(const resp::ReplyTarget& target);
  template <typename Drop>
  void FailHeld(Drop drop, std::vector<Failure>& failures);
  std::vector<Failure> DropUnsent(const std::function<bool(const Unsent&)>& drop);
  std::size_t CollectOverdue(std::uint64_t now, Turns& turns, std::vector<Failure>& failures);
  void JoinSettled(std::size_t count);
  void Tell(std::span<const Failure> failures, const Error& why);

  const Limits limits_;
  Discard discard_;
  Ring<Unsent> unsent_;
  std::size_t unsent_commands_ = 0;
  // Of the first unsent entry, once it has begun.
  resp::StageEncoder encoder_;
  bool has_begun_ = false;
  bool is_midway_ = false;  // in a command of it
  bool is_holding_ = false;
  std::vector<Held> held_;
  resp::Pairing pairing_;
  std::size_t blocking_ = 0;  // runs in flight that block
  std::uint64_t earliest_ = kNever;
  bool some_wait_ = false;  // some are overdue, and fail once those ahead of them are settled
  std::uint64_t failed_ = 0;
  std::deque<std::pair<Failure, std::shared_ptr<const Error>>> untold_;
  std::vector<resp::ReplyTarget*> touched_;
};

}  // namespace sideloop::redis
