#include "lease/recovery.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "base/nanoseconds.h"
#include "lease/consumer_scripts.h"

namespace sideloop::lease {

Recovery::Recovery(const ConsumerParts& parts, TakenObserver& taken, Job tick, Job no_group)
    : parts_(parts),
      taken_(taken),
      tick_(std::move(tick)),
      no_group_(std::move(no_group)),
      timer_(parts.loop,
             [this] {
               parts_.loop.AssertOnLoop();
               Start();
             }),
      pause_(parts.loop, parts.options.lease_ms,
             [this] {
               parts_.loop.AssertOnLoop();
               due_ = true;
               parts_.Changed();
               tick_();
             }),
      asks_(parts.loop) {}

void Recovery::Start() {
  due_ = true;
  timer_.StartAt(Loop::Now() + ToNs(parts_.options.recover_every_ms));
  parts_.Changed();
  tick_();
}

void Recovery::Run(std::size_t room) {
  assert(due() && !running_);
  due_ = false;
  passed_over_ = false;
  running_ = true;
  room_ = room;
  CleanNowAndThen();
  RunLevel(0);
}

void Recovery::PassOver() {
  if (!std::exchange(due_, false)) return;
  passed_over_ = true;
  CleanNowAndThen();
}

void Recovery::CleanNowAndThen() {
  if (runs_++ % kRunsPerCleaning == 0) Clean();
}

void Recovery::RunLevel(std::uint32_t level) {
  const ConsumerOptions& options = parts_.options;
  if (level == options.levels.size() || room_ == 0) {
    // Where there was no room for all, it goes on as soon as there is some.
    due_ |= level < options.levels.size();
    running_ = false;
    return;
  }
  const std::vector<std::string> command = {"EVAL",
                                            RecoverEntriesScript(),
                                            "3",
                                            options.levels[level],
                                            options.history,
                                            options.dead,
                                            options.group,
                                            options.name,
                                            options.delete_acked ? "1" : "0",
                                            std::to_string(options.lease_ms),
                                            std::to_string(std::min(room_, Entries::kBatch)),
                                            std::to_string(options.max_attempts)};
  asks_.Send(parts_.work, command, [this, level](Answer& answer) {
    parts_.loop.AssertOnLoop();
    OnRecovered(level, answer);
  });
}

// [[[id, deliveries, fields] ...], dead letters, looked at, an error or nothing]
void Recovery::OnRecovered(std::uint32_t level, Answer& answer) {
  parts_.Changed();
  auto& parts = answer.reply.elements;
  if (answer.error || parts.size() != 4) {
    running_ = false;
    if (answer.has_no_group()) {
      no_group_();
    } else if (answer.refusal() == resp::Refusal::kNotNow) {
      pause_.Begin();
    } else if (answer.error.code == ErrorCode::kReply || !answer.error) {
      parts_.reports.AddFailure(answer.Unreadable("What takes entries over"));
    } else {
      due_ = true;
    }
    return;
  }
  pause_.Reset();
  const std::size_t asked = std::min(room_, Entries::kBatch);
  for (resp::Reply& taken : parts[0].elements) {
    if (room_ == 0) break;
    if (taken.elements.size() != 3) continue;
    std::optional<std::vector<std::string>> fields = TakeFields(taken.elements[2]);
    if (!fields) continue;
    ++parts_.stats.recovered;
    --room_;
    taken_.OnTaken({.level = level,
                    .deliveries = static_cast<std::uint32_t>(taken.elements[1].integer),
                    .id = std::move(taken.elements[0].text),
                    .fields = *std::move(fields),
                    .sent_at = answer.sent_at});
  }
  parts_.stats.dead += static_cast<std::uint64_t>(parts[1].integer);
  if (!parts[3].text.empty()) parts_.reports.AddFailure({ErrorCode::kReply, parts[3].text});
  // There may be more of this level.
  const bool was_full = static_cast<std::size_t>(parts[2].integer) >= asked;
  RunLevel(was_full ? level : level + 1);
}

void Recovery::Clean() {
  const std::string idle = std::to_string(std::max(kLeastIdleMs, 10 * parts_.options.lease_ms));
  for (const std::string& level : parts_.options.levels) {
    const std::array<std::string_view, 7> command = {
        "EVAL", kCleanGroup, "1", level, parts_.options.group, parts_.options.name, idle};
    asks_.Send(parts_.work, command, [](const Answer&) {});
  }
}

}  // namespace sideloop::lease
