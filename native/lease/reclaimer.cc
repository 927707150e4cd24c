#include "lease/reclaimer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/consumer_scripts.h"
#include "lease/entry_id.h"
#include "lease/reclaim_scripts.h"

namespace sideloop::lease {

Reclaimer::Reclaimer(const ConsumerParts& parts, TakenObserver& taken, Job tick, Job no_group)
    : parts_(parts),
      taken_(taken),
      tick_(std::move(tick)),
      no_group_(std::move(no_group)),
      watch_(parts),
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
      replies_(parts.loop) {}

void Reclaimer::Start() {
  due_ = true;
  timer_.StartAt(Loop::Now() + ToNs(parts_.options.recover_every_ms));
  watch_.Look();
  parts_.Changed();
  tick_();
}

void Reclaimer::Run(std::size_t room) {
  assert(due() && !running_);
  due_ = false;
  passed_over_ = false;
  running_ = true;
  room_ = room;
  CleanNowAndThen();
  RunPage({});
}

void Reclaimer::PassOver() {
  if (!std::exchange(due_, false)) return;
  passed_over_ = true;
  CleanNowAndThen();
}

void Reclaimer::CleanNowAndThen() {
  if (runs_++ % kRunsPerCleaning == 0) Clean();
}

void Reclaimer::RunPage(Page page) {
  const ConsumerOptions& options = parts_.options;
  if (page.level == options.levels.size() || room_ == 0) {
    // Where there was no room for all, it goes on as soon as there is some.
    due_ |= page.level < options.levels.size();
    running_ = false;
    return;
  }
  const std::optional<std::int64_t> clock = watch_.Expected();
  const std::string from = page.last.empty() ? "-" : "(" + page.last;
  std::vector<std::string> command = {"EVAL",
                                      RecoverEntriesScript(),
                                      "3",
                                      options.levels[page.level],
                                      options.history,
                                      options.dead,
                                      options.group,
                                      options.name,
                                      options.drop,
                                      std::to_string(options.lease_ms),
                                      std::to_string(HeldEntries::kMostInCommand),
                                      std::to_string(options.max_attempts),
                                      std::to_string(std::min(room_, HeldEntries::kMostInCommand)),
                                      clock ? std::to_string(*clock) : "",
                                      page.is_last ? "" : from};
  for (const Owned& one : page.owned) {
    command.push_back(one.id);
    command.push_back(std::to_string(one.deliveries));
  }
  replies_.Send(parts_.work, command, [this, page = std::move(page)](Answer& answer) {
    parts_.loop.AssertOnLoop();
    parts_.Changed();
    if (answer.error || answer.reply.elements.size() != 5)
      return OnNotRecovered(page.level, answer);
    OnRecovered(page, answer);
  });
}

// What concerns one level keeps nobody from the others.
void Reclaimer::OnNotRecovered(std::uint32_t level, const Answer& answer) {
  const bool is_of_server = answer.error.code == ErrorCode::kReply || !answer.error;
  if (is_of_server && answer.refusal() != resp::Refusal::kNotNow) {
    if (answer.has_no_group()) {
      taken_.OnGroupLost(level);
      no_group_();
    } else {
      parts_.faults.Refused(Task::kRecover, level, answer.Unreadable("What takes entries over"),
                            Loop::Now());
    }
    return RunPage({.level = level + 1});
  }
  running_ = false;
  if (is_of_server) {
    pause_.Begin();
  } else {
    due_ = true;
  }
}

// [[[id, deliveries, fields] ...], the same of dead letters, an error or nothing,
// [id, deliveries ...] of our own, the last one looked at or nothing]
void Reclaimer::OnRecovered(const Page& page, Answer& answer) {
  pause_.Reset();
  parts_.faults.Answered(Task::kRecover, page.level);
  auto& parts = answer.reply.elements;
  for (resp::Reply& taken : parts[0].elements) Take(page.level, taken, answer.sent_at);
  for (resp::Reply& dead : parts[1].elements) TellDead(page.level, dead);
  parts_.faults.Complained(parts[2].text, Loop::Now());
  Page next = {.level = page.level, .last = std::move(parts[4].text)};
  auto& own = parts[3].elements;
  for (std::size_t i = 0; i + 1 < own.size(); i += 2) {
    next.owned.push_back({std::move(own[i].text), own[i + 1].integer});
  }
  taken_.LeaveOutHeld(page.level, next.owned);
  next.is_last = page.is_last || !IsBehind(next.last, page.last);
  // Those that were named are not brought up again.
  if (next.is_last && (page.is_last || next.owned.empty())) next = {.level = page.level + 1};
  RunPage(std::move(next));
}

void Reclaimer::Take(std::uint32_t level, resp::Reply& taken, std::uint64_t sent_at) {
  if (room_ == 0 || taken.elements.size() != 3) return;
  std::optional<std::vector<std::string>> fields = TakeFields(taken.elements[2]);
  if (!fields) return;
  ++parts_.stats.recovered;
  --room_;
  taken_.OnTaken({.level = level,
                  .deliveries = static_cast<std::uint32_t>(taken.elements[1].integer),
                  .id = std::move(taken.elements[0].text),
                  .fields = *std::move(fields),
                  .sent_at = sent_at});
}

// Its last holder let its lease run out: nobody else is there to tell of it.
void Reclaimer::TellDead(std::uint32_t level, resp::Reply& dead) {
  ++parts_.stats.dead;
  if (dead.elements.size() != 3) return;
  const std::optional<std::vector<std::string>> fields = TakeFields(dead.elements[2]);
  if (!fields) return;
  const auto deliveries = static_cast<std::uint32_t>(dead.elements[1].integer);
  parts_.reports.AddDead(deliveries, level, dead.elements[0].text, *fields);
}

void Reclaimer::Clean() {
  const std::string idle = std::to_string(std::max(kLeastIdleMs, 10 * parts_.options.lease_ms));
  for (const std::string& level : parts_.options.levels) {
    const std::array<std::string_view, 7> command = {
        "EVAL", kCleanGroup, "1", level, parts_.options.group, parts_.options.name, idle};
    replies_.Send(parts_.work, command, [](const Answer&) {});
  }
}

}  // namespace sideloop::lease
