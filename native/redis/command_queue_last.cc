// What nobody waits for, and the last command behind it.
#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

#include "redis/command_queue.h"

namespace sideloop::redis {

namespace {
bool Has(std::span<resp::ReplyTarget* const> targets, const resp::ReplyTarget* target) {
  return std::find(targets.begin(), targets.end(), target) != targets.end();
}
}  // namespace

bool CommandQueue::WithdrawsFront(std::span<resp::ReplyTarget* const> targets) {
  return IsBlocking(front()) && Has(targets, front().target);
}

void CommandQueue::Withdraw(std::span<resp::ReplyTarget* const> targets, const Error& why) {
  std::vector<Failure> failures;
  for (std::size_t i = 0; blocking_ > 0 && i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (!IsBlocking(run) || !Has(targets, run.target)) continue;
    failures.push_back({run.target, 0, run.count, true});
    if (!run.is_settled) failed_ += run.count;
    Redirect(run);
  }
  const auto dropped =
      DropUnsent([targets](const Unsent& entry) { return Has(targets, entry.target); });
  if (!failures.empty()) JoinSettled(pairing_.runs());
  failures.insert(failures.end(), dropped.begin(), dropped.end());
  Tell(failures, why);
}

bool CommandQueue::OnlyLastWaits(bool drops_abandoned) {
  if (!held_.empty() || unsent_.empty()) return false;
  if (!unsent_.back().is_last || unsent_.back().count == 0) return false;
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    if (!IsForNobody(pairing_.run(i))) return false;
  }
  for (std::size_t i = 0; i + 1 < unsent_.size(); ++i) {
    const Unsent& entry = unsent_[i];
    if (entry.count == 0 || entry.is_settled) continue;
    if (!entry.is_abandoned || !drops_abandoned) return false;
  }
  return true;
}

bool CommandQueue::BlocksForNobody() {
  for (std::size_t i = 0; blocking_ > 0 && i < pairing_.runs(); ++i) {
    if (IsBlocking(pairing_.run(i)) && IsForNobody(pairing_.run(i))) return true;
  }
  return false;
}

void CommandQueue::AnswerLast(std::string_view text) {
  assert(pairing_.empty() && !unsent_.empty() && unsent_.back().is_last);
  resp::ReplyTarget& target = *unsent_.back().target;
  // It does not fail with the others.
  Redirect(unsent_.back());
  // Those that have failed out of turn have their turns now.
  Tell(DropUnsent([](const Unsent&) { return true; }), {ErrorCode::kClosed, "The client quit"});
  target.BeginReply(0).OnText(text);
  if (target.EndReply()) FlushSoon(target);
}

}  // namespace sideloop::redis
