// Thread: crosses: the loop thread writes, any thread reads.
#pragma once

#include "metrics/counter.h"

namespace sideloop {

// What a loop knows of itself. Times are in nanoseconds.
struct LoopStats {
  Counter iterations;             // passes through the loop
  Counter wakeups;                // times another thread woke it
  Counter events;                 // jobs run, I/O callbacks, timers fired
  Counter jobs_run;               // posts among them
  Counter queued;                 // jobs taken from the mailbox and not yet run
  Counter idle_time;              // once it has ended: time spent blocked in the kernel
  Counter started_at;             // uv_hrtime when the thread began, 0 before
  Counter ended_at;               // uv_hrtime when it ended, 0 before
  SharedHistogram accept_to_run;  // of the oldest post of each wake-up
  SharedHistogram lateness;       // of timers and deadlines: from their moment to their running
  SharedHistogram callback_time;  // of the first job of each pass and every 16th after it
};

}  // namespace sideloop
