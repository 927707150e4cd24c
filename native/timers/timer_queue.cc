#include "timers/timer_queue.h"

#include <algorithm>

#include "base/nanoseconds.h"

namespace sideloop::timers {

TimerQueue::TimerQueue(Loop& loop, QueueListener& listener, TimerStats& stats)
    : listener_(listener), stats_(stats), timer_(loop, [this, &loop] {
        loop.AssertOnLoop();
        OnTimer();
      }) {}

void TimerQueue::Execute(std::span<const Order> orders) {
  for (const Order& order : orders) Execute(order);
  Arm();
  UpdateGauges();
}

void TimerQueue::Execute(const Order& order) {
  const auto slot = static_cast<std::uint32_t>(order.slot);
  ticks_.erase(slot);
  if (order.due < 0) {
    heap_.Erase(slot);
    return;
  }
  if (order.period > 0)
    ticks_.try_emplace(slot, Tick{std::max<std::uint64_t>(FractionToNs(order.period), 1), 0});
  heap_.Set({FractionToNs(order.due), slot, static_cast<std::uint32_t>(order.serial)});
}

void TimerQueue::OnTimer() {
  armed_for_ = 0;
  const std::uint64_t now = Loop::Now();
  std::size_t fired = 0;
  for (; fired < kPerPass && !heap_.empty() && heap_.top().due <= now; ++fired) {
    const Deadline deadline = heap_.Pop();
    stats_.loop_lateness.Record(now - deadline.due);
    const auto tick = ticks_.find(deadline.slot);
    if (tick == ticks_.end()) {
      ++stats_.fired;
      Fire(deadline);
    } else {
      FireTick(deadline, tick->second, now);
    }
  }
  Arm();
  UpdateGauges();
  if (!fired_.empty() && !taken_) listener_.OnFired();
}

void TimerQueue::Fire(const Deadline& deadline) {
  if (std::exchange(taken_, false)) {
    fired_.clear();
    // A burst's memory is not kept for ever.
    if (fired_.capacity() > kPerPass) std::vector<std::int32_t>().swap(fired_);
  }
  if (fired_.empty()) fired_.push_back(static_cast<std::int32_t>(++report_));
  fired_.push_back(static_cast<std::int32_t>(deadline.slot));
  fired_.push_back(static_cast<std::int32_t>(deadline.serial));
}

void TimerQueue::FireTick(Deadline deadline, Tick& tick, std::uint64_t now) {
  ++stats_.ticks;
  const std::uint64_t passed = (now - deadline.due) / tick.period;
  // The reader looks at the clock: one report tells it of all ticks up to then.
  if (IsUnread(tick.last_report, report_, listener_.LastRead())) {
    ++stats_.merged;
  } else {
    Fire(deadline);
    tick.last_report = report_;
  }
  deadline.due += (passed + 1) * tick.period;
  heap_.Set(deadline);
}

std::span<const std::int32_t> TimerQueue::TakeFired() {
  if (std::exchange(taken_, true)) return {};
  return fired_;
}

// Has the timer run for the nearest deadline, or not at all.
void TimerQueue::Arm() {
  if (heap_.empty()) {
    if (std::exchange(armed_for_, 0) != 0) timer_.Stop();
    return;
  }
  const std::uint64_t due = (heap_.top().due / kTogether + 1) * kTogether;
  if (due == armed_for_) return;
  armed_for_ = due;
  timer_.StartAt(due);
}

void TimerQueue::UpdateGauges() {
  stats_.pending = heap_.size();
  stats_.bytes = heap_.bytes();
}

}  // namespace sideloop::timers
