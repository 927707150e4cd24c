// Thread: loop. The timers of one user on a loop: deadlines, and ticks that repeat, on one timer of
// the system's.
// Owns: the heap, the ticks' records, the timer.
// Ends: its owner destroys it, in CloseBecause at the latest.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "base/deadline_heap.h"
#include "loop/loop.h"
#include "timers/deadline_timer.h"
#include "timers/timer_stats.h"

namespace sideloop::timers {

// What is wanted of one slot. Times are in ms of the loop's clock, with fractions.
struct Order {
  double slot = 0;
  double serial = 0;
  double due = 0;     // negative: clear the slot
  double period = 0;  // more than 0: the first tick is at `due`, then one every period
};
static_assert(sizeof(Order) == 4 * sizeof(double));

// Hears that something is due.
class QueueListener {
 public:
  // Once for each pass in which something came due: TimerQueue::TakeFired has it.
  ON_LOOP virtual void OnFired() = 0;
  // The number of the newest report (see TakeFired) that has been read; 0 at first.
  ON_LOOP virtual std::uint32_t LastRead() = 0;

 protected:
  ~QueueListener() = default;
};

// Nothing fires early, and what is due goes out in the order of due times. Ticks keep to
// `due + k * period` for ever. A tick whose predecessor is in a report that was not read yet is
// merged into it: however long the reader is away, a tick is reported to it once.
class TimerQueue {
 public:
  // Deadlines taken in one pass before I/O gets its turn.
  static constexpr std::size_t kPerPass = 4096;
  // Deadlines so close to each other, in ns, are taken together: a burst of timeouts must not wake
  // the loop once for each. None fires early by it, and each late by this at most.
  static constexpr std::uint64_t kTogether = 100'000;

  ON_LOOP TimerQueue(Loop& loop, QueueListener& listener, TimerStats& stats);
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  ON_LOOP void Execute(std::span<const Order> orders);

  // What fired since the last call, as a report: its number, then slot and serial of each. Empty
  // where nothing did. Valid until the next pass.
  ON_LOOP std::span<const std::int32_t> TakeFired();

  // Whether a report waits to be read. The reader knows the lower half of a number, which wraps
  // around, and a tick of a month may be in an older one than that reaches back to.
  static bool IsUnread(std::uint64_t report, std::uint64_t newest, std::uint32_t last_read) {
    const std::uint32_t unread = static_cast<std::uint32_t>(newest) - last_read;
    return report != 0 && newest - report < unread;
  }

 private:
  struct Tick {
    std::uint64_t period;       // ns
    std::uint64_t last_report;  // the report that its last tick is in; 0: there is none
  };

  ON_LOOP void Execute(const Order& order);
  ON_LOOP void OnTimer();
  ON_LOOP void Fire(const Deadline& deadline);
  ON_LOOP void FireTick(Deadline deadline, Tick& tick, std::uint64_t now);
  ON_LOOP void Arm();
  ON_LOOP void UpdateGauges();

  QueueListener& listener_;
  TimerStats& stats_;
  DeadlineHeap heap_;
  std::unordered_map<std::uint32_t, Tick> ticks_;  // of the slots that repeat
  std::vector<std::int32_t> fired_;                // the report being written; empty: none
  bool taken_ = false;                             // fired_ was taken and can go
  std::uint64_t report_ = 0;                       // its number; the lower half goes out
  std::uint64_t armed_for_ = 0;                    // what timer_ runs for, in ns; 0: it does not
  DeadlineTimer timer_;
};

}  // namespace sideloop::timers
