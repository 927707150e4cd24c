// Thread: crosses: the loop thread keeps them, one JS thread asks.
// Owns: the cells of all entries that a consumer may hold at a time, at fixed places.
// Ends: with its link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/annotations.h"
#include "cross/mutex.h"
#include "lease/lease_stats.h"

namespace sideloop::lease {

// Handles are used again, and a serial number says which use of one it was. Under the mutex a cell
// goes over from one use to the next, so that nobody takes the window of one lease for another's.
class ConsumerCells {
 public:
  explicit ConsumerCells(std::size_t count) : leases_(count), uses_(count) {}

  // Where the lease of a handle is kept. Invariant: its window is closed when the handle is taken.
  ON_LOOP lease::LeaseCell& lease(std::uint32_t handle) { return leases_[handle]; }

  ON_LOOP void Take(std::uint32_t handle, std::uint32_t serial) {
    MutexLock lock(mutex_);
    leases_[handle].valid_until = 0;
    uses_[handle] = {serial, false};
  }

  // Whether the job was begun. From here on it never will be, if it was not.
  ON_LOOP bool Seal(std::uint32_t handle) {
    MutexLock lock(mutex_);
    uses_[handle].sealed = true;
    return uses_[handle].begun;
  }

  // Begins a job where its lease is valid at `now` (ns, of LeaseClock).
  [[nodiscard]] ON_JS bool TryBegin(std::uint32_t handle, std::uint32_t serial, std::uint64_t now) {
    MutexLock lock(mutex_);
    Use& use = uses_[handle];
    if (use.serial != serial || use.sealed || leases_[handle].valid_until <= now) return false;
    use.begun = true;
    return true;
  }

  // The end of its window in ns; 0 where its lease is over.
  ON_JS std::uint64_t ValidUntil(std::uint32_t handle, std::uint32_t serial) {
    MutexLock lock(mutex_);
    return uses_[handle].serial == serial ? std::uint64_t{leases_[handle].valid_until} : 0;
  }

  std::size_t size() const { return leases_.size(); }

 private:
  struct Use {
    std::uint32_t serial = 0;
    bool begun = false;
    bool sealed = false;
  };

  Mutex mutex_;
  std::vector<lease::LeaseCell> leases_;
  std::vector<Use> uses_ GUARDED_BY(mutex_);
};

// What one consumer of a partition did and holds.
struct ConsumerStats {
  Counter held;       // entries now
  Counter delivered;  // handed to JS
  Counter acked;
  Counter retried;    // failed, and added again
  Counter dead;       // to the dead letters
  Counter recovered;  // taken over from others, or from an earlier life
  Counter lost;       // leases that others took over, or that were refused
  Counter expired;    // leases that ended by a clock of their own
  Counter handed_back;
  Counter unconfirmed;  // read too late, and found to be another's by then
  Counter moved;        // delayed jobs whose time had come
  Counter reads;
  Counter healthy;  // 1 or 0
  lease::LeaseStats leases;
};

}  // namespace sideloop::lease
