// Thread: crosses: any thread pushes, the loop thread takes.
// Owns: the jobs accepted and not yet taken, and the uv_async_t that wakes the loop.
// Ends: CloseWaker() on the loop thread, after Close(); jobs left in it are destroyed with it.
#pragma once

#include <uv.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/job_list.h"
#include "base/lane.h"
#include "cross/mutex.h"
#include "loop/loop.h"

namespace sideloop {

// Many producers, one consumer: a list of jobs for each lane under one mutex, taken out whole.
// bench/native/posts.cc compares it with boost::asio::post; a lock-free queue would have to beat it
// there first.
//
//            TryPush: queue was unarmed -> uv_async_send, armed
//   unarmed ---------------------------------------------------> armed
//      ^                                                           |
//      +------------ TakeInto finds nothing: the loop may sleep ---+
//
// Invariant: unarmed means empty, or the consumer is sure to look again. `armed` is cleared under
// the mutex that guards the jobs, in the same breath in which they are seen to be empty: no wake-up
// is lost.
class Mailbox final : public JobSource {
 public:
  enum class Push : std::uint8_t { kAccepted, kFull, kClosed };

  // Accepts at most `capacity` jobs that wait.
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) {}
  ~Mailbox() override = default;

  // Makes the wake-up handle. `on_wake` runs on the loop thread. Before Loop::Run.
  int Init(uv_loop_t* uv, uv_async_cb on_wake, void* data);

  // Moves the job in, and wakes the loop if it may be asleep. Where it is not accepted, `job` is
  // untouched.
  [[nodiscard]] ANY_THREAD Push TryPush(Job& job, Lane lane, bool beyond_capacity = false);

  // From here on TryPush says kClosed. The loop sees `request` after all accepted
  // jobs. False if it was closed already; then a nearer deadline still counts.
  ANY_THREAD bool Close(const StopRequest& request);

  ON_LOOP Taken TakeInto(LaneQueue& queue) override;

  // Closes the wake-up handle. Requires: Close() was called.
  ON_LOOP void CloseWaker();

  // True where TryPush would accept a job now.
  ANY_THREAD bool has_room();

  // Jobs accepted and not yet taken.
  ANY_THREAD std::size_t size();
  ANY_THREAD std::uint64_t accepted();
  ANY_THREAD std::uint64_t rejected();

 private:
  // Under the lock: decides that the loop must be woken, and keeps the handle open for it. Then,
  // outside: does it.
  [[nodiscard]] bool Arm() REQUIRES_LOCK(mutex_);
  ANY_THREAD void Wake();

  const std::size_t capacity_;
  Mutex mutex_;
  std::array<JobList, kLanes> lanes_ GUARDED_BY(mutex_);
  JobList::Pool spare_ GUARDED_BY(mutex_);
  std::size_t size_ GUARDED_BY(mutex_) = 0;
  std::uint64_t oldest_accepted_at_ GUARDED_BY(mutex_) = 0;
  std::uint64_t accepted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t rejected_ GUARDED_BY(mutex_) = 0;
  bool open_ GUARDED_BY(mutex_) = true;
  bool armed_ GUARDED_BY(mutex_) = false;
  bool waker_open_ GUARDED_BY(mutex_) = false;
  std::optional<StopRequest> stop_ GUARDED_BY(mutex_);
  // Threads between Arm() and the end of Wake(). Raised under the mutex; the release in Wake pairs
  // with the acquire in CloseWaker, which waits for 0.
  std::atomic<std::uint32_t> wakers_{0};
  uv_async_t waker_{};
};

}  // namespace sideloop
