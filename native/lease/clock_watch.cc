#include "lease/clock_watch.h"

#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/entry_id.h"
#include "lease/reclaim_scripts.h"

namespace sideloop::lease {

namespace {

std::optional<std::int64_t> NumberOf(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// [seconds, microseconds]
std::optional<std::int64_t> MsOf(const resp::Reply& time) {
  if (time.elements.size() != 2) return std::nullopt;
  const std::optional<std::int64_t> seconds = NumberOf(time.elements[0].text);
  const std::optional<std::int64_t> micros = NumberOf(time.elements[1].text);
  constexpr std::int64_t kMostSeconds = std::int64_t{1} << 32;
  if (!seconds || !micros || *seconds < 0 || *seconds > kMostSeconds) return std::nullopt;
  return *seconds * 1000 + *micros / 1000;
}

}  // namespace

ClockWatch::ClockWatch(const ConsumerParts& parts)
    : parts_(parts), clock_(ToNs(parts.options.lease_ms)), replies_(parts.loop) {}

std::optional<std::int64_t> ClockWatch::Expected() { return clock_.Expected(LeaseClock::Now()); }

void ClockWatch::Look() {
  if (stopped_ || !idle() || !parts_.CanWork()) return;
  const std::array<std::string_view, 1> time = {"TIME"};
  replies_.Send(parts_.work, time, [this](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    OnTime(answer);
  });
}

// A server that does not say it is taken at its word: it may forbid the question.
void ClockWatch::OnTime(const Answer& answer) {
  parts_.Changed();
  const std::optional<std::int64_t> ms = answer.error ? std::nullopt : MsOf(answer.reply);
  if (ms) clock_.Add(*ms, answer.sent_at, LeaseClock::Now());
  look_through_ |= clock_.TakePutBack();
  if (ms && look_through_) LookThrough(0, "");
}

void ClockWatch::LookThrough(std::size_t level, const std::string& last) {
  if (level == parts_.options.levels.size()) {
    look_through_ = false;
    return;
  }
  if (stopped_ || !parts_.CanWork()) return;
  const std::vector<std::string> command = {"EVAL",
                                            std::string(kRestampEntries),
                                            "1",
                                            parts_.options.levels[level],
                                            parts_.options.group,
                                            last.empty() ? "-" : "(" + last,
                                            std::to_string(HeldEntries::kMostInCommand)};
  replies_.Send(parts_.work, command, [this, level, last](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    OnLookedThrough(level, last, answer);
  });
}

// What the server can't do for now is begun anew with the next look.
void ClockWatch::OnLookedThrough(std::size_t level, const std::string& last, const Answer& answer) {
  parts_.Changed();
  if (answer.is_for_later() || (answer.error && answer.error.code != ErrorCode::kReply)) return;
  const bool is_more = !answer.error && IsBehind(answer.reply.text, last);
  LookThrough(is_more ? level : level + 1, is_more ? answer.reply.text : "");
}

}  // namespace sideloop::lease
