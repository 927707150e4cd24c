#include "timers/alarm_clock.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sideloop::timers {

Alarm::Alarm(std::shared_ptr<AlarmClock> clock, AlarmListener& listener)
    : clock_(std::move(clock)), slot_(clock_->Add(listener)) {}

Alarm::~Alarm() { clock_->Remove(slot_); }

void Alarm::SetAt(std::uint64_t due) { clock_->Set(slot_, due); }

void Alarm::Stop() { clock_->Stop(slot_); }

AlarmClock::AlarmClock(Loop& loop)
    : timer_(loop, [this, &loop] {
        loop.AssertOnLoop();
        OnTimer();
      }) {}

std::uint32_t AlarmClock::Add(AlarmListener& listener) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(listeners_.size()));
    listeners_.push_back(nullptr);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  listeners_[slot] = &listener;
  return slot;
}

void AlarmClock::Remove(std::uint32_t slot) {
  Stop(slot);
  listeners_[slot] = nullptr;
  free_slots_.push_back(slot);
}

void AlarmClock::Set(std::uint32_t slot, std::uint64_t due) {
  heap_.Set({due, slot, serial_++});
  Arm();
}

void AlarmClock::Stop(std::uint32_t slot) {
  if (heap_.Erase(slot)) Arm();
}

void AlarmClock::OnTimer() {
  // A listener may destroy the last alarm, and with it this.
  const std::shared_ptr<AlarmClock> self = shared_from_this();
  armed_for_ = 0;
  going_off_ = true;
  const std::uint64_t now = Loop::Now();
  for (std::size_t i = 0; i < kPerPass && !heap_.empty() && heap_.top().due <= now; ++i) {
    const Deadline due = heap_.Pop();
    listeners_[due.slot]->OnAlarm();
  }
  going_off_ = false;
  Arm();
}

// Has the timer run for the nearest alarm, or not at all.
void AlarmClock::Arm() {
  if (going_off_) return;
  // 0 stands for no time; so does the first nanosecond, which has passed.
  const std::uint64_t due = heap_.empty() ? 0 : std::max<std::uint64_t>(heap_.top().due, 1);
  if (std::exchange(armed_for_, due) == due) return;
  if (due == 0) {
    timer_.Stop();
  } else {
    timer_.StartAt(due);
  }
}

}  // namespace sideloop::timers
