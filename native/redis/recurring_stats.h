// Thread: crosses: the loop thread writes, any thread reads.
#pragma once

#include "metrics/counter.h"

namespace sideloop::redis {

// What a recurring command did. Times are in nanoseconds. Every run is counted once in one of `ok`,
// `failed` and `late`, when it is settled.
struct RecurringStats {
  Counter sent;            // runs handed to the connection
  Counter ok;              // answered in time, and not by an error
  Counter failed;          // answered by an error, lost with the connection, or not sent
  Counter late;            // without an answer when their deadline passed
  Counter skipped;         // due while the loop thread was busy with the run after them due as well
  SharedHistogram jitter;  // from the due time to the sending
};

}  // namespace sideloop::redis
