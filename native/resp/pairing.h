// Thread: any one at a time. Which reply belongs to which command: replies come in the order of the
// commands, on each connection anew.
// Owns: nothing but the order; targets outlive their last reply.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/nanoseconds.h"
#include "base/ring.h"
#include "resp/encoder.h"
#include "resp/reply_sink.h"
#include "resp/stage.h"

namespace sideloop::resp {

// Who waits for replies. Every command counted in is answered by exactly one of EndReply,
// FailReplies. Both may be the last that the target lives to see, unless they return true: then
// FlushReplies follows soon.
class ReplyTarget {
 public:
  // The values of the next reply go into the sink returned. `flags` are those of the command's
  // head.
  virtual ReplySink& BeginReply(std::uint32_t flags) = 0;
  [[nodiscard]] virtual bool EndReply() = 0;
  // The rest of the reply that began will not come: forget it. FailReplies follows.
  virtual void AbortReply() = 0;
  // The next `count` commands fail.
  [[nodiscard]] virtual bool FailReplies(std::uint32_t count, const Error& error) = 0;
  // Whether its commands have to be settled in their order, so that one that fails before those
  // ahead of it has its turn all the same.
  virtual bool KeepsTurns() const { return false; }
  // The `count` commands behind its next `ahead` fail now. Each has its turn later, in which it is
  // answered by null or fails once more; that means nothing. Requires: KeepsTurns().
  virtual void FailOutOfTurn(std::size_t ahead, std::uint32_t count, const Error& error) {
    (void)ahead, (void)count, (void)error;
    assert(false);
  }
  // Whether a command that the server refuses because it can't serve yet is held until it can.
  // Requires: KeepsTurns().
  virtual bool WaitsForServer() const { return false; }
  // No more for now: pass on what was gathered.
  virtual void FlushReplies() {}

 protected:
  ~ReplyTarget() = default;
};

// Commands of one target and kind that went out together and in a row.
struct Run {
  ReplyTarget* target = nullptr;
  std::uint32_t count = 0;  // not answered yet
  std::uint32_t flags = 0;
  std::int32_t wait_ms = 0;         // at the server, or Stage::kForEver
  std::uint64_t bytes = 0;          // of RESP text; only of what a direct path wrote
  std::uint64_t sent_at = 0;        // ns; when they were handed to the socket
  std::uint64_t deadline = kNever;  // ns
  bool is_own = false;              // of the connection's own: nobody waits for it
  bool is_settled = false;          // failed out of turn: the reply is dropped
  // What its commands are encoded from, should they have to be sent again, and where the first of
  // those begins that are not answered: `answered` commands behind `from`. Null where they are
  // nobody's any more, or were never of a stage.
  std::shared_ptr<const Stage> stage = nullptr;
  StageEncoder::Position from = {};
  std::uint32_t answered = 0;
};

// The commands in flight on one connection. A generation is one connection's life: what belongs to
// an older one is emptied out before the next begins, so that no reply can meet a command of
// another generation.
class Pairing {
 public:
  std::uint64_t generation() const { return generation_; }
  std::size_t in_flight() const { return in_flight_; }
  bool empty() const { return runs_.empty(); }

  void Sent(Run run) {
    in_flight_ += run.count;
    runs_.push_back(std::move(run));
  }

  // The run that the next reply belongs to. Requires: !empty().
  Run& front() { return runs_.front(); }
  Run& run(std::size_t i) { return runs_[i]; }
  std::size_t runs() const { return runs_.size(); }

  // One more command of the last run. Requires: there is one.
  void SentAlso() {
    ++in_flight_;
    ++runs_.back().count;
  }
  Run& back() { return runs_.back(); }

  // Counts one reply of the front run off.
  void Answered() {
    --in_flight_;
    Run& run = runs_.front();
    ++run.answered;
    if (--run.count == 0) runs_.pop_front();
  }

  // Takes the oldest run out, for a connection that went down.
  std::optional<Run> TakeRun() {
    if (runs_.empty()) return std::nullopt;
    Run run = runs_.pop_front();
    in_flight_ -= run.count;
    return run;
  }

  // Drops the oldest `count` runs, whose commands were counted into later ones.
  void DropJoined(std::size_t count) {
    while (count-- > 0) runs_.pop_front();
  }

  // Begins a new connection's life. Requires: all runs were taken out.
  void NextGeneration() {
    assert(runs_.empty() && in_flight_ == 0);
    ++generation_;
  }

 private:
  Ring<Run> runs_;
  std::size_t in_flight_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace sideloop::resp
