#include "cross/mailbox.h"

#include <cassert>

namespace sideloop {

int Mailbox::Init(uv_loop_t* uv, uv_async_cb on_wake, void* data) {
  if (const int error = uv_async_init(uv, &waker_, on_wake); error != 0) return error;
  waker_.data = data;
  MutexLock lock(mutex_);
  waker_open_ = true;
  return 0;
}

Mailbox::Push Mailbox::TryPush(Job& job, Lane lane, bool beyond_capacity) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (!open_) {
      ++rejected_;
      return Push::kClosed;
    }
    if (size_ >= capacity_ && !beyond_capacity) {
      ++rejected_;
      return Push::kFull;
    }
    if (size_ == 0) oldest_accepted_at_ = Loop::Now();
    lanes_[static_cast<std::size_t>(lane)].PushBack(std::move(job), spare_);
    ++size_;
    ++accepted_;
    if (!armed_) wake = Arm();
  }
  if (wake) Wake();
  return Push::kAccepted;
}

bool Mailbox::Close(const StopRequest& request) {
  bool first = false;
  bool wake = false;
  {
    MutexLock lock(mutex_);
    first = open_;
    open_ = false;
    if (first || waker_open_) {
      // Of two that the loop has not seen the nearer one counts; of those it has seen it decides.
      if (!stop_ || request.deadline_ms < stop_->deadline_ms) stop_ = request;
      wake = Arm();
    }
  }
  if (wake) Wake();
  return first;
}

JobSource::Taken Mailbox::TakeInto(LaneQueue& queue) {
  MutexLock lock(mutex_);
  spare_.Absorb(queue.spare());
  Taken taken;
  taken.stop = std::exchange(stop_, std::nullopt);
  if (size_ == 0) {
    armed_ = false;
    return taken;
  }
  taken.any = true;
  taken.oldest_accepted_at = oldest_accepted_at_;
  for (std::size_t i = 0; i < kLanes; ++i) queue.Append(static_cast<Lane>(i), lanes_[i]);
  size_ = 0;
  return taken;
}

void Mailbox::CloseWaker() {
  {
    MutexLock lock(mutex_);
    assert(!open_);
    waker_open_ = false;
  }
  // Nobody begins to wake any more. Who has begun is a few instructions from done.
  for (std::uint32_t n; (n = wakers_.load(std::memory_order_acquire)) != 0;) wakers_.wait(n);
  uv_close(reinterpret_cast<uv_handle_t*>(&waker_), nullptr);
}

bool Mailbox::has_room() {
  MutexLock lock(mutex_);
  return open_ && size_ < capacity_;
}

std::size_t Mailbox::size() {
  MutexLock lock(mutex_);
  return size_;
}

std::uint64_t Mailbox::accepted() {
  MutexLock lock(mutex_);
  return accepted_;
}

std::uint64_t Mailbox::rejected() {
  MutexLock lock(mutex_);
  return rejected_;
}

bool Mailbox::Arm() {
  armed_ = true;
  if (!waker_open_) return false;
  wakers_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// Outside the mutex: the loop thread, once woken, would run into it and go back to sleep.
void Mailbox::Wake() {
  uv_async_send(&waker_);
  if (wakers_.fetch_sub(1, std::memory_order_release) == 1) wakers_.notify_one();
}

}  // namespace sideloop
