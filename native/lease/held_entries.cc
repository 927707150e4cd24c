#include "lease/held_entries.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <unordered_set>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "lease/consumer_scripts.h"
#include "lease/reclaim_scripts.h"

namespace sideloop::lease {

namespace {

Terms TermsOf(const ConsumerOptions& options) {
  return {.ttl_ms = options.lease_ms,
          .renew_every_ms = options.renew_every_ms,
          .renew_timeout_ms = options.renew_every_ms,
          .max_lease_ms = options.max_lease_ms,
          .max_block_ms = options.max_block_ms};
}

}  // namespace

std::optional<std::vector<std::string>> TakeFields(resp::Reply& fields) {
  if (fields.elements.size() % 2 != 0) return std::nullopt;
  std::vector<std::string> texts;
  texts.reserve(fields.elements.size());
  for (resp::Reply& text : fields.elements) texts.push_back(std::move(text.text));
  return texts;
}

HeldEntries::HeldEntries(const ConsumerParts& parts, Outbox& js, HeldEntriesObserver& observer)
    : parts_(parts),
      observer_(observer),
      terms_(TermsOf(parts.options)),
      entries_(parts.cells.size()),
      ids_(parts.cells.size()),
      to_confirm_(parts.options.levels.size()),
      pause_(parts.loop, parts.options.lease_ms,
             [this] {
               parts_.loop.AssertOnLoop();
               ConfirmAgain();
             }),
      renewer_(parts.loop, parts.work, js, *this, parts.stats.leases),
      replies_(parts.loop) {
  for (std::size_t handle = entries_.size(); handle > 0;) {
    free_.push_back(static_cast<std::uint32_t>(--handle));
  }
}

// ---- In ----

void HeldEntries::Add(Taken taken) {
  if (IsHeldAlready(taken)) return;
  // Invariant: whoever asks the server for entries asks for no more than there is room for. What a
  // server sends beyond that is left to be recovered.
  if (free_.empty()) return;
  const std::uint32_t handle = free_.back();
  free_.pop_back();
  Entry& entry = entries_[handle];
  entry.state = Entry::State::kConfirming;
  entry.asked = false;
  entry.claimed = taken.claimed;
  ++entry.serial;
  entry.level = taken.level;
  entry.deliveries = taken.deliveries;
  entry.id = std::move(taken.id);
  entry.fields = std::move(taken.fields);
  ids_.Add(handle, entry.level, entry.id);
  parts_.cells.Take(handle, entry.serial);
  ++held_;
  ++parts_.stats.held;
  Hold(handle, taken.sent_at);
}

// Rule 4.
bool HeldEntries::IsHeldAlready(const Taken& taken) {
  const std::uint32_t held = ids_.Find(taken.level, taken.id, [&](std::uint32_t handle) {
    parts_.loop.AssertOnLoop();
    return entries_[handle].level == taken.level && entries_[handle].id == taken.id;
  });
  if (held == HeldIds::kNone) return false;
  // It is what renewals and its settlement are about: the job goes on.
  if (entries_[held].deliveries == taken.deliveries) return true;
  Lose(held);
  return false;
}

// Rules 1 and 2.
void HeldEntries::Hold(std::uint32_t handle, std::uint64_t granted_at) {
  Entry& entry = entries_[handle];
  const std::uint64_t now = LeaseClock::Now();
  if (entry.claimed || now > granted_at + terms_.ttl_ms * kNsPerMs / 4) {
    to_confirm_[entry.level].push_back({handle, entry.serial});
    parts_.Changed();
    return;
  }
  entry.state = Entry::State::kHeld;
  entry.slot = renewer_.Add(terms_, granted_at, parts_.cells.lease(handle));
  if (entry.slot >= handles_.size()) handles_.resize(entry.slot + 1);
  handles_[entry.slot] = handle;
  parts_.reports.AddJob(handle, entry.serial, entry.deliveries, entry.level, entry.id,
                        entry.fields);
  // Its memory stays for the next.
  entry.fields.clear();
  ++parts_.stats.delivered;
  parts_.Changed();
}

void HeldEntries::Confirm() {
  if (!parts_.CanWork()) return;
  for (std::uint32_t level = 0; level < to_confirm_.size(); ++level) {
    std::vector<Holding> late;
    std::vector<Holding> claimed;
    for (const Holding& holding : std::exchange(to_confirm_[level], {})) {
      // Null where it was handed back meanwhile.
      const Entry* entry = Find(holding);
      if (entry != nullptr) (entry->claimed ? claimed : late).push_back(holding);
    }
    ConfirmAll(level, late, false);
    ConfirmAll(level, claimed, true);
  }
}

void HeldEntries::ConfirmAll(std::uint32_t level, const std::vector<Holding>& all, bool checks) {
  for (std::size_t first = 0; first < all.size(); first += kMostInCommand) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t size = std::min(kMostInCommand, all.size() - first);
    ConfirmSome(level, {begin, begin + static_cast<std::ptrdiff_t>(size)}, checks);
  }
}

