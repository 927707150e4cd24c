// Thread: loop. Moves the delayed jobs of one queue to their streams when they come due, with no
// help of JS. What is due is decided by the server's clock alone.
// Owns: its timer. A script under way is owned by the connection, which answers it once, and knows
// these only while they live.
// Ends: Stop(), its destructor, the end of the connection or the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "base/backoff.h"
#include "base/error.h"
#include "lease/pending_replies.h"
#include "loop/loop.h"
#include "loop/resource.h"
#include "redis/connection.h"
#include "resp/reply.h"
#include "timers/deadline_timer.h"

namespace sideloop::lease {

struct DelayedJobsOptions {
  std::string delayed;               // the sorted set's key
  std::vector<std::string> streams;  // the keys of all levels' streams
  // Jobs that one script moves, 1 or more: the server does nothing else meanwhile.
  std::uint32_t limit = 100;
  // After an error.
  std::uint64_t retry_min_ms = 100;
  std::uint64_t retry_max_ms = 10'000;
};

struct DelayedJobsStats {
  std::uint64_t runs = 0;  // scripts sent
  std::uint64_t moved = 0;
  std::uint64_t set_aside = 0;  // what was in the set and is no job
  std::uint64_t failed = 0;     // runs that ended in an error, in part or all
};

// Hears what became of each run. None of these may destroy the delayed jobs: they are on the stack.
class DelayedJobsObserver {
 public:
  ON_LOOP virtual void OnMoved(std::uint64_t count) { (void)count; }
  // A run, or a part of it; it goes on by itself.
  ON_LOOP virtual void OnMoveFailed(const Error& why) { (void)why; }
  // All that was due is where it belongs.
  ON_LOOP virtual void OnMoverDone() {}

 protected:
  ~DelayedJobsObserver() = default;
};

// The rules, each of which a test holds to:
//   1. One script is under way at most. What asks for a run meanwhile has one more follow.
//   2. Nothing is sent while the connection is down: its owner calls OnReady() when it is back.
//   3. No job is moved before it is due, and each once, however many consumers move them.
//   4. After an error it tries again by itself, less and less often until it succeeds.
//   5. A set without jobs causes no wake-up.
//   6. Jobs that can't be moved, however many, hold up no others: what is due is gone through to
//      its end, and the observer hears of the first.
class DelayedJobs final : public Resource {
 public:
  // Requires: `connection` and `observer` outlive it.
  ON_LOOP DelayedJobs(Loop& loop, redis::Connection& connection, DelayedJobsOptions options,
                      DelayedJobsObserver& observer);
  ON_LOOP ~DelayedJobs() override;

  // Moves what is due, and learns when the next job will be: a job was added that is due earlier
  // than all others, or some time has passed in which that may have gone unnoticed.
  ON_LOOP void RunNow();
  // The connection is up, again perhaps.
  ON_LOOP void OnReady() { RunNow(); }
  // Ends it now. A script under way may still run at the server.
  ON_LOOP void Stop();

  ON_LOOP bool running() const { return running_; }
  ON_LOOP const DelayedJobsStats& stats() const { return stats_; }

  // Resource: it holds up no stop; a script under way is a command of its connection's.
  ON_LOOP bool Busy() override { return false; }
  ON_LOOP void CloseBecause(const Error&) override { Stop(); }

 private:
  ON_LOOP void Send();
  ON_LOOP void OnAnswer(const resp::Reply& reply);
  ON_LOOP void OnFailure(const Error& error);
  ON_LOOP void Tell(const std::string& complaint);
  ON_LOOP void RunIn(std::uint64_t ms);

  Loop& loop_;
  redis::Connection& connection_;
  const DelayedJobsOptions options_;
  DelayedJobsObserver& observer_;
  DelayedJobsStats stats_;
  Backoff backoff_;
  bool running_ = false;
  std::unique_ptr<timers::DeadlineTimer> timer_;
  PendingReplies replies_;   // one at most is under way
  bool again_ = false;       // asked for while a script was under way
  std::uint64_t stuck_ = 0;  // due jobs that were found to be so since RunNow()
  bool complained_ = false;  // the observer was told since RunNow()
};

}  // namespace sideloop::lease
