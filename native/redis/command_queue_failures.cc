// What becomes of commands that get no reply: of a connection that was lost, of a target that
// leaves, of a deadline that is over.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "redis/command_queue.h"

namespace sideloop::redis {

namespace {
constexpr const char* kWasSent =
    ". The command was sent and may have run: look before you repeat it";
constexpr const char* kDidNotRun = ". The command did not run: it is safe to repeat";
}  // namespace

// How many commands of each target stay before the one that is looked at.
class CommandQueue::Turns {
 public:
  std::size_t Before(const resp::ReplyTarget* target) const {
    const auto found = counts_.find(target);
    return found == counts_.end() ? 0 : found->second;
  }
  void Stay(const resp::ReplyTarget* target, std::size_t count) { counts_[target] += count; }

 private:
  std::unordered_map<const resp::ReplyTarget*, std::size_t> counts_;
};

void CommandQueue::FailInFlight(const Error& why) {
  std::vector<Failure> failures;
  // On the next connection they would run behind what is in flight here, which may have run.
  FailHeld([](const Held&) { return true; }, failures);
  is_holding_ = false;
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    const resp::Run& run = pairing_.run(i);
    // What has failed out of turn has its turn now.
    if (!run.is_own) failures.push_back({run.target, 0, run.count, true});
    if (!run.is_own && !run.is_settled) failed_ += run.count;
  }
  while (pairing_.TakeRun()) {
  }
  blocking_ = 0;
  // Hazard: replies meeting commands of an earlier connection. From here on there are none.
  pairing_.NextGeneration();
  if (is_midway_) {
    // Rule 2: it is over with the socket that had the half of it.
    encoder_.Skip();
    is_midway_ = false;
    if (unsent_.front().count == 0) DropFront();
  }
  if (IsMidTransaction()) {
    // Rule 5. The server forgets it with the connection: nothing of it has run.
    const Unsent& rest = unsent_.front();
    if (!rest.is_abandoned) failures.push_back({rest.target, 0, rest.count, rest.is_settled});
    if (!rest.is_abandoned && !rest.is_settled) failed_ += rest.count;
    DropFront();
  }
  // Of the first unsent ones, which were behind it.
  while (!unsent_.empty() && unsent_.front().is_settled) {
    failures.push_back({unsent_.front().target, 0, unsent_.front().count, true});
    DropFront();
  }
  if (unsent_.empty()) earliest_ = kNever;
  Tell(failures, why);
}

bool CommandQueue::IsMidTransaction() {
  if (!has_begun_ || unsent_.empty() || unsent_.front().count == 0) return false;
  return unsent_.front().stage->is_transaction();
}

void CommandQueue::FailUnsent(const Error& why) {
  Tell(DropUnsent([](const Unsent&) { return true; }), why);
}

void CommandQueue::Fail(resp::ReplyTarget& target, const Error& why) {
  std::vector<Failure> failures;
  FailHeld([&target](const Held& held) { return held.entry.target == &target; }, failures);
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (run.target != &target) continue;
    failures.push_back({run.target, 0, run.count, true});
    if (!run.is_settled) failed_ += run.count;
    Redirect(run);
  }
  const auto dropped =
      DropUnsent([&target](const Unsent& entry) { return entry.target == &target; });
  JoinSettled(pairing_.runs());
  failures.insert(failures.end(), dropped.begin(), dropped.end());
  Tell(failures, why);
}

void CommandQueue::FailInPlace(resp::ReplyTarget& target, const Error& why) {
  assert(target.KeepsTurns());
  std::vector<Failure> failures;
  // They have had their turn.
  FailHeld([&target](const Held& held) { return held.entry.target == &target; }, failures);
  std::size_t ahead = 0;
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (run.target != &target) continue;
    if (!run.is_settled) {
      Settle(run);
      failures.push_back({&target, ahead, run.count, true, true});
      failed_ += run.count;
    }
    ahead += run.count;
  }
  JoinSettled(pairing_.runs());
  Tell(failures, why);
}

void CommandQueue::Abandon(resp::ReplyTarget& target) {
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    if (pairing_.run(i).target == &target) Redirect(pairing_.run(i));
  }
  for (std::size_t i = 0; i < unsent_.size(); ++i) {
    if (unsent_[i].target == &target) Redirect(unsent_[i]);
  }
  // The server has said no to it.
  TakeHeld(target);
  if (IsIdle()) earliest_ = kNever;
  JoinSettled(pairing_.runs());
  std::erase(touched_, &target);
}

void CommandQueue::Redirect(Unsent& entry) {
  entry.target = &discard_;
  entry.deadline = kNever;
  entry.is_abandoned = true;
}

