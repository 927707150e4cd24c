// Thread: loop. Tells the server that a name is done with: its lease, or its place in the queue.
// Owns: what it says. It is owned by the connection that carries it.
// Ends: by itself, with the answer.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "lease/service.h"
#include "redis/one_reply.h"

namespace sideloop::lease {

class Service::Goodbye final : public redis::OneReply {
 public:
  using Words = GoodbyeWords;

  Goodbye(Service& service, Words words) : words(std::move(words)), service_(&service) {}

  // Nobody wants to know any more.
  void Orphan() { service_ = nullptr; }

  const Words words;

 private:
  void OnReply(resp::Reply reply) override {
    if (service_ == nullptr) return;
    service_->loop_.AssertOnLoop();
    std::erase(service_->goodbyes_, this);
    service_->OnGoodbye(*this, reply);
  }
  void OnFailure(const Error& error) override {
    if (service_ == nullptr) return;
    service_->loop_.AssertOnLoop();
    std::erase(service_->goodbyes_, this);
    service_->OnNoGoodbye(*this, error);
  }

  Service* service_;
};

}  // namespace sideloop::lease
