// Thread: loop. The deadlines that do not wait for the end of a long pass: they run between any two
// callbacks and jobs of their loop, so that what keeps a lease goes before bulk.
// Owns: nothing; a deadline takes itself out before it ends.
// Ends: with its loop, when it is empty.
#pragma once

#include <cassert>
#include <cstdint>
#include <vector>

#include "base/annotations.h"
#include "base/deadline_heap.h"
#include "base/nanoseconds.h"

namespace sideloop {

class UrgentDeadline {
 public:
  UrgentDeadline() = default;
  UrgentDeadline(const UrgentDeadline&) = delete;
  UrgentDeadline& operator=(const UrgentDeadline&) = delete;

  // The moment has come. Nothing else of the loop is on the stack. It may destroy the deadline.
  ON_LOOP virtual void OnDue() = 0;

 protected:
  ~UrgentDeadline() { assert(slot_ == kNoSlot); }

 private:
  friend class UrgentDeadlines;
  static constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};
  std::uint32_t slot_ = kNoSlot;
};

class UrgentDeadlines {
 public:
  // The next moment, in ns; kNever where there is none.
  std::uint64_t next() const { return heap_.empty() ? kNever : heap_.top().due; }

  // Sets the deadline to `due` (ns), in place of the moment that it had.
  void Set(UrgentDeadline& deadline, std::uint64_t due) {
    if (deadline.slot_ == UrgentDeadline::kNoSlot) deadline.slot_ = TakeSlot(deadline);
    heap_.Set({due, deadline.slot_, 0});
  }

  // Takes the deadline out, where it is in.
  void Clear(UrgentDeadline& deadline) {
    if (deadline.slot_ == UrgentDeadline::kNoSlot) return;
    heap_.Erase(deadline.slot_);
    deadlines_[deadline.slot_] = nullptr;
    free_.push_back(deadline.slot_);
    deadline.slot_ = UrgentDeadline::kNoSlot;
  }

  // Runs all that are due at `now` (ns), each once: one that sets itself anew has its turn later.
  ON_LOOP void Run(std::uint64_t now) {
    for (std::size_t left = heap_.size(); left > 0 && next() <= now; --left) {
      UrgentDeadline& deadline = *deadlines_[heap_.top().slot];
      Clear(deadline);
      deadline.OnDue();
    }
  }

 private:
  std::uint32_t TakeSlot(UrgentDeadline& deadline) {
    if (free_.empty()) {
      deadlines_.push_back(&deadline);
      return static_cast<std::uint32_t>(deadlines_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    deadlines_[slot] = &deadline;
    return slot;
  }

  DeadlineHeap heap_;
  std::vector<UrgentDeadline*> deadlines_;  // by slot
  std::vector<std::uint32_t> free_;
};

}  // namespace sideloop
