// Thread: loop. A claim's question to the server: may it have the lease?
// Owns: nothing. It is owned by the connection that carries it.
// Ends: by itself, with the answer.
#pragma once

#include <cstdint>
#include <utility>

#include "base/lease_clock.h"
#include "lease/service.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class Claim::Question final : public redis::OneReply {
 public:
  // Requires: before `claim` or `service` goes, Orphan.
  Question(Service& service, Claim& claim)
      : asked_at_(LeaseClock::Now()), service_(service), claim_(&claim) {}

  void Orphan() { claim_ = nullptr; }

 private:
  void OnReply(resp::Reply reply) override {
    if (claim_ == nullptr) return;
    service_.loop_.AssertOnLoop();
    claim_->question = nullptr;
    service_.OnAnswer(*claim_, reply, asked_at_);
  }
  void OnFailure(const Error& error) override {
    if (claim_ == nullptr) return;
    service_.loop_.AssertOnLoop();
    claim_->question = nullptr;
    service_.OnNoAnswer(*claim_, error);
  }

  const std::uint64_t asked_at_;  // ns
  Service& service_;
  Claim* claim_;
};

}  // namespace sideloop::lease
