// Thread: crosses: the loop thread writes all but `js_lateness`, which the JS thread writes; any
// thread reads.
#pragma once

#include "metrics/counter.h"

namespace sideloop::timers {

// What the timers of one environment on one loop did. Times are in nanoseconds.
struct TimerStats {
  Counter pending;                // deadlines and ticks on the loop thread
  Counter fired;                  // deadlines that came
  Counter ticks;                  // ticks of intervals that came
  Counter merged;                 // ticks that JS was not told of, because it had one to come
  Counter bytes;                  // memory of the pending ones on the loop thread
  SharedHistogram loop_lateness;  // from the due time to the loop thread's noticing
  SharedHistogram js_lateness;    // from the due time to the callback
};

}  // namespace sideloop::timers
