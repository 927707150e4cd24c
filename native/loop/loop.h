// Thread: loop. The libuv side of an event loop: one uv_loop_t, the jobs waiting on it, the
// resources open on it, and the way it ends. Knows of no other thread: jobs come from a JobSource,
// figures go to LoopStats.
// Owns: the uv_loop_t and its own handles.
// Ends: Run() returns when a stop was asked for and everything is closed.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/annotations.h"
#include "base/error.h"
#include "loop/flush_list.h"
#include "loop/lane_queue.h"
#include "loop/loop_stats.h"
#include "loop/resource.h"
#include "loop/urgent_deadlines.h"

namespace sideloop {

// How a loop is asked to end: once its jobs have run and its resources are idle, or when
// `deadline_ms` have passed, at which what is left fails with `code`.
struct StopRequest {
  std::uint64_t deadline_ms = 0;
  ErrorCode code = ErrorCode::kStopped;
};

// Where a loop's jobs come from: the mailbox, or a test.
class JobSource {
 public:
  struct Taken {
    bool any = false;
    std::uint64_t oldest_accepted_at = 0;  // uv_hrtime
    std::optional<StopRequest> stop;       // set when a stop was asked for since the last look
  };

  virtual ~JobSource() = default;

  // Moves all waiting jobs to `queue`. Where there were none, the next one to arrive wakes the
  // loop.
  ON_LOOP virtual Taken TakeInto(LaneQueue& queue) = 0;
};

class Loop {
 public:
  // A pass runs so many jobs, or for so long, before I/O and timers have their turn again.
  static constexpr int kJobsPerPass = 1024;
  static constexpr std::uint64_t kPassNs = 1'000'000;
  // Jobs between two that are timed, in a pass with many, and between two looks at the clock:
  // reading it costs as much as a small job. Behind a job of kLongJobNs the next look comes at
  // once.
  static constexpr int kJobsPerTiming = 16;
  static constexpr int kJobsPerLook = 4;
  static constexpr std::uint64_t kLongJobNs = 50'000;

  // The first thing in every callback of libuv's: asserts the thread, counts the callback, and
  // behind it runs what has become urgent meanwhile.
  class Callback;

  Loop(JobSource& source, LoopStats& stats) : source_(source), stats_(stats) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Makes the uv loop. Returns a libuv error code, or 0. Call once, before Run; on any thread, as
  // nobody else knows the loop yet.
  int Init();

  // Runs until the loop has ended. Call once, on the thread that becomes the loop thread.
  void Run();

  // The uv loop, for the handles of resources. Valid from Init() until Run() returns.
  uv_loop_t* uv() { return &uv_; }

  // Runs jobs until there are none left, or kJobsPerPass are done and the rest waits for the next
  // pass. For the owner of the wake-up handle.
  ON_LOOP void OnWake();

  // Closes the wake-up handle, or whatever else is the owner's: called once, when all resources are
  // closed.
  void set_close_hook(Job hook) { close_hook_ = std::move(hook); }

  // Adds a resource. False once the loop has begun to close: the resource must fail by itself, with
  // close_reason().
  [[nodiscard]] ON_LOOP bool TryAdd(Resource& resource);
  ON_LOOP void Remove(Resource& resource);

  // Has resource.Flush() called once before the loop sleeps; where an urgent deadline asks, as soon
  // as all that are due have run.
  ON_LOOP void FlushLater(Resource& resource);

  // The same behind the next poll, which will not block: for what has more to do than fits a pass.
  // What others have to do meanwhile goes first.
  ON_LOOP void FlushAfterPoll(Resource& resource);

  // What runs between any two callbacks and jobs.
  ON_LOOP UrgentDeadlines& urgent() { return urgent_; }

  // Passes finished, each with one look at all sockets. An urgent deadline may come in the middle
  // of one: all that had arrived before it has been read when two more have finished.
  ON_LOOP std::uint64_t passes() const { return stats_.iterations; }

  // Records by how much something came late that was due at `due` (ns).
  ON_LOOP void CountLateness(std::uint64_t due, std::uint64_t now) {
    stats_.lateness.Record(now > due ? now - due : 0);
  }

  // Lets go of `owned` when no callback is on the stack any more: for what ends inside its own
  // callback.
  ON_LOOP void ReleaseLater(std::shared_ptr<void> owned) { released_.push_back(std::move(owned)); }

  // True once a stop was asked for: new work is refused, what was accepted goes on.
  ON_LOOP bool stopping() const { return stop_.has_value(); }
  ON_LOOP const Error& close_reason() const { return close_reason_; }

  // The time in ns, of a monotonic clock.
  static std::uint64_t Now() { return uv_hrtime(); }

  // The loop whose thread this is, or null.
  static Loop* Current();
  void AssertOnLoop() const ASSERTS_ON_LOOP;

 private:
  ON_LOOP void RunJobs();
  ON_LOOP void RunNextTimed();
  ON_LOOP void RunUrgent(std::uint64_t now);
  ON_LOOP void FlushResources();
  // Lets go of what ReleaseLater was given. False where there was nothing.
  ON_LOOP bool DestroyReleased();
  ON_LOOP void UpdateBacklog();
  ON_LOOP void BeginStop(const StopRequest& request);
  ON_LOOP void CloseIfDone();
  ON_LOOP void CloseAll();
  ON_LOOP void OnPrepare();
  ON_LOOP void OnCheck();
  template <void (Loop::*Method)(), typename Handle>
  static void Call(Handle* handle);

  JobSource& source_;
  LoopStats& stats_;
  uv_loop_t uv_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  uv_idle_t backlog_handle_{};  // active while jobs are left over, so that the poll does not block
  uv_timer_t deadline_timer_{};
  bool initialized_ = false;
  LOOP_ONLY LaneQueue queue_;
  LOOP_ONLY Resource* resources_ = nullptr;
  LOOP_ONLY FlushList to_flush_{FlushTime::kThisPass};
  LOOP_ONLY FlushList flush_urgently_{FlushTime::kUrgently};
  LOOP_ONLY FlushList flush_after_poll_{FlushTime::kAfterPoll};
  LOOP_ONLY UrgentDeadlines urgent_;
  LOOP_ONLY bool running_urgent_ = false;
  LOOP_ONLY int callbacks_ = 0;  // on the stack
  LOOP_ONLY std::vector<std::shared_ptr<void>> released_;
  LOOP_ONLY std::vector<std::shared_ptr<void>> releasing_;
  LOOP_ONLY std::optional<StopRequest> stop_;
  LOOP_ONLY Error close_reason_;
  LOOP_ONLY bool deadline_passed_ = false;
  LOOP_ONLY bool closing_ = false;
  Job close_hook_;
};

class Loop::Callback {
 public:
  explicit Callback(Loop& loop) ASSERTS_ON_LOOP : loop_(loop) {
    loop_.AssertOnLoop();
    ++loop_.callbacks_;
    ++loop_.stats_.events;
  }
  ~Callback() {
    loop_.AssertOnLoop();
    if (--loop_.callbacks_ > 0 || loop_.urgent_.next() == kNever) return;
    loop_.RunUrgent(Now());
  }
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

 private:
  Loop& loop_;
};

}  // namespace sideloop