void HeldEntries::ConfirmSome(std::uint32_t level, std::vector<Holding> holdings, bool checks) {
  std::vector<std::string> command = checks ? CheckCommand(level) : RenewCommand(level);
  for (const Holding& holding : holdings) {
    const Entry& entry = entries_[holding.handle];
    command.push_back(entry.id);
    command.push_back(std::to_string(entry.deliveries));
    if (!checks) command.emplace_back("0");
  }
  replies_.Send(parts_.work, command,
                [this, level, checks, holdings = std::move(holdings)](const Answer& answer) {
                  parts_.loop.AssertOnLoop();
                  parts_.TellRefusal(Task::kConfirm, level, answer);
                  // What a read has taken over waits for it, unheard of otherwise.
                  if (checks && answer.refusal() == resp::Refusal::kNotNow) {
                    parts_.faults.Refused(Task::kConfirm, level, answer.error, Loop::Now());
                  }
                  if (checks) return OnChecked(holdings, answer);
                  OnConfirmed(holdings, answer, answer.reply.elements);
                });
}

void HeldEntries::OnConfirmed(const std::vector<Holding>& holdings, const Answer& answer,
                              const std::vector<resp::Reply>& results) {
  const bool answered = !answer.error && results.size() == holdings.size();
  if (answered) pause_.Reset();
  for (std::size_t i = 0; i < holdings.size(); ++i) {
    Entry* entry = Find(holdings[i]);
    if (entry == nullptr || entry->state != Entry::State::kConfirming) continue;
    if (answered && results[i].integer == 1) {
      if (std::exchange(entry->claimed, false)) ++parts_.stats.recovered;
      Hold(holdings[i].handle, answer.sent_at);
    } else if (answered || answer.has_no_group()) {
      if (!answered || results[i].integer == 0) ++parts_.stats.unconfirmed;
      Free(holdings[i].handle);
    } else {
      // Asked again when the connection is back, or after a pause.
      unanswered_.push_back(holdings[i]);
      pause_.Begin();
    }
  }
}

// [[result ...], an error or nothing]
void HeldEntries::OnChecked(const std::vector<Holding>& holdings, const Answer& answer) {
  const auto& parts = answer.reply.elements;
  const bool is_whole = !answer.error && parts.size() == 2;
  const std::vector<resp::Reply> none;
  const std::vector<resp::Reply>& results = is_whole ? parts[0].elements : none;
  // Dead letters they are, whoever holds them by now.
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].integer != 2) continue;
    ++parts_.stats.dead;
    const Entry* entry = i < holdings.size() ? Find(holdings[i]) : nullptr;
    if (entry == nullptr || entry->state != Entry::State::kConfirming) continue;
    // The delivery that brought it here was no attempt.
    parts_.reports.AddDead(entry->deliveries - 1, entry->level, entry->id, entry->fields);
  }
  if (is_whole) parts_.faults.Complained(parts[1].text, Loop::Now());
  OnConfirmed(holdings, answer, results);
  parts_.Changed();
}

void HeldEntries::ConfirmAgain() {
  for (const Holding& holding : std::exchange(unanswered_, {})) {
    const Entry* entry = Find(holding);
    if (entry != nullptr) to_confirm_[entry->level].push_back(holding);
  }
  Confirm();
}

void HeldEntries::OnReady() {
  ConfirmAgain();
  renewer_.OnConnectionReady();
}

// ---- Held ----

Entry* HeldEntries::Find(Holding holding) {
  if (holding.handle >= entries_.size()) return nullptr;
  Entry& entry = entries_[holding.handle];
  const bool is_live = entry.state != Entry::State::kFree && entry.serial == holding.serial;
  return is_live ? &entry : nullptr;
}

std::uint64_t HeldEntries::KeptUntil(std::uint32_t handle) const {
  const Entry& entry = entries_[handle];
  return entry.state == Entry::State::kConfirming
             ? LeaseRenewer::WindowEnd(LeaseClock::Now(), parts_.options.lease_ms)
             : renewer_.valid_until(entry.slot);
}

