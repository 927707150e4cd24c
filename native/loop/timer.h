// Thread: loop. One uv timer.
// Owns: its callback and its handle.
// Ends: its destructor stops it at once; the handle is freed when libuv has let go of it.
#pragma once

#include <uv.h>

#include <cstdint>

#include "base/annotations.h"
#include "base/job.h"
#include "loop/loop.h"

namespace sideloop {

class Timer {
 public:
  // `callback` runs on the loop thread each time the timer fires. It may destroy the timer.
  ON_LOOP Timer(Loop& loop, Job callback);
  ON_LOOP ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, `ms` from now; a running timer starts anew.
  ON_LOOP void Start(std::uint64_t ms);
  ON_LOOP void Stop();
  ON_LOOP bool active() const;

 private:
  struct Node {
    uv_timer_t handle;
    Loop* loop;
    Job callback;
    std::uint64_t due = 0;  // ns
  };

  Node* node_;  // freed in the close callback
};

}  // namespace sideloop
