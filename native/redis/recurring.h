// Thread: loop. A Redis command that is repeated every so many ms, with nobody else's help: the
// renewal of a lease, a heartbeat.
// Owns: its alarm, a copy of the command. Each run under way is owned by the connection, which
// answers it once, and knows its recurring command only while that lives.
// Ends: as its options say, by its observer, by Stop(), with the connection or the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/error.h"
#include "loop/loop.h"
#include "loop/resource.h"
#include "redis/connection.h"
#include "redis/recurring_stats.h"
#include "resp/pairing.h"
#include "resp/reply.h"
#include "timers/alarm_clock.h"

namespace sideloop::redis {

// Times are in ms.
struct RecurringOptions {
  std::uint64_t period_ms = 1000;                              // 1 or more
  std::optional<std::uint64_t> first_after_ms = std::nullopt;  // absent: a period
  std::optional<std::uint64_t> timeout_ms = std::nullopt;      // of each run; absent: a period
  std::optional<std::uint64_t> count = std::nullopt;           // runs, 1 or more; absent: no limit
  std::optional<std::uint64_t> for_ms = std::nullopt;          // none begins later than this
  // For how long each run tells the server to wait, or Stage::kForEver; absent: it does not.
  std::optional<std::int32_t> wait_ms = std::nullopt;
  // Runs that the server owes an answer: beyond it none is sent.
  std::size_t max_unanswered = 8;
  // The same where nobody reads what the server answers, which is not its fault.
  std::size_t max_unread = 4096;
};

// How one run went. Times are in ns, of Loop::Now().
struct RecurringRun {
  enum class Outcome : std::uint8_t { kOk, kFailed, kLate };

  std::uint64_t number = 0;  // from 1
  Outcome outcome = Outcome::kOk;
  std::uint64_t due_at = 0;
  // When it was given to the connection, which is never after the server got it: what is granted
  // from then on is granted from the sending on. 0: it was not sent.
  std::uint64_t sent_at = 0;
  std::uint64_t settled_at = 0;
  resp::Reply reply;  // of kOk
  Error error;        // of the others; kReply: the server's own words
};

enum class RecurringEnd : std::uint8_t { kCount, kTime, kObserver, kStopped, kConnection, kLoop };

// Hears of each run once. None of these may destroy the recurring command: it is on the stack.
class RecurringObserver {
 public:
  // False: no more runs.
  [[nodiscard]] ON_LOOP virtual bool OnRun(const RecurringRun& run) = 0;
  // Once, and last. Runs that were under way are never heard of.
  ON_LOOP virtual void OnRecurringEnd(RecurringEnd why) { (void)why; }

 protected:
  ~RecurringObserver() = default;
};

// The rules, each of which a test holds to:
//   1. Run k is due at `start + first_after + (k - 1) * period`, whatever became of those before
//      it. Where the loop thread is busy past several due times, one run is sent for them.
//   2. A run without an answer at its deadline is late: it is settled, and the answer that may come
//      after all is dropped. It is never taken for that of another run.
//   3. While the connection is down one run waits for it. Those that come due behind it fail, so
//      that the server is not met by a burst when it is back.
//   4. A server that is up and silent is owed `max_unanswered` at most; `max_unread` where the
//      connection is paused, as that says nothing about the server.
class Recurring final : public Resource, private timers::AlarmListener {
 public:
  // Requires: `connection`, `observer` and `stats` outlive it. Those that share a `clock` share one
  // timer of the system's.
  ON_LOOP Recurring(Loop& loop, std::shared_ptr<timers::AlarmClock> clock, Connection& connection,
                    std::span<const std::string_view> command, const RecurringOptions& options,
                    RecurringObserver& observer, RecurringStats& stats);
  ON_LOOP ~Recurring() override;

  // Call once.
  ON_LOOP void Start();
  // Ends it now. Does nothing where it has ended.
  ON_LOOP void Stop() { End(RecurringEnd::kStopped); }
  ON_LOOP bool running() const { return state_ == State::kRunning; }

  // Resource: it holds up no stop; a run under way is a command of its connection's.
  ON_LOOP bool Busy() override { return false; }
  ON_LOOP void CloseBecause(const Error& why) override;

 private:
  enum class State : std::uint8_t { kIdle, kRunning, kEnded };

  // One run under way: the target of its reply, whose life it ends.
  class Sent;

  // timers::AlarmListener.
  ON_LOOP void OnAlarm() override;

  ON_LOOP void RunIfDue(std::uint64_t now);
  ON_LOOP void Send(RecurringRun run);
  ON_LOOP void OnAnswer(Sent& sent, resp::Reply reply);
  ON_LOOP void OnFailure(Sent& sent, const Error& error);
  ON_LOOP void Forget(Sent& sent);
  ON_LOOP void SettleOverdue(std::uint64_t now);
  ON_LOOP void Settle(RecurringRun& run);
  ON_LOOP void EndIfExhausted();
  ON_LOOP void End(RecurringEnd why);
  ON_LOOP void Withdraw();
  ON_LOOP void Arm();

  Loop& loop_;
  Connection& connection_;
  const std::vector<std::string> command_;
  const RecurringOptions options_;
  RecurringObserver& observer_;
  RecurringStats& stats_;
  State state_ = State::kIdle;
  std::shared_ptr<timers::AlarmClock> clock_;  // until the start
  std::unique_ptr<timers::Alarm> alarm_;
  std::uint64_t next_due_ = 0;               // ns
  std::optional<std::uint64_t> last_start_;  // ns; none begins after it
  std::uint64_t begun_ = 0;                  // runs, sent or not
  std::optional<RecurringEnd> exhausted_;    // no more will begin
  // What the server owes an answer, in the order of sending, late ones included.
  std::vector<Sent*> unanswered_;
  // A deadline has passed, but the socket has not been read since: an answer may lie there.
  std::optional<std::uint64_t> overdue_at_;
  std::uint64_t overdue_in_ = 0;  // the pass of the loop in which that was seen
  std::uint64_t look_again_at_ = 0;
};

}  // namespace sideloop::redis
