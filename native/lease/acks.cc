#include "lease/acks.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/lease_clock.h"
#include "lease/consumer_scripts.h"

namespace sideloop::lease {

Acks::Acks(const ConsumerParts& parts, HeldEntries& entries)
    : parts_(parts),
      entries_(entries),
      acks_(levels()),
      backs_(levels()),
      ack_pause_(parts.loop, parts.options.lease_ms, AtEndOfPause()),
      failure_pause_(parts.loop, parts.options.lease_ms, AtEndOfPause()),
      back_pause_(parts.loop, parts.options.lease_ms, AtEndOfPause()),
      replies_(parts.loop) {}

Job Acks::AtEndOfPause() {
  return [this] {
    parts_.loop.AssertOnLoop();
    parts_.Changed();
  };
}

void Acks::Ack(Holding holding) {
  if (Stage(holding, nullptr)) acks_[entries_.at(holding.handle).level].push_back(holding);
}

void Acks::Fail(Holding holding, Failure failure) {
  if (Stage(holding, std::make_unique<Failure>(std::move(failure)))) failures_.push_back(holding);
}

bool Acks::Stage(Holding holding, std::unique_ptr<Failure> failure) {
  Entry* entry = entries_.Find(holding);
  if (entry == nullptr || entry->state != Entry::State::kHeld) return false;
  entry->state = Entry::State::kSettling;
  entry->failure = std::move(failure);
  parts_.Changed();
  return true;
}

void Acks::HandBack(std::uint32_t handle, bool counts, JobEnd why) {
  Entry& entry = entries_.at(handle);
  const std::uint32_t then = counts ? entry.deliveries : entry.deliveries - 1;
  backs_[entry.level].push_back(
      {std::move(entry.id), entry.deliveries, then, entries_.KeptUntil(handle)});
  entries_.End(handle, why);
}

void Acks::HandBackUnbegun(std::uint32_t level, std::string id, std::uint32_t deliveries) {
  const std::uint64_t until = LeaseRenewer::WindowEnd(LeaseClock::Now(), parts_.options.lease_ms);
  backs_[level].push_back({std::move(id), deliveries, deliveries - 1, until});
  parts_.Changed();
}

void Acks::Flush() {
  if (!parts_.CanWork()) return;
  for (std::uint32_t level = 0; level < levels(); ++level) {
    if (!ack_pause_.active()) SendAcks(level);
    if (!back_pause_.active()) SendBacks(level);
  }
  if (failure_pause_.active()) return;
  for (const Holding& holding : std::exchange(failures_, {})) SendFailure(holding);
}

bool Acks::idle() const {
  const auto is_empty = [](const auto& staged) { return staged.empty(); };
  return replies_.empty() && failures_.empty() &&
         std::all_of(acks_.begin(), acks_.end(), is_empty) &&
         std::all_of(backs_.begin(), backs_.end(), is_empty);
}

// ---- Acks ----

void Acks::SendAcks(std::uint32_t level) {
  std::vector<Holding>& staged = acks_[level];
  std::size_t taken = 0;
  while (taken < staged.size() && acks_under_way_ < kMostUnderWay) {
    std::vector<std::string> command = {"EVAL",
                                        AckEntriesScript(),
                                        "2",
                                        parts_.options.levels[level],
                                        parts_.options.history,
                                        parts_.options.group,
                                        parts_.options.name,
                                        parts_.options.drop};
    std::vector<Holding> holdings;
    for (; taken < staged.size() && holdings.size() < HeldEntries::kMostInCommand; ++taken) {
      const Entry* entry = entries_.Find(staged[taken]);
      if (entry == nullptr) continue;
      holdings.push_back(staged[taken]);
      command.push_back(entry->id);
      command.push_back(std::to_string(entry->deliveries));
      entries_.renewer().Leave(entry->slot);
    }
    if (holdings.empty()) break;
    ++acks_under_way_;
    replies_.Send(parts_.work, command,
                  [this, level, holdings = std::move(holdings)](const Answer& answer) {
                    parts_.loop.AssertOnLoop();
                    --acks_under_way_;
                    if (!answer.error) parts_.faults.Answered(Task::kAck, level);
                    OnAcked(holdings, answer);
                  });
  }
  staged.erase(staged.begin(), staged.begin() + static_cast<std::ptrdiff_t>(taken));
}

void Acks::OnAcked(const std::vector<Holding>& holdings, const Answer& answer) {
  parts_.Changed();
  const auto& parts = answer.reply.elements;
  const bool is_whole = !answer.error && parts.size() == 3;
  const std::vector<resp::Reply> none;
  const std::vector<resp::Reply>& results = is_whole ? parts[0].elements : none;
  const bool answered = is_whole && results.size() == holdings.size() &&
                        std::all_of(results.begin(), results.end(), [](const resp::Reply& result) {
                          return result.kind == resp::Reply::Kind::kInteger;
                        });
  if (answered) {
    ack_pause_.Reset();
    parts_.faults.Complained(parts[1].text, Loop::Now());
    if (parts[2].integer != 0) TellKept();
  }
  for (std::size_t i = 0; i < holdings.size(); ++i) {
    if (!answered) {
      OnNoResult(holdings[i], answer);
    } else if (OnResult(holdings[i], results[i].integer, Outcome::kAcked)) {
      ++parts_.stats.acked;
    }
  }
}

// ---- Failures ----

void Acks::SendFailure(Holding holding) {
  const Entry* entry = entries_.Find(holding);
  if (entry == nullptr) return;
  const Failure& failure = *entry->failure;
  const std::vector<std::string> command = {"EVAL",
                                            FailEntryScript(),
                                            "5",
                                            parts_.options.levels[entry->level],
                                            parts_.options.history,
                                            parts_.options.dead,
                                            parts_.options.delayed,
                                            parts_.options.levels.front(),
                                            parts_.options.group,
                                            parts_.options.name,
                                            parts_.options.drop,
                                            entry->id,
                                            std::to_string(entry->deliveries),
                                            std::to_string(parts_.options.max_attempts),
                                            std::to_string(failure.delay_ms),
                                            failure.words,
                                            failure.is_final ? "1" : "0",
                                            std::to_string(parts_.options.lease_ms)};
  entries_.renewer().Leave(entry->slot);
  replies_.Send(parts_.work, command, [this, holding, level = entry->level](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    if (!answer.error) parts_.faults.Answered(Task::kFail, level);
    OnFailed(holding, answer);
  });
}

void Acks::OnFailed(Holding holding, const Answer& answer) {
  parts_.Changed();
  const auto& parts = answer.reply.elements;
  if (answer.error || parts.size() != 2 || parts[0].kind != resp::Reply::Kind::kInteger) {
    return OnNoResult(holding, answer);
  }
  failure_pause_.Reset();
  parts_.faults.Complained(parts[1].text, Loop::Now());
  const std::int64_t result = parts[0].integer;
  const bool is_dead = result == 2;
  const Outcome outcome = is_dead ? Outcome::kDead : Outcome::kRetrying;
  if (OnResult(holding, result, outcome)) {
    ++(is_dead ? parts_.stats.dead : parts_.stats.retried);
  }
}

// ---- Answers ----

// Once: a stream that grows is to be noticed, and no one ack is to blame.
void Acks::TellKept() {
  if (std::exchange(told_kept_, true)) return;
  parts_.reports.AddFailure(
      {ErrorCode::kAckedKept,
       "Entries that were acked are kept: the stream has several groups, and others may need "
       "them. "
       "Bound it with the producer's trim: { maxLength }, or say deleteAcked: true or false"});
}

// Rule 2.
bool Acks::OnResult(Holding holding, std::int64_t result, Outcome outcome) {
  const Entry* entry = entries_.Find(holding);
  if (entry == nullptr) return false;
  // While the window is open nobody else can have had it, and put it away.
  const bool was_ours = entries_.renewer().valid_until(entry->slot) > LeaseClock::Now();
  const bool settled = result > 0 || (result < 0 && entry->asked && was_ours);
  if (settled) {
    entries_.Settle(holding.handle, result > 0 ? outcome : Outcome::kUnknown);
  } else {
    entries_.End(holding.handle, JobEnd::kLost);
  }
  return settled;
}

// Rule 1.
void Acks::OnNoResult(Holding holding, const Answer& answer) {
  Entry* entry = entries_.Find(holding);
  if (entry == nullptr) return;
  if (answer.has_no_group()) return entries_.End(holding.handle, JobEnd::kLost);
  const bool is_failure = entry->failure != nullptr;
  const Task task = is_failure ? Task::kFail : Task::kAck;
  if (answer.is_for_later()) {
    RetryPause& pause = is_failure ? failure_pause_ : ack_pause_;
    parts_.TellRefusal(task, entry->level, answer);
    pause.Begin();
    // Nothing has been there before a renewal.
    entries_.renewer().Stay(entry->slot);
  } else if (answer.error.code == ErrorCode::kReply || !answer.error) {
    return entries_.Refuse(holding.handle, task, answer.Unreadable("What settles a job"));
  }
  entry->asked |= answer.error.may_have_run;
  if (is_failure) {
    failures_.push_back(holding);
  } else {
    acks_[entry->level].push_back(holding);
  }
}

// ---- Handing back ----

// Rule 3.
void Acks::SendBacks(std::uint32_t level) {
  std::vector<Back> all = std::exchange(backs_[level], {});
  const std::uint64_t now = LeaseClock::Now();
  std::erase_if(all, [now](const Back& back) { return back.until <= now; });
  for (std::size_t first = 0; first < all.size(); first += HeldEntries::kMostInCommand) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t size = std::min(HeldEntries::kMostInCommand, all.size() - first);
    SendSomeBacks(level, {begin, begin + static_cast<std::ptrdiff_t>(size)});
  }
}