void HeldEntries::LeaveOutHeld(std::uint32_t level, std::vector<Owned>& owned) {
  if (owned.empty()) return;
  std::unordered_set<std::string_view> held;
  ForEach([level, &held](std::uint32_t, const Entry& entry) {
    if (entry.level == level) held.insert(entry.id);
  });
  std::erase_if(owned, [&held](const Owned& one) { return held.contains(one.id); });
}

std::vector<std::string> HeldEntries::RenewCommand(std::uint32_t level) const {
  return {"EVAL",
          std::string(kRenewEntries),
          "1",
          parts_.options.levels[level],
          parts_.options.group,
          parts_.options.name};
}

std::vector<std::string> HeldEntries::CheckCommand(std::uint32_t level) const {
  return {"EVAL",
          CheckEntriesScript(),
          "3",
          parts_.options.levels[level],
          parts_.options.history,
          parts_.options.dead,
          parts_.options.group,
          parts_.options.name,
          parts_.options.drop,
          std::to_string(parts_.options.max_attempts)};
}

std::vector<std::string> HeldEntries::RenewalOf(std::uint32_t group,
                                                std::span<const Renewal> renewals) {
  std::vector<std::string> command = RenewCommand(group);
  for (const Renewal& renewal : renewals) {
    const Entry& entry = entries_[handles_[renewal.slot]];
    command.push_back(entry.id);
    command.push_back(std::to_string(entry.deliveries));
    // A shorter lease is one that has been idle for a while.
    command.push_back(std::to_string(terms_.ttl_ms - renewal.ttl_ms));
  }
  return command;
}

// ---- Out ----

void HeldEntries::Settle(std::uint32_t handle, Outcome outcome) {
  renewer_.Remove(entries_[handle].slot);
  parts_.reports.AddSettled(handle, outcome);
  Free(handle);
}

void HeldEntries::Refuse(std::uint32_t handle, Task task, const Error& error) {
  entries_[handle].state = Entry::State::kHeld;
  entries_[handle].failure.reset();
  renewer_.Stay(entries_[handle].slot);
  const bool is_news = parts_.faults.RefusedJob(task, entries_[handle].level, error, Loop::Now());
  parts_.reports.AddRefused(handle, error, is_news);
  parts_.Changed();
}

void HeldEntries::End(std::uint32_t handle, JobEnd why) {
  if (entries_[handle].state == Entry::State::kConfirming) return Free(handle);
  renewer_.Remove(entries_[handle].slot);
  Tell(handle, why);
}

void HeldEntries::EndAll(JobEnd why) {
  ForEach([this, why](std::uint32_t handle, const Entry&) {
    parts_.loop.AssertOnLoop();
    End(handle, why);
  });
}

void HeldEntries::LoseLevel(std::uint32_t level) {
  ForEach([this, level](std::uint32_t handle, const Entry& entry) {
    parts_.loop.AssertOnLoop();
    if (entry.level == level) Lose(handle);
  });
}

void HeldEntries::Lose(std::uint32_t handle) {
  // JS begins it no more. What it has begun hears of its end.
  parts_.cells.Seal(handle);
  End(handle, JobEnd::kLost);
}

void HeldEntries::OnRenewalAnswer(std::uint32_t group, std::string_view refusal) {
  Answer answer;
  if (!refusal.empty()) answer.error = {ErrorCode::kReply, std::string(refusal)};
  parts_.TellRefusal(Task::kRenew, group, answer);
}

void HeldEntries::OnLeaseEnd(Slot slot, LeaseEnd why) {
  const std::uint32_t handle = handles_[slot];
  Entry& entry = entries_[handle];
  if (!parts_.cells.Seal(handle) && why != LeaseEnd::kLost) {
    observer_.OnUnbegunEnd(entry.level, std::move(entry.id), entry.deliveries);
  }
  if (why == LeaseEnd::kJsBlocked || why == LeaseEnd::kMaxLease) observer_.OnJsOverdue();
  Tell(handle, static_cast<JobEnd>(why));
}

// Rule 3.
void HeldEntries::Tell(std::uint32_t handle, JobEnd why) {
  if (why == JobEnd::kLost) {
    ++parts_.stats.lost;
  } else if (why != JobEnd::kReleased && why != JobEnd::kLoopStopped) {
    ++parts_.stats.expired;
  }
  parts_.reports.AddEnded(handle, why);
  Free(handle);
}

void HeldEntries::Free(std::uint32_t handle) {
  Entry& entry = entries_[handle];
  assert(entry.state != Entry::State::kFree);
  entry.state = Entry::State::kFree;
  ids_.Remove(handle);
  entry.failure.reset();
  entry.fields.clear();
  free_.push_back(handle);
  --held_;
  parts_.stats.held -= 1;
  parts_.Changed();
}

}  // namespace sideloop::lease
