// Thread: loop. How long to leave a server alone that has said that it can't for now: a little, and
// longer each time until an answer is good.
// Owns: its timer.
// Ends: its owner destroys it; nobody hears of a pause that was under way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/annotations.h"
#include "base/backoff.h"
#include "base/job.h"
#include "loop/loop.h"
#include "loop/timer.h"

namespace sideloop::lease {

class RetryPause {
 public:
  // `over` runs at the end of each. It may destroy this. Of a lease of `lease_ms` a pause takes but
  // a small part, so that what is asked again has time to be answered.
  ON_LOOP RetryPause(Loop& loop, std::uint64_t lease_ms, Job over)
      : backoff_(kLeastMs, LongestMs(lease_ms), SeedOf(this)), timer_(loop, std::move(over)) {}

  // Begins one, unless it is under way.
  ON_LOOP void Begin() {
    if (!timer_.active()) timer_.Start(backoff_.NextDelay());
  }
  // An answer was good: the next pause is a short one again.
  ON_LOOP void Reset() { backoff_.Reset(); }
  ON_LOOP void Stop() { timer_.Stop(); }

  ON_LOOP bool active() const { return timer_.active(); }

  static constexpr std::uint64_t kLeastMs = 10;
  static constexpr std::uint64_t kLongestMs = 1'000;
  static constexpr std::uint64_t LongestMs(std::uint64_t lease_ms) {
    return std::clamp<std::uint64_t>(lease_ms / 8, 2 * kLeastMs, kLongestMs);
  }

  static std::uint64_t SeedOf(const void* owner) { return Backoff::SeedOf(owner, Loop::Now()); }

 private:
  Backoff backoff_;
  Timer timer_;
};

}  // namespace sideloop::lease