void Acks::SendSomeBacks(std::uint32_t level, std::vector<Back> some) {
  std::vector<std::string> command = {"EVAL",
                                      HandBackEntriesScript(),
                                      "1",
                                      parts_.options.levels[level],
                                      parts_.options.group,
                                      parts_.options.name,
                                      std::to_string(parts_.options.lease_ms)};
  for (const Back& back : some) {
    command.push_back(back.id);
    command.push_back(std::to_string(back.deliveries));
    command.push_back(std::to_string(back.deliveries_then));
  }
  replies_.Send(parts_.work, command,
                [this, level, some = std::move(some)](const Answer& answer) mutable {
                  parts_.loop.AssertOnLoop();
                  OnBack(level, some, answer);
                });
}

void Acks::OnBack(std::uint32_t level, std::vector<Back>& backs, const Answer& answer) {
  parts_.Changed();
  parts_.TellRefusal(Task::kHandBack, level, answer);
  const bool was_unsent = answer.error.code != ErrorCode::kReply && !answer.error.may_have_run;
  if (!answer.error) {
    back_pause_.Reset();
    parts_.stats.handed_back += static_cast<std::uint64_t>(answer.reply.integer);
  } else if (answer.is_for_later() || was_unsent) {
    if (answer.is_for_later()) back_pause_.Begin();
    std::move(backs.begin(), backs.end(), std::back_inserter(backs_[level]));
  }
}

}  // namespace sideloop::lease
