// Thread: loop. Whether a consumer can do its work: get entries, and keep and settle them. A
// consumer that renews what it holds while it gets nothing would look alive, and do nothing.
// Owns: a timer.
// Ends: with its consumer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/annotations.h"
#include "loop/loop.h"
#include "timers/deadline_timer.h"

namespace sideloop::lease {

class HealthObserver {
 public:
  // `why` says what is wrong, or nothing.
  ON_LOOP virtual void OnHealth(bool healthy, std::string_view why) = 0;
  // The server owes an answer for too long: the connection had better be made anew.
  ON_LOOP virtual void OnSilent() = 0;

 protected:
  ~HealthObserver() = default;
};

// It is unhealthy while one of its connections has been down, or a read without an answer, for
// longer than `patience`; and from then until both are up again.
class Health {
 public:
  enum class Line : std::uint8_t { kIntake, kWork };

  ON_LOOP Health(Loop& loop, std::uint64_t patience_ms, HealthObserver& observer);

  ON_LOOP void Up(Line line);
  ON_LOOP void Down(Line line, std::string_view why);
  // A read was sent that is answered within `ms`, if all is well.
  ON_LOOP void Asked(std::uint64_t ms);
  ON_LOOP void Answered();
  // Nothing is looked at from here on.
  ON_LOOP void Stop();

  ON_LOOP bool healthy() const { return healthy_; }

 private:
  ON_LOOP void OnTimer();
  ON_LOOP void Arm();
  ON_LOOP void Say(bool healthy, std::string_view why);

  struct Outage {
    std::uint64_t until = 0;  // ns; from then on it counts
    std::string why;
  };

  const std::uint64_t patience_;  // ns
  HealthObserver& observer_;
  std::array<std::optional<Outage>, 2> down_;  // by line
  std::optional<std::uint64_t> answer_due_;    // ns
  bool doubtful_ = false;                      // it is over, but the socket has not been read since
  bool healthy_ = true;
  bool stopped_ = false;
  timers::DeadlineTimer timer_;
};

}  // namespace sideloop::lease
