// Thread: loop. Takes over entries whose consumers have let their leases run out, and puts those
// away that have been tried too often.
// Owns: a timer; commands under way are owned by the connection.
// Ends: with its consumer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/annotations.h"
#include "base/job.h"
#include "lease/asks.h"
#include "lease/entries.h"
#include "lease/retry_pause.h"
#include "timers/deadline_timer.h"

namespace sideloop::lease {

// It runs between two reads, never beside one, so that both know how much room there is.
class Recovery {
 public:
  // Runs between two that look for consumers that are gone.
  static constexpr std::uint32_t kRunsPerCleaning = 20;
  // How long a consumer for whom nothing is pending may be idle.
  static constexpr std::uint64_t kLeastIdleMs = 3'600'000;

  // `tick` runs each time that it comes due, `no_group` where a group is missing.
  ON_LOOP Recovery(const ConsumerParts& parts, TakenObserver& taken, Job tick, Job no_group);

  // From now on it is due every so often, and at once.
  ON_LOOP void Start();
  ON_LOOP void Stop() {
    timer_.Stop();
    pause_.Stop();
  }
  ON_LOOP void RunSoon() { due_ = true; }

  // Whoever reads takes over as well: a run is due as soon as nobody does any more.
  ON_LOOP void PassOver();

  ON_LOOP bool due() const { return due_ || passed_over_; }
  ON_LOOP bool running() const { return running_; }

  // Takes over up to `room` entries. Requires: due(), and no run is under way.
  ON_LOOP void Run(std::size_t room);

 private:
  ON_LOOP void RunLevel(std::uint32_t level);
  ON_LOOP void OnRecovered(std::uint32_t level, Answer& answer);
  ON_LOOP void CleanNowAndThen();
  ON_LOOP void Clean();

  const ConsumerParts& parts_;
  TakenObserver& taken_;
  Job tick_;
  Job no_group_;
  bool due_ = false;
  bool passed_over_ = false;
  bool running_ = false;
  std::size_t room_ = 0;  // of this run
  std::uint32_t runs_ = 0;
  timers::DeadlineTimer timer_;
  RetryPause pause_;  // of a server that can't for now
  Asks asks_;
};

}  // namespace sideloop::lease
