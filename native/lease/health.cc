#include "lease/health.h"

#include <algorithm>
#include <utility>

#include "base/nanoseconds.h"

namespace sideloop::lease {

Health::Health(Loop& loop, std::uint64_t patience_ms, HealthObserver& observer)
    : patience_(patience_ms * kNsPerMs),
      observer_(observer),
      timer_(
          loop,
          [this, &loop] {
            loop.AssertOnLoop();
            OnTimer();
          },
          timers::DeadlineTimer::Precision::kMilliseconds) {}

void Health::Up(Line line) {
  down_[static_cast<std::size_t>(line)].reset();
  // To come up it has answered.
  if (std::none_of(down_.begin(), down_.end(), [](const auto& one) { return one.has_value(); })) {
    Say(true, {});
    SetLong(false);
  }
  Arm();
}

void Health::Down(Line line, std::string_view why) {
  std::optional<Outage>& outage = down_[static_cast<std::size_t>(line)];
  if (!outage) {
    const bool ends = line != Line::kPermission;
    outage = {.until = ends ? Loop::Now() + patience_ : kNever, .why = {}, .is_again = false};
  } else {
    outage->is_again = true;
  }
  outage->why = why;
  if (outage->is_again) Say(false, why);
  if (line == Line::kReader) answer_due_.reset();
  Arm();
}

void Health::Asked(std::uint64_t ms) {
  answer_due_ = Loop::Now() + ms * kNsPerMs + patience_;
  doubtful_ = false;
  Arm();
}

void Health::Answered() {
  answer_due_.reset();
  doubtful_ = false;
}

void Health::Stop() {
  stopped_ = true;
  timer_.Stop();
}

void Health::OnTimer() {
  const std::uint64_t now = Loop::Now();
  for (const std::optional<Outage>& outage : down_) {
    if (!outage || outage->until > now) continue;
    Say(false, outage->why);
    SetLong(true);
  }
  if (answer_due_ && *answer_due_ <= now) {
    // libuv runs timers before it reads: an answer may be there unread, if this process was
    // stopped.
    if (std::exchange(doubtful_, true)) {
      answer_due_.reset();
      Say(false, "A read got no answer in time");
      SetLong(true);
      observer_.OnSilent();
    }
  }
  Arm();
}

void Health::Arm() {
  if (stopped_) return;
  std::uint64_t due = answer_due_.value_or(kNever);
  if (doubtful_ && due != kNever) due = std::max(due, Loop::Now() + kNsPerMs);
  for (const std::optional<Outage>& outage : down_) {
    // One that has been told of is waited for, not watched.
    if (outage && !is_long_) due = std::min(due, outage->until);
  }
  if (due == kNever) return timer_.Stop();
  timer_.StartAt(due);
}

void Health::Say(bool healthy, std::string_view why) {
  if (stopped_ || (healthy_ == healthy && said_ == why)) return;
  healthy_ = healthy;
  said_ = why;
  observer_.OnHealth(healthy, why);
}

void Health::SetLong(bool lasts) {
  if (stopped_ || std::exchange(is_long_, lasts) == lasts) return;
  observer_.OnLongOutage(lasts);
}

}  // namespace sideloop::lease
