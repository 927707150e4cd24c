// Thread: loop. Takes over entries whose consumers have let their leases run out, and puts those
// away that have been tried too often.
// Owns: a timer, the watch over the server's clock; commands under way are owned by the connection.
// Ends: with its consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "base/job.h"
#include "lease/clock_watch.h"
#include "lease/held_entries.h"
#include "lease/pending_replies.h"
#include "lease/retry_pause.h"
#include "timers/deadline_timer.h"

namespace sideloop::lease {

// It runs between two reads, never beside one, so that both know how much room there is.
class Reclaimer {
 public:
  // Runs between two that look for consumers that are gone.
  static constexpr std::uint32_t kRunsPerCleaning = 20;
  // How long a consumer for whom nothing is pending may be idle.
  static constexpr std::uint64_t kLeastIdleMs = 3'600'000;

  // `tick` runs each time that it comes due, `no_group` where a group is missing.
  ON_LOOP Reclaimer(const ConsumerParts& parts, TakenObserver& taken, Job tick, Job no_group);

  // From now on it is due every so often, and at once.
  ON_LOOP void Start();
  // The work connection is ready.
  ON_LOOP void OnReady() { watch_.Look(); }
  ON_LOOP void Stop() {
    timer_.Stop();
    pause_.Stop();
    watch_.Stop();
  }
  ON_LOOP void RunSoon() { due_ = true; }

  // Whoever reads takes over as well: a run is due as soon as nobody does any more.
  ON_LOOP void PassOver();

  ON_LOOP bool due() const { return due_ || passed_over_; }
  ON_LOOP bool running() const { return running_; }

  // Takes over up to `room` entries. Requires: due(), and no run is under way.
  ON_LOOP void Run(std::size_t room);

 private:
  // Where a level is gone on with.
  struct Page {
    std::uint32_t level = 0;
    std::string last = {};          // looked at; empty: none
    bool is_last = false;           // what is owned is all that is left
    std::vector<Owned> owned = {};  // of this consumer's own, and not held
  };

  ON_LOOP void RunPage(Page page);
  ON_LOOP void OnRecovered(const Page& page, Answer& answer);
  ON_LOOP void OnNotRecovered(std::uint32_t level, const Answer& answer);
  ON_LOOP void Take(std::uint32_t level, resp::Reply& taken, std::uint64_t sent_at);
  ON_LOOP void TellDead(std::uint32_t level, resp::Reply& dead);
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
  ClockWatch watch_;
  timers::DeadlineTimer timer_;
  RetryPause pause_;  // of a server that can't for now
  PendingReplies replies_;
};

}  // namespace sideloop::lease
