// Thread: loop. One timer that fires at a moment of the loop's clock, to the microsecond where the
// system can: libuv's own timers count whole milliseconds.
// Owns: its callback, its handle, a file descriptor on Linux.
// Ends: its destructor stops it at once; the handle is freed when libuv has let go of it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/annotations.h"
#include "base/job.h"
#include "loop/loop.h"
#include "loop/timer.h"

namespace sideloop::timers {

class DeadlineTimer final : private UrgentDeadline {
 public:
  // kBestAwakeOrAsleep: where the system can, it fires as soon as the machine wakes from a sleep in
  // which its moment would have passed, though the loop's clock stood still.
  enum class Precision : std::uint8_t { kBest, kBestAwakeOrAsleep, kMilliseconds };

  // `callback` runs on the loop thread each time the timer fires. It may destroy the timer.
  ON_LOOP DeadlineTimer(Loop& loop, Job callback, Precision precision = Precision::kBest);
  ON_LOOP ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  // Fires once, at `due` (ns, of Loop::Now()) or as soon after it as can be: it goes before what
  // else the loop has to do in this pass. A running timer is set anew.
  ON_LOOP void StartAt(std::uint64_t due);
  ON_LOOP void Stop();

 private:
  struct Precise;

  ON_LOOP void OnDue() override;
  ON_LOOP void Fire();

  Loop& loop_;
  const std::shared_ptr<Job> callback_;  // shared, as it may destroy the timer
  std::uint64_t due_ = 0;
  Precise* precise_ = nullptr;     // freed in the close callback; null: the system has none
  std::unique_ptr<Timer> coarse_;  // used then
};

}  // namespace sideloop::timers
