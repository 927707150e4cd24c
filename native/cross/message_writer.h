// Thread: loop. Messages from something on the loop to its object in one JS environment.
// Owns: the delivery being filled, and a share of the outbox.
// Ends: with the link it is part of; what was not committed is dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/annotations.h"
#include "base/delivery.h"
#include "cross/outbox.h"

namespace sideloop {

// The values arrive in the order added, as arguments of the target's `messages` function, a bounded
// number in each call: a message that must not be divided is one value, an array or Words.
class MessageWriter {
 public:
  MessageWriter(std::shared_ptr<Outbox> outbox, std::uint32_t target) : outbox_(std::move(outbox)) {
    delivery_->target = target;
    delivery_->purpose = Delivery::Purpose::kMessages;
  }

  // What the next Commit passes on. Valid until then.
  ON_LOOP Delivery& delivery() { return *delivery_; }

  ON_LOOP void Commit() {
    if (!delivery_->empty()) outbox_->Commit(delivery_);
  }

 private:
  const std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<Delivery> delivery_ = std::make_unique<Delivery>();
};

}  // namespace sideloop
