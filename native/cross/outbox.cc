#include "cross/outbox.h"

#include <uv.h>

#include <cassert>
#include <utility>

namespace sideloop {

Outbox::Outbox(Bell& bell) : bell_(&bell), seen_at_(uv_hrtime()) {}

Outbox::Held Outbox::Commit(std::unique_ptr<Delivery>& delivery) {
  const std::uint32_t target = delivery->target;
  const Delivery::Purpose purpose = delivery->purpose;
  Held held;
  {
    MutexLock lock(mutex_);
    if (bell_ != nullptr) {
      if (purpose == Delivery::Purpose::kReplies) {
        if (held_.size() <= target) held_.resize(target + std::size_t{1});
        delivery->held = delivery->packed.capacity();
        for (const Chunk& chunk : delivery->chunks) delivery->held += chunk.capacity();
        held_[target] += delivery->held;
        held_in_all_ += delivery->held;
      }
      held = HeldBy(target);
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
  return held;
}

Outbox::Held Outbox::HeldBy(std::uint32_t target) const {
  return {target < held_.size() ? held_[target] : 0, held_in_all_};
}

bool Outbox::TellOfRoom(std::uint32_t target, const Held& limits,
                        std::weak_ptr<RoomListener> listener) {
  MutexLock lock(mutex_);
  std::erase_if(waiters_, [target](const Waiter& waiter) { return waiter.target == target; });
  const Held held = HeldBy(target);
  if (bell_ == nullptr) return false;
  if (held.by_target <= limits.by_target && held.total <= limits.total) return false;
  waiters_.push_back({target, limits, std::move(listener)});
  return true;
}

std::vector<std::shared_ptr<RoomListener>> Outbox::TakeThoseWithRoom() {
  std::vector<std::shared_ptr<RoomListener>> told;
  std::vector<Waiter> left;
  for (Waiter& waiter : waiters_) {
    const Held held = HeldBy(waiter.target);
    if (held.by_target > waiter.limits.by_target || held.total > waiter.limits.total) {
      left.push_back(std::move(waiter));
    } else if (auto listener = waiter.listener.lock()) {
      told.push_back(std::move(listener));
    }
  }
  waiters_ = std::move(left);
  return told;
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
  const bool is_small = delivery->packed.capacity() <= kMostSpareBytes &&
                        delivery->bytes.capacity() <= kMostSpareBytes &&
                        delivery->tokens.capacity() * sizeof(Delivery::Token) <= kMostSpareBytes;
  std::vector<std::shared_ptr<RoomListener>> told;
  {
    MutexLock lock(mutex_);
    if (bell_ == nullptr) return;
    if (delivery->held > 0) {
      assert(delivery->target < held_.size() && held_[delivery->target] >= delivery->held);
      held_[delivery->target] -= delivery->held;
      held_in_all_ -= delivery->held;
      if (!waiters_.empty()) told = TakeThoseWithRoom();
    }
    if (is_small && spare_.size() < kMostSpare) spare_.push_back(std::move(delivery));
  }
  for (const auto& listener : told) listener->PostRoom();
}

void Outbox::Close() {
  std::vector<std::unique_ptr<Delivery>> dropped;
  std::vector<Waiter> waiters;
  {
    MutexLock lock(mutex_);
    bell_ = nullptr;
    dropped.swap(waiting_);
    waiters.swap(waiters_);
    spare_.clear();
  }
  // What they bring is dropped from now on: they need not hold it back, and their loop, which may
  // have been asked to stop, waits for the end of it.
  for (const Waiter& waiter : waiters) {
    if (const auto listener = waiter.listener.lock()) listener->PostRoom();
  }
}

}  // namespace sideloop
