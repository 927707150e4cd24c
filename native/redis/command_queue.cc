// Accepting, sending, answering. command_queue_failures.cc has what fails, command_queue_held.cc
// what is held.
#include "redis/command_queue.h"

#include <algorithm>
#include <cassert>

namespace sideloop::redis {

void CommandQueue::Add(std::shared_ptr<const resp::Stage> stage, std::uint32_t count,
                       resp::ReplyTarget& target, std::uint64_t now) {
  if (count == 0) return;
  Unsent entry{.stage = std::move(stage), .target = &target, .count = count, .accepted_at = now};
  if (limits_.timeout_ms) {
    entry.deadline = now + ToNs(*limits_.timeout_ms);
    earliest_ = std::min(earliest_, entry.deadline);
  }
  unsent_commands_ += count;
  unsent_.push_back(std::move(entry));
}

void CommandQueue::Add(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
                       std::uint32_t flags, std::uint64_t now, std::int32_t wait_ms) {
  auto stage = std::make_shared<resp::Stage>();
  stage->heads.reserve(3 + arguments.size());
  stage->heads.push_back(static_cast<std::int32_t>(resp::Stage::kUnnamed | flags));
  stage->heads.push_back(static_cast<std::int32_t>(arguments.size()));
  if ((flags & resp::Stage::kBlocking) != 0) stage->heads.push_back(wait_ms);
  std::size_t size = 0;
  for (const std::string_view argument : arguments) size += argument.size();
  stage->text.reserve(size);
  for (const std::string_view argument : arguments) {
    stage->heads.push_back(static_cast<std::int32_t>(argument.size()));
    stage->text.append(argument);
  }
  Add(std::move(stage), 1, target, now);
}

void CommandQueue::AddLast(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
                           std::uint64_t now) {
  Add(arguments, target, 0, now);
  unsent_.back().deadline = kNever;
  unsent_.back().is_last = true;
}

std::uint32_t CommandQueue::Encode(ByteBuffer& out, std::size_t most, std::uint64_t now) {
  if (is_holding_) return EncodeBegun(out, most, now);
  std::uint32_t begun = 0;
  while (!unsent_.empty() && out.size() < most && !IsTooEarly()) {
    if (!EncodeEntry(out, most, now, begun)) break;
  }
  return begun;
}

// False where the slice is full, or enough was looked at, before the entry is through.
bool CommandQueue::EncodeEntry(ByteBuffer& out, std::size_t most, std::uint64_t now,
                               std::uint32_t& begun) {
  Unsent& entry = unsent_.front();
  if (!std::exchange(has_begun_, true)) {
    encoder_ = resp::StageEncoder(*entry.stage, entry.from);
  }
  if (is_midway_ && !encoder_.Encode(out, most)) return false;
  is_midway_ = false;
  bool has_run = false;
  while (entry.count > 0) {
    if (out.size() >= most) return false;
    if (!encoder_.Begin()) {
      // The two sides of the binding disagree about the stage's layout: a defect, but nothing may
      // stay unsettled.
      assert(false);
      const Failure broken{entry.target, 0, entry.count, false};
      DropFront();
      Tell({&broken, 1}, {ErrorCode::kProtocol, "A command could not be encoded"});
      return true;
    }
    --entry.count;
    --unsent_commands_;
    if (entry.is_abandoned && (encoder_.flags() & resp::Stage::kBlocking) != 0) {
      encoder_.Skip();
      continue;
    }
    ++begun;
    CountSent(entry, now, has_run);
    has_run = true;
    is_midway_ = !encoder_.Encode(out, most);
    if (is_midway_) return false;
  }
  DropFront();
  return true;
}

// Counts in flight the command that the encoder has taken up. Those of one entry that go out
// together are one run (`has_run`: there is one), but for those that block, each of which has a
// deadline of its own.
void CommandQueue::CountSent(const Unsent& entry, std::uint64_t now, bool has_run) {
  const std::uint32_t flags = encoder_.flags();
  const bool blocks = (flags & resp::Stage::kBlocking) != 0;
  if (has_run && !blocks && pairing_.back().flags == flags) {
    pairing_.SentAlso();
    return;
  }
  const bool is_nobodys = entry.is_abandoned || entry.is_settled;
  Sent({.target = entry.target,
        .count = 1,
        .flags = flags,
        .wait_ms = encoder_.wait_ms(),
        .sent_at = now,
        .deadline = blocks ? DeadlineOfWait(entry) : entry.deadline,
        .is_own = entry.is_abandoned,
        .is_settled = entry.is_settled,
        .stage = is_nobodys ? nullptr : entry.stage,
        .from = encoder_.begin()});
}

// Of the command that the encoder has taken up, which waits at the server.
std::uint64_t CommandQueue::DeadlineOfWait(const Unsent& entry) const {
  const std::int32_t wait_ms = encoder_.wait_ms();
  if (!limits_.timeout_ms || wait_ms == resp::Stage::kForEver) return kNever;
  const std::uint64_t grace_ms = limits_.grace_ms.value_or(*limits_.timeout_ms);
  return entry.accepted_at + ToNs(static_cast<std::uint64_t>(wait_ms) + grace_ms);
}

void CommandQueue::Sent(resp::Run run) {
  if (IsBlocking(run)) ++blocking_;
  if (!run.is_own && !run.is_settled) earliest_ = std::min(earliest_, run.deadline);
  pairing_.Sent(std::move(run));
}

void CommandQueue::Answered() {
  const resp::Run& run = pairing_.front();
  if (run.count == 1 && IsBlocking(run)) --blocking_;
  pairing_.Answered();
  if (some_wait_) earliest_ = 0;
  // Nothing is watched over any more, whatever was.
  if (IsIdle()) earliest_ = kNever;
}

void CommandQueue::DropFront() {
  unsent_commands_ -= unsent_.front().count;
  unsent_.pop_front();
  has_begun_ = is_midway_ = false;
}

bool CommandQueue::HasPending(const resp::ReplyTarget& target) {
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    if (pairing_.run(i).target == &target) return true;
  }
  for (std::size_t i = 0; i < unsent_.size(); ++i) {
    if (unsent_[i].target == &target && unsent_[i].count > 0) return true;
  }
  for (const Held& held : held_) {
    if (held.entry.target == &target) return true;
  }
  return false;
}

bool CommandQueue::HasBlocking(const resp::ReplyTarget& target) {
  if (blocking_ == 0) return false;
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    const resp::Run& run = pairing_.run(i);
    if (run.target == &target && IsBlocking(run)) return true;
  }
  return false;
}

void CommandQueue::FlushSoon(resp::ReplyTarget& target) {
  if (!touched_.empty() && touched_.back() == &target) return;
  if (std::find(touched_.begin(), touched_.end(), &target) == touched_.end()) {
    touched_.push_back(&target);
  }
}

void CommandQueue::FlushTargets() {
  for (std::size_t i = 0; i < touched_.size(); ++i) touched_[i]->FlushReplies();
  touched_.clear();
}

}  // namespace sideloop::redis
