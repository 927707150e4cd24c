// Thread: crosses: the loop thread writes, any thread reads.
#pragma once

#include "metrics/counter.h"

namespace sideloop::lease {

// One lease, as seen from any thread.
struct LeaseCell {
  Counter valid_until;  // ns of LeaseClock: until then it is ours for certain; 0: it is over
  Counter renewals;     // accepted by the server
  Counter failed;       // answered by an error, lost with the connection, or not sent
  Counter late;         // without an answer at their deadline; one that comes after all counts too
};

// All leases of one renewer. Every renewal is counted once in `accepted`, `refused` and `failed`.
struct LeaseStats {
  Counter held;            // leases now
  Counter commands;        // sent, each for a batch of leases
  Counter accepted;        // renewals
  Counter refused;         // renewals of what is not ours any more
  Counter failed;          // as in a cell
  Counter late;            // as in a cell
  Counter expired;         // leases whose window closed
  SharedHistogram jitter;  // from when a renewal was due to its sending
};

}  // namespace sideloop::lease