void CommandQueue::Redirect(resp::Run& run) {
  run.target = &discard_;
  run.is_own = true;
  run.stage.reset();
}

void CommandQueue::Settle(resp::Run& run) {
  run.is_settled = true;
  run.stage.reset();
}

// Takes those held commands out that `drop` says true of. The server has not run them.
template <typename Drop>
void CommandQueue::FailHeld(Drop drop, std::vector<Failure>& failures) {
  std::erase_if(held_, [&](const Held& held) {
    if (!drop(held)) return false;
    failures.push_back({held.entry.target, 0, held.entry.count, false});
    failed_ += held.entry.count;
    unsent_commands_ -= held.entry.count;
    return true;
  });
}

// Takes those unsent commands out that `drop` says true of.
std::vector<CommandQueue::Failure> CommandQueue::DropUnsent(
    const std::function<bool(const Unsent&)>& drop) {
  std::vector<Failure> failures;
  Ring<Unsent> kept;
  const bool mid_transaction = IsMidTransaction();
  for (std::size_t entries = unsent_.size(), i = 0; i < entries; ++i) {
    const bool half_sent = IsHalfSent(i);
    Unsent entry = unsent_.pop_front();
    const bool goes_on = i == 0 && mid_transaction;  // rule 5
    const bool drops = drop(entry);
    if (drops) {
      if (!entry.is_abandoned && entry.count > 0) {
        failures.push_back({entry.target, 0, entry.count, entry.is_settled || goes_on});
        if (!entry.is_settled) failed_ += entry.count;
      }
      if (goes_on) {
        Redirect(entry);
      } else {
        unsent_commands_ -= std::exchange(entry.count, 0);
      }
    }
    if (!drops || half_sent || goes_on) {
      kept.push_back(std::move(entry));
    } else if (i == 0) {
      has_begun_ = false;
    }
  }
  unsent_ = std::move(kept);
  if (IsIdle()) earliest_ = kNever;
  return failures;
}

// The oldest first. Where nothing in flight blocks, deadlines are in the order of the commands.
// Returns how many runs it looked at.
std::size_t CommandQueue::CollectOverdue(std::uint64_t now, Turns& turns,
                                         std::vector<Failure>& failures) {
  const bool in_order = blocking_ == 0;
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (run.is_own) continue;
    if (run.is_settled) {
      turns.Stay(run.target, run.count);
      continue;
    }
    if (run.deadline > now) {
      earliest_ = std::min(earliest_, run.deadline);
      if (in_order) return i;
      turns.Stay(run.target, run.count);
      continue;
    }
    const std::size_t ahead = turns.Before(run.target);
    if (ahead > 0 && !run.target->KeepsTurns()) {
      // Its failure now would be taken for that of the one ahead.
      some_wait_ = true;
      turns.Stay(run.target, run.count);
      continue;
    }
    failed_ += run.count;
    failures.push_back({run.target, ahead, run.count, true});
    if (ahead > 0 && run.target->KeepsTurns()) {
      Settle(run);
      turns.Stay(run.target, run.count);
    } else {
      Redirect(run);
    }
  }
  return pairing_.runs();
}

// Of the first `count` runs, makes one of those that nobody waits for, where they are alike and no
// other stands between: each later deadline would look at all of them again, and a server that
// answers none may be sent ever more. Those of several targets may change places, as each of them
// is answered by nothing but its turn. What waits at the server is taken to wait for as long as the
// longest of them: so they are alike however long each does.
void CommandQueue::JoinSettled(std::size_t count) {
  const auto is_unheard = [this](const resp::Run& run) {
    return run.is_settled || run.target == &discard_;
  };
  const auto are_alike = [](const resp::Run& a, const resp::Run& b) {
    constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
    return a.target == b.target && a.flags == b.flags &&
           (a.wait_ms == resp::Stage::kForEver) == (b.wait_ms == resp::Stage::kForEver) &&
           a.is_own == b.is_own && a.is_settled == b.is_settled && a.count <= kMost - b.count;
  };
  // What is kept moves to the end, so that what follows stays where it is.
  std::size_t first = count;
  std::size_t end = count;  // of those kept between which no other stands
  for (std::size_t i = count; i-- > 0;) {
    const resp::Run run = pairing_.run(i);
    std::size_t like = is_unheard(run) ? first : end;
    while (like < end && !are_alike(pairing_.run(like), run)) ++like;
    if (like < end) {
      resp::Run& joined = pairing_.run(like);
      joined.count += run.count;
      joined.wait_ms = std::max(joined.wait_ms, run.wait_ms);
      joined.sent_at = run.sent_at;
      if (IsBlocking(run)) --blocking_;
      continue;
    }
    pairing_.run(--first) = run;
    if (!is_unheard(run)) end = first;
  }
  pairing_.DropJoined(first);
}

