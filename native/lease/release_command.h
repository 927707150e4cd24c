// Thread: loop. Tells the server that a name is done with: its lease, or its place in the queue.
// Owns: what it says. It is owned by the connection that carries it.
// Ends: by itself, with the answer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "lease/lease_service.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class LeaseService::ReleaseCommand final : public redis::OneReply {
 public:
  using Request = ReleaseRequest;

  ReleaseCommand(LeaseService& service, Request request)
      : request(std::move(request)), service_(&service) {}

  // Nobody wants to know any more.
  void Orphan() { service_ = nullptr; }

  const Request request;

 private:
  void OnReply(resp::Reply reply) override {
    if (service_ == nullptr) return;
    service_->loop_.AssertOnLoop();
    std::erase(service_->releases_, this);
    service_->OnReleaseReply(*this, reply);
  }
  void OnFailure(const Error& error) override {
    if (service_ == nullptr) return;
    service_->loop_.AssertOnLoop();
    std::erase(service_->releases_, this);
    service_->OnReleaseFailure(*this, error);
  }

  LeaseService* service_;
};

}  // namespace sideloop::lease
