// Thread: loop. Any number of alarms on one timer of the system's.
// Owns: the heap of what is due, the timer. An alarm has a share of its clock.
// Ends: with its last owner, on the loop thread, where it may be that no alarm is set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/annotations.h"
#include "base/deadline_heap.h"
#include "loop/loop.h"
#include "timers/deadline_timer.h"

namespace sideloop::timers {

class AlarmClock;

class AlarmListener {
 public:
  // May set, stop and destroy any alarm, its own included.
  ON_LOOP virtual void OnAlarm() = 0;

 protected:
  ~AlarmListener() = default;
};

// A moment at which its listener is called. Costs no handle and no descriptor of its own.
class Alarm {
 public:
  ON_LOOP Alarm(std::shared_ptr<AlarmClock> clock, AlarmListener& listener);
  ON_LOOP ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Goes off once, at `due` (ns, of Loop::Now()) or as soon after it as can be; one that is set is
  // set anew.
  ON_LOOP void SetAt(std::uint64_t due);
  ON_LOOP void Stop();

 private:
  const std::shared_ptr<AlarmClock> clock_;
  std::uint32_t slot_;
};

// Alarms go off in the order of their times; of equal ones, the one that was set first.
class AlarmClock final : public std::enable_shared_from_this<AlarmClock> {
 public:
  // Alarms that go off in one pass before I/O gets its turn.
  static constexpr std::size_t kPerPass = 1024;

  ON_LOOP explicit AlarmClock(Loop& loop);
  AlarmClock(const AlarmClock&) = delete;
  AlarmClock& operator=(const AlarmClock&) = delete;

 private:
  friend class Alarm;

  ON_LOOP std::uint32_t Add(AlarmListener& listener);
  ON_LOOP void Remove(std::uint32_t slot);
  ON_LOOP void Set(std::uint32_t slot, std::uint64_t due);
  ON_LOOP void Stop(std::uint32_t slot);
  ON_LOOP void OnTimer();
  ON_LOOP void Arm();

  DeadlineHeap heap_;
  std::vector<AlarmListener*> listeners_;  // by slot
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t serial_ = 0;
  std::uint64_t armed_for_ = 0;  // what timer_ runs for, in ns; 0: it does not
  bool going_off_ = false;       // OnTimer() is on the stack, and arms when it is over
  DeadlineTimer timer_;
};

}  // namespace sideloop::timers
