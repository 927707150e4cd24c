// Thread: loop. Watches the server's wall clock for a consumer: asks for it now and then, and when
// it was put back, has what was delivered before that be idle from then on.
// Owns: commands under way are owned by the connection.
// Ends: with its consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/annotations.h"
#include "lease/held_entries.h"
#include "lease/pending_replies.h"
#include "lease/server_clock.h"

namespace sideloop::lease {

// Nobody here knows what happened to the clock before the first answer, so all that is pending is
// looked through then, as after a step back.
class ClockWatch {
 public:
  // Requires: `parts` outlives it.
  ON_LOOP explicit ClockWatch(const ConsumerParts& parts);

  // Asks the server, where it can be asked and was answered before.
  ON_LOOP void Look();
  ON_LOOP void Stop() { stopped_ = true; }

  // Where the server's clock stands in ms, at least, unless it was put forward within the last
  // lease.
  ON_LOOP std::optional<std::int64_t> Expected();

  // Nothing is under way.
  ON_LOOP bool idle() const { return replies_.empty(); }

 private:
  ON_LOOP void OnTime(const Answer& answer);
  // From the entry behind `last`, or from the first.
  ON_LOOP void LookThrough(std::size_t level, const std::string& last);
  ON_LOOP void OnLookedThrough(std::size_t level, const std::string& last, const Answer& answer);

  const ConsumerParts& parts_;
  ServerClock clock_;
  bool stopped_ = false;
  bool look_through_ = true;  // what is pending, once the clock is known
  PendingReplies replies_;
};

}  // namespace sideloop::lease
