// Thread: crosses. A loop on a thread of its own: Post, Stop and Destroy, from any thread.
// Owns: its share of the exit state, and the std::thread until it is joined or detached.
// Ends: the destructor is Destroy. The exit state (uv_loop, mailbox, figures) ends with its last
// owner, which may be the loop thread itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/job.h"
#include "base/lane.h"
#include "loop/loop.h"
#include "loop/loop_stats.h"

namespace sideloop {

// Hears of a loop's end, whoever asked for it.
class EndWatcher {
 public:
  // Once, as the last thing before the loop closes: all else has been settled and closed.
  ON_LOOP virtual void OnLoopEnded() = 0;

 protected:
  ~EndWatcher() = default;
};

// The rules, each of which a test holds to:
//   1. Every accepted job runs exactly once on the loop thread, in the order accepted within its
//      lane. A rejected one is destroyed on the caller's thread, at once. Post never runs anything
//      inline.
//   2. Stop refuses posts, lets accepted jobs run and resources finish until the deadline, fails
//      what is left by name, and joins. From the loop thread it does the same but detaches instead
//      of joining.
//   3. Destroy is Stop with no time for resources: accepted jobs still run, what is pending fails.
//      It may be called anywhere, in a job or callback of this very loop included.
//   4. The thread that leaves uv_run closes the uv_loop, before it lets go of the exit state.
//      Nothing leaks.
//   5. After fork() the child has no loop thread: Post fails there at once, Stop and Destroy
//      return.
class EventLoop {
 public:
  struct Options {
    std::string name = "sideloop";           // the thread's name; the kernel keeps 15 bytes of it
    std::size_t mailbox_capacity = 1 << 20;  // jobs that may wait
  };

  // Starts the thread. Null where the system refuses one; `error` then says why.
  [[nodiscard]] static std::unique_ptr<EventLoop> Start(Options options,
                                                        std::string* error = nullptr);

  ANY_THREAD ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Queues `job` for the loop thread. True: it was accepted.
  [[nodiscard]] ANY_THREAD bool Post(Job job, Lane lane = Lane::kNormal);

  // Queues `job` although the mailbox may be full: for the few that begin and end things, and must
  // not be lost.
  [[nodiscard]] ANY_THREAD bool PostControl(Job job);

  // Whether Post would accept a job now.
  [[nodiscard]] ANY_THREAD bool Accepts() const;

  // Rule 2. True once the loop has ended; false from the loop thread, in a forked child, and where
  // a job still holds the thread kGraceMs after the deadline (then the thread is detached).
  ANY_THREAD bool Stop(std::uint64_t deadline_ms = 5000);

  // Asks for the stop and returns at once; `ended` runs on the loop thread, as the last thing
  // before the loop closes. False (and `ended` never runs) where posts were refused before.
  ANY_THREAD bool StopThen(std::uint64_t deadline_ms, Job ended);

  // Tells `watcher` of the end, where it is alive by then. False where the end has come already.
  [[nodiscard]] ANY_THREAD bool WatchEnd(std::weak_ptr<EndWatcher> watcher);

  // Rule 5: what a fork has left of the loop, whose locks nobody may touch.
  ANY_THREAD bool InForkedChild() const;

  // Whether somebody has asked for the end.
  ANY_THREAD bool stop_asked() const;

  // Rule 3. The object remains; Post refuses. Waits for the thread for kGraceMs at most.
  ANY_THREAD void Destroy();

  // Destroy in two steps, so that several loops can end at the same time.
  ANY_THREAD void RequestDestroy();
  // Waits for the thread's end for `ms` at most, then lets go of it. Requires: a stop was asked
  // for. True once the loop has ended; false from the loop thread and in a forked child.
  ANY_THREAD bool Join(std::uint64_t ms);

  ANY_THREAD bool OnLoopThread() const;

  // The loop-thread side, for jobs that open connections and timers.
  Loop& loop();

  ANY_THREAD const LoopStats& stats() const;
  // The time spent blocked in the kernel so far, in ns, this very moment included.
  ANY_THREAD std::uint64_t idle_time() const;
  struct Counts {
    std::uint64_t accepted;
    std::uint64_t rejected;
    std::uint64_t waiting;  // accepted and not yet run
  };
  ANY_THREAD Counts counts() const;
  ANY_THREAD const std::string& name() const;

  // How long a stop waits for the thread after its deadline.
  static constexpr std::uint64_t kGraceMs = 1000;

 private:
  class ExitState;
  explicit EventLoop(std::shared_ptr<ExitState> state);

  std::shared_ptr<ExitState> state_;
};

static_assert(!std::is_copy_constructible_v<EventLoop>);

}  // namespace sideloop
