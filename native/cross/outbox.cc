#include "cross/outbox.h"

#include <uv.h>

#include <utility>

namespace sideloop {

Outbox::Outbox(Bell& bell) : bell_(&bell), seen_at_(uv_hrtime()) {}

void Outbox::Commit(std::unique_ptr<Delivery>& delivery) {
  const std::uint32_t target = delivery->target;
  const Delivery::Purpose purpose = delivery->purpose;
  {
    MutexLock lock(mutex_);
    if (bell_ != nullptr) {
      waiting_.push_back(std::move(delivery));
      if (!spare_.empty()) {
        delivery = std::move(spare_.back());
        spare_.pop_back();
      }
      if (!std::exchange(armed_, true)) bell_->Ring();
    }
  }
  if (delivery == nullptr) delivery = std::make_unique<Delivery>();
  delivery->Clear();
  delivery->target = target;
  delivery->purpose = purpose;
}

void Outbox::AskForLife() {
  MutexLock lock(mutex_);
  if (bell_ != nullptr && !std::exchange(armed_, true)) bell_->Ring();
}

std::uint64_t Outbox::LastSeen() {
  MutexLock lock(mutex_);
  return seen_at_;
}

void Outbox::ShowLife() {
  MutexLock lock(mutex_);
  seen_at_ = uv_hrtime();
}

std::vector<std::unique_ptr<Delivery>> Outbox::Take() {
  MutexLock lock(mutex_);
  armed_ = false;
  return std::exchange(waiting_, {});
}

void Outbox::Recycle(std::unique_ptr<Delivery> delivery) {
  if (delivery->packed.capacity() > kMostSpareBytes ||
      delivery->bytes.capacity() > kMostSpareBytes ||
      delivery->tokens.capacity() * sizeof(Delivery::Token) > kMostSpareBytes) {
    return;
  }
  MutexLock lock(mutex_);
  if (bell_ != nullptr && spare_.size() < kMostSpare) spare_.push_back(std::move(delivery));
}

void Outbox::Close() {
  std::vector<std::unique_ptr<Delivery>> dropped;
  MutexLock lock(mutex_);
  bell_ = nullptr;
  dropped.swap(waiting_);
  spare_.clear();
}

}  // namespace sideloop
