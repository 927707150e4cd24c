// Thread: loop. Renewals that went out in one command.
// Owns: the list of them.
// Ends: by itself, with the reply or the failure.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "lease/lease_renewer.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class LeaseRenewer::Command final : public redis::OneReply {
 public:
  Command(LeaseRenewer& renewer, std::uint32_t group, std::vector<Due> renewals,
          std::uint64_t sent_at, std::uint64_t deadline)
      : group(group),
        renewals(std::move(renewals)),
        sent_at(sent_at),
        deadline(deadline),
        renewer_(&renewer) {}

  // Nobody wants to know any more.
  ON_LOOP void Orphan() { renewer_ = nullptr; }

  const std::uint32_t group;
  const std::vector<Due> renewals;
  const std::uint64_t sent_at;   // ns
  const std::uint64_t deadline;  // ns
  bool late = false;

 private:
  void OnReply(resp::Reply reply) override {
    if (renewer_ == nullptr) return;
    renewer_->loop_.AssertOnLoop();
    renewer_->OnAnswer(*this, reply);
  }
  void OnFailure(const Error&) override {
    if (renewer_ == nullptr) return;
    renewer_->loop_.AssertOnLoop();
    renewer_->OnFailure(*this);
  }

  LeaseRenewer* renewer_;
};

}  // namespace sideloop::lease
