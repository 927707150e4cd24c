// Thread: loop. Renewals that went out in one command.
// Owns: the list of them. Ends: by itself, with the reply or the failure.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "lease/keeper.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class Keeper::Batch final : public redis::OneReply {
 public:
  Batch(Keeper& keeper, std::uint32_t group, std::vector<Due> renewals, std::uint64_t sent_at,
        std::uint64_t deadline)
      : group(group),
        renewals(std::move(renewals)),
        sent_at(sent_at),
        deadline(deadline),
        keeper_(&keeper) {}

  // Nobody wants to know any more.
  ON_LOOP void Orphan() { keeper_ = nullptr; }

  const std::uint32_t group;
  const std::vector<Due> renewals;
  const std::uint64_t sent_at;   // ns
  const std::uint64_t deadline;  // ns
  bool late = false;

 private:
  void OnReply(resp::Reply reply) override {
    if (keeper_ == nullptr) return;
    keeper_->loop_.AssertOnLoop();
    keeper_->OnAnswer(*this, reply);
  }
  void OnFailure(const Error&) override {
    if (keeper_ == nullptr) return;
    keeper_->loop_.AssertOnLoop();
    keeper_->OnFailure(*this);
  }

  Keeper* keeper_;
};

}  // namespace sideloop::lease
