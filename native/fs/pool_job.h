// Thread: loop; Run() on a thread of libuv's pool, which has the object to itself meanwhile.
// Owns: the uv request, and while it is queued a share of itself.
// Ends: with its last owner, never while it is queued.
#pragma once

#include <uv.h>

#include <memory>

#include "base/annotations.h"
#include "loop/loop.h"

namespace sideloop::fs {

// Work that may block: it is run on libuv's pool, as often as it is queued, once at a time.
class PoolJob : public std::enable_shared_from_this<PoolJob> {
 public:
  PoolJob(const PoolJob&) = delete;
  PoolJob& operator=(const PoolJob&) = delete;

  ON_LOOP bool queued() const { return self_ != nullptr; }

 protected:
  explicit PoolJob(Loop& loop) : loop_(loop) { work_.data = this; }
  virtual ~PoolJob() = default;

  // Also while the loop closes: it goes on until no job is left. Requires: !queued().
  ON_LOOP void Queue();
  // Where no thread has begun the job, OnRun(false) comes in place of Run.
  ON_LOOP void TryCancel();

  ON_POOL virtual void Run() = 0;
  // The job is not queued any more. `ran`: false where it was cancelled.
  ON_LOOP virtual void OnRun(bool ran) = 0;

  Loop& loop() { return loop_; }

 private:
  Loop& loop_;
  uv_work_t work_{};
  LOOP_ONLY std::shared_ptr<PoolJob> self_;
};

}  // namespace sideloop::fs