void CommandQueue::FailOverdue(std::uint64_t now) {
  if (now < earliest_) return;
  earliest_ = kNever;
  some_wait_ = false;
  std::vector<Failure> failures;
  Turns turns;
  // They are ahead of all that their targets have in flight.
  const auto is_overdue = [&](const Held& held) {
    const Unsent& entry = held.entry;
    const bool is_over = entry.deadline <= now;
    if (is_over && turns.Before(entry.target) == 0) return true;
    turns.Stay(entry.target, entry.count);
    if (is_over) {
      some_wait_ = true;
    } else {
      earliest_ = std::min(earliest_, entry.deadline);
    }
    return false;
  };
  FailHeld(is_overdue, failures);
  const std::size_t looked_at = CollectOverdue(now, turns, failures);
  if (!failures.empty()) JoinSettled(looked_at);
  // All that is unsent has the same time, counted from its acceptance. What is dropped has nothing
  // of its target's ahead of it, and is told before those behind it that fail out of turn.
  const std::size_t told_first = failures.size();
  std::size_t overdue = 0;
  for (; overdue < unsent_.size(); ++overdue) {
    Unsent& entry = unsent_[overdue];
    if (entry.is_abandoned) continue;
    entry.is_waiting = false;
    if (entry.is_settled) {
      turns.Stay(entry.target, entry.count);
      continue;
    }
    if (entry.deadline > now) {
      earliest_ = std::min(earliest_, entry.deadline);
      break;
    }
    const std::size_t ahead = turns.Before(entry.target);
    if (ahead == 0) continue;
    if (!entry.target->KeepsTurns()) {
      entry.is_waiting = true;
      some_wait_ = true;
      turns.Stay(entry.target, entry.count);
      continue;
    }
    // Rule 3. It is sent all the same, so that its turn comes.
    entry.is_settled = true;
    failed_ += entry.count;
    if (entry.count > 0) failures.push_back({entry.target, ahead, entry.count, true});
    turns.Stay(entry.target, entry.count);
  }
  const auto dropped = DropUnsent([now](const Unsent& entry) {
    return !entry.is_abandoned && !entry.is_settled && !entry.is_waiting && entry.deadline <= now;
  });
  failures.insert(failures.begin() + static_cast<std::ptrdiff_t>(told_first), dropped.begin(),
                  dropped.end());
  Tell(failures, {ErrorCode::kCommandTimeout,
                  "No reply within " + std::to_string(limits_.timeout_ms.value_or(0)) + " ms"});
}

void CommandQueue::Postpone(std::uint64_t since, std::uint64_t now) {
  if (earliest_ == kNever) return;
  const auto postpone = [=](Unsent& entry) {
    const std::uint64_t from = std::max(since, entry.accepted_at);
    if (entry.deadline != kNever && from < now) entry.deadline += now - from;
  };
  for (Held& held : held_) postpone(held.entry);
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    const std::uint64_t from = std::max(since, run.sent_at);
    if (run.deadline != kNever && from < now) run.deadline += now - from;
  }
  for (std::size_t i = 0; i < unsent_.size(); ++i) postpone(unsent_[i]);
  earliest_ = now;
}

// Rule 4. Whoever is told may have more commands fail, or end the connection: these are told before
// that.
void CommandQueue::Tell(std::span<const Failure> failures, const Error& why) {
  // With nothing of its own it tells what an outer call has not told yet, before the end is told.
  if (failures.empty() && untold_.empty()) return;
  const auto sent = std::make_shared<const Error>(Error{why.code, why.message + kWasSent, true});
  const auto unsent =
      std::make_shared<const Error>(Error{why.code, why.message + kDidNotRun, false});
  for (const Failure& failure : failures) {
    untold_.emplace_back(failure, failure.was_sent ? sent : unsent);
  }
  while (!untold_.empty()) {
    const auto [failure, error] = std::move(untold_.front());
    untold_.pop_front();
    if (failure.keeps_turn || (failure.ahead > 0 && failure.target->KeepsTurns())) {
      failure.target->FailOutOfTurn(failure.ahead, failure.count, *error);
      FlushSoon(*failure.target);
    } else if (failure.target->FailReplies(failure.count, *error)) {
      FlushSoon(*failure.target);
    }
  }
}

}  // namespace sideloop::redis
