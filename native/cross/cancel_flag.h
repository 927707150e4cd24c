// Thread: crosses: set by the loop thread, read by a thread of libuv's pool in the midst of a job.
// Owns: nothing.
// Ends: with the job's object.
#pragma once

#include <atomic>

#include "base/annotations.h"

namespace sideloop {

// That nobody wants the rest of a job any more. It carries no data: relaxed, and so no partner.
class CancelFlag {
 public:
  CancelFlag() = default;
  CancelFlag(const CancelFlag&) = delete;
  CancelFlag& operator=(const CancelFlag&) = delete;

  ANY_THREAD void Set() { set_.store(true, std::memory_order_relaxed); }
  ANY_THREAD bool is_set() const { return set_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> set_{false};
};

}  // namespace sideloop
