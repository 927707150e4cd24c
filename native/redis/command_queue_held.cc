// What becomes of commands that met a server which could not serve yet: rule 6.
#include <algorithm>
#include <cassert>
#include <string>
#include <string_view>
#include <utility>

#include "redis/command_queue.h"

namespace sideloop::redis {

bool CommandQueue::TryHold(std::string_view words) {
  assert(!pairing_.empty());
  resp::Run& run = pairing_.front();
  if (run.is_own || run.is_settled || !run.target->WaitsForServer()) return false;
  if (run.stage == nullptr || run.stage->is_transaction()) return false;
  if ((run.flags & resp::Stage::kRunsCode) != 0) return false;
  const bool blocks = IsBlocking(run);
  if (blocking_ > (blocks ? 1u : 0u)) return false;
  assert(run.target->KeepsTurns());
  is_holding_ = true;
  ++unsent_commands_;
  Held* const last = held_.empty() ? nullptr : &held_.back();
  if (last != nullptr && last->entry.stage == run.stage && !last->blocks && !blocks &&
      last->words == words) {
    // Nothing of this stage is between them, or the earlier ones would not be held any more.
    ++last->entry.count;
  } else {
    held_.push_back({.entry = Again(run), .words = std::string(words), .blocks = blocks});
  }
  Answered();
  return true;
}

// The first command of the run, as it is to be sent again.
CommandQueue::Unsent CommandQueue::Again(resp::Run& run) const {
  resp::StageEncoder walk(*run.stage, run.from);
  for (; run.answered > 0 && walk.Begin(); --run.answered) walk.Skip();
  assert(run.answered == 0);
  // Kept, so that a stage is walked through once, however often it is interrupted.
  run.from = walk.position();
  Unsent entry{.stage = run.stage,
               .from = run.from,
               .target = run.target,
               .count = 1,
               .accepted_at = run.sent_at,
               .deadline = run.deadline};
  if (IsBlocking(run) && limits_.timeout_ms) {
    // In flight it has the time of its wait, unsent that of any other command.
    const std::uint64_t grace_ms = limits_.grace_ms.value_or(*limits_.timeout_ms);
    if (run.deadline != kNever) {
      entry.accepted_at = run.deadline - ToNs(static_cast<std::uint64_t>(run.wait_ms) + grace_ms);
    }
    entry.deadline = entry.accepted_at + ToNs(*limits_.timeout_ms);
  }
  return entry;
}

std::vector<CommandQueue::Held> CommandQueue::TakeHeld(const resp::ReplyTarget& target) {
  std::vector<Held> taken;
  std::erase_if(held_, [&](Held& held) {
    if (held.entry.target != &target) return false;
    unsent_commands_ -= held.entry.count;
    taken.push_back(std::move(held));
    return true;
  });
  return taken;
}

void CommandQueue::RejectHeld(resp::ReplyTarget& target) {
  if (held_.empty()) return;
  for (const Held& held : TakeHeld(target)) {
    for (std::uint32_t i = 0; i < held.entry.count; ++i) {
      target.BeginReply(0).OnError(held.words);
      if (target.EndReply()) FlushSoon(target);
    }
  }
}

void CommandQueue::Requeue() {
  assert(is_holding_ && pairing_.empty() && !can_send());
  is_holding_ = false;
  if (held_.empty()) return;
  if (std::exchange(has_begun_, false)) unsent_.front().from = encoder_.position();
  // The deadlines of what is unsent are in its order. Of one that waited for ever nobody knows any
  // more when it was accepted, but that it was not after those behind it.
  std::uint64_t latest = kNever;
  for (std::size_t i = 0; i < unsent_.size(); ++i) latest = std::min(latest, unsent_[i].deadline);
  for (std::size_t i = held_.size(); i-- > 0;) {
    Unsent& entry = held_[i].entry;
    entry.deadline = latest = std::min(entry.deadline, latest);
  }
  Ring<Unsent> all;
  for (Held& held : held_) {
    earliest_ = std::min(earliest_, held.entry.deadline);
    all.push_back(std::move(held.entry));
  }
  held_.clear();
  while (!unsent_.empty()) all.push_back(unsent_.pop_front());
  unsent_ = std::move(all);
}

// Rules 2 and 5: what has begun goes on to its end, or the server would wait for it.
std::uint32_t CommandQueue::EncodeBegun(ByteBuffer& out, std::size_t most, std::uint64_t now) {
  std::uint32_t begun = 0;
  if (IsMidTransaction()) {
    EncodeEntry(out, most, now, begun);
  } else if (is_midway_ && encoder_.Encode(out, most)) {
    is_midway_ = false;
    if (unsent_.front().count == 0) DropFront();
  }
  return begun;
}

}  // namespace sideloop::redis
