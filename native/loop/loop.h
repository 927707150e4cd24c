// Thread: loop. The libuv side of an event loop: one uv_loop_t, the jobs waiting on it, the
// resources open on it, and the way it ends. Knows of no other thread: jobs come from a JobSource,
// figures go to LoopStats. Owns: the uv_loop_t and its own handles. Ends: Run() returns when a stop
// was asked for and everything is closed.
#pragma once

#include <uv.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/annotations.h"
#include "base/error.h"
#include "cross/loop_stats.h"
#include "loop/lane_queue.h"
#include "loop/resource.h"

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
  // Jobs run in one pass before I/O gets its turn again.
  static constexpr int kJobsPerPass = 1024;
  // Jobs between two that are timed, in a pass with many: reading the clock costs as much as a
  // small job.
  static constexpr int kJobsPerTiming = 16;

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

  // Has resource.Flush() called once before the loop sleeps.
  ON_LOOP void FlushLater(Resource& resource);

  // Lets go of `owned` when no callback is on the stack any more: for what ends inside its own
  // callback.
  ON_LOOP void ReleaseLater(std::shared_ptr<void> owned) { released_.push_back(std::move(owned)); }

  // True once a stop was asked for: new work is refused, what was accepted goes on.
  ON_LOOP bool stopping() const { return stop_.has_value(); }
  ON_LOOP const Error& close_reason() const { return close_reason_; }

  // Counts an I/O callback or a timer.
  ON_LOOP void CountEvent() { ++stats_.events; }

  // The time in ns, of a monotonic clock.
  static std::uint64_t Now() { return uv_hrtime(); }

  // The loop whose thread this is, or null.
  static Loop* Current();
  void AssertOnLoop() const ASSERTS_ON_LOOP;

 private:
  ON_LOOP void RunJobs();
  ON_LOOP void RunNextTimed();
  ON_LOOP void FlushResources();
  // Lets go of what ReleaseLater was given. False where there was nothing.
  ON_LOOP bool LetGo();
  ON_LOOP void SetBacklog(bool backlog);
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
  LOOP_ONLY std::vector<Resource*> to_flush_;
  LOOP_ONLY std::vector<std::shared_ptr<void>> released_;
  LOOP_ONLY std::vector<std::shared_ptr<void>> releasing_;
  LOOP_ONLY std::optional<StopRequest> stop_;
  LOOP_ONLY Error close_reason_;
  LOOP_ONLY bool deadline_passed_ = false;
  LOOP_ONLY bool closing_ = false;
  LOOP_ONLY std::uint64_t poll_began_at_ = 0;
  Job close_hook_;
};

}  // namespace sideloop
