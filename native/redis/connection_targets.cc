// Several targets share a connection: what becomes of the commands of one that leaves.
#include <utility>

#include "redis/connection.h"

namespace sideloop::redis {

namespace {
constexpr bool MayBlock(const resp::Run& run) { return (run.flags & resp::Stage::kBlocking) != 0; }
}  // namespace

void Connection::Fail(resp::ReplyTarget& target, const Error& why) {
  TakeSideWrites();
  LetGoOfReply(target);
  const Error sent = {
      why.code, why.message + ". The command was sent and may have run: look before you repeat it",
      true};
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (run.target != &target) continue;
    FailRun(run, sent);
    run.target = &discard_;
  }
  const Error unsent = {why.code, why.message + ". The command was not sent: it is safe to repeat",
                        false};
  DropUnsent([&](const resp::Run& run) {
    loop_.AssertOnLoop();
    if (run.target != &target) return false;
    FailRun(run, unsent);
    return true;
  });
  FlushTargets();
  UpdateGauges();
}

void Connection::Abandon(resp::ReplyTarget& target) {
  TakeSideWrites();
  LetGoOfReply(target);
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    resp::Run& run = pairing_.run(i);
    if (run.target == &target) run.target = &discard_;
  }
  DropUnsent([&](const resp::Run& run) { return run.target == &target && MayBlock(run); });
  for (std::size_t i = 0; i < out_runs_.size(); ++i) {
    if (out_runs_[i].target == &target) out_runs_[i].target = &discard_;
  }
  std::erase(touched_, &target);
  UpdateGauges();
}

bool Connection::HasPending(const resp::ReplyTarget& target) {
  TakeSideWrites();
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    if (pairing_.run(i).target == &target) return true;
  }
  for (std::size_t i = 0; i < out_runs_.size(); ++i) {
    if (out_runs_[i].target == &target) return true;
  }
  return false;
}

bool Connection::HasBlocking() {
  TakeSideWrites();
  for (std::size_t i = 0; i < pairing_.runs(); ++i) {
    if (MayBlock(pairing_.run(i))) return true;
  }
  return false;
}

// Half of a reply of the target's may be here already; the other half goes the way of the rest.
void Connection::LetGoOfReply(const resp::ReplyTarget& target) {
  if (replying_ != &target) return;
  replying_->AbortReply();
  Redirect();
}

// Takes those runs that were not handed to a socket, and that `drop` says true of, out of the
// middle of the others.
template <typename Drop>
void Connection::DropUnsent(Drop drop) {
  ByteBuffer kept_bytes;
  Ring<resp::Run> kept_runs;
  std::size_t at = 0;
  while (!out_runs_.empty()) {
    const resp::Run run = out_runs_.pop_front();
    const std::string_view bytes = out_.view().substr(at, run.bytes);
    at += run.bytes;
    if (drop(run)) {
      out_commands_ -= run.count;
      continue;
    }
    kept_bytes.Append(bytes);
    kept_runs.push_back(run);
  }
  out_ = std::move(kept_bytes);
  out_runs_ = std::move(kept_runs);
}

}  // namespace sideloop::redis
