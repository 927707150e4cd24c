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
  // `why` says what is wrong, or nothing. Told again where that becomes something else.
  ON_LOOP virtual void OnHealth(bool healthy, std::string_view why) = 0;
  // An outage has begun to outlast patience, or has ended since.
  ON_LOOP virtual void OnLongOutage(bool lasts) = 0;
  // The server owes an answer for too long: the connection had better be made anew.
  ON_LOOP virtual void OnSilent() = 0;

 protected:
  ~HealthObserver() = default;
};

// It is unhealthy from when one of its connections was down and could not come back at the first
// try, or a read was refused twice in a row, or had no answer for longer than `patience`, or what
// its work needs is forbidden; until all lines are up again. A connection that is lost and there
// again is none of these. What is wrong for longer than `patience` is a long outage.
class Health {
 public:
  // kPermission: what this user may do. Whatever else is forbidden, what is held is renewed: it is
  // no outage.
  enum class Line : std::uint8_t { kReader, kWork, kPermission };

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
  ON_LOOP void SetLong(bool lasts);

  struct Outage {
    std::uint64_t until = 0;  // ns; from then on it is a long one
    std::string why;
    bool is_again = false;  // it was tried to end it
  };

  const std::uint64_t patience_;  // ns
  HealthObserver& observer_;
  std::array<std::optional<Outage>, 3> down_;  // by line
  std::optional<std::uint64_t> answer_due_;    // ns
  bool doubtful_ = false;                      // it is over, but the socket has not been read since
  bool healthy_ = true;
  bool is_long_ = false;
  std::string said_;  // what is wrong, as it was told last
  bool stopped_ = false;
  timers::DeadlineTimer timer_;
};

}  // namespace sideloop::lease
