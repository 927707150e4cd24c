// Thread: loop. An acquisition's command to the server: may it have the lease?
// Owns: nothing. It is owned by the connection that carries it.
// Ends: by itself, with the answer.
#pragma once

#include <cstdint>
#include <utility>

#include "base/lease_clock.h"
#include "lease/lease_service.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class Acquisition::Command final : public redis::OneReply {
 public:
  // Requires: before `acquisition` or `service` goes, Orphan.
  Command(LeaseService& service, Acquisition& acquisition)
      : asked_at_(LeaseClock::Now()), service_(service), acquisition_(&acquisition) {}

  void Orphan() { acquisition_ = nullptr; }

 private:
  void OnReply(resp::Reply reply) override {
    if (acquisition_ == nullptr) return;
    service_.loop_.AssertOnLoop();
    acquisition_->command = nullptr;
    service_.OnAnswer(*acquisition_, reply, asked_at_);
  }
  void OnFailure(const Error& error) override {
    if (acquisition_ == nullptr) return;
    service_.loop_.AssertOnLoop();
    acquisition_->command = nullptr;
    service_.OnNoAnswer(*acquisition_, error);
  }

  const std::uint64_t asked_at_;  // ns
  LeaseService& service_;
  Acquisition* acquisition_;
};

}  // namespace sideloop::lease
