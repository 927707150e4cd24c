#include "links/timers_link.h"

#include <cassert>
#include <string_view>
#include <utility>

#include "base/nanoseconds.h"

namespace sideloop {

TimersLink::TimersLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                       std::uint32_t target)
    : loop_(std::move(loop)), writer_(std::move(outbox), target) {}

// Invariant: the queue is closed before, as it holds a share of the link while it is open.
TimersLink::~TimersLink() { assert(queue_ == nullptr); }

bool TimersLink::PostOrders(std::span<const timers::Order> orders, bool more) {
  {
    MutexLock lock(mutex_);
    orders_.insert(orders_.end(), orders.begin(), orders.end());
    if (more || std::exchange(job_posted_, true)) return true;
  }
  return loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->ExecuteOrders();
  });
}

void TimersLink::RecordLateness(std::span<const double> ms) {
  for (const double late : ms) {
    stats_.js_lateness.Record(FractionToNs(late));
  }
}

void TimersLink::PostDetach() {
  const bool accepted = loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Close();
  });
  // Where it is refused, the loop has ended or is about to, and closes the queue itself.
  (void)accepted;
}

void TimersLink::ExecuteOrders() {
  // A burst's memory is not kept for ever.
  constexpr std::size_t kMostKept = 4096;
  executing_.clear();
  if (executing_.capacity() > kMostKept) std::vector<timers::Order>().swap(executing_);
  {
    MutexLock lock(mutex_);
    executing_.swap(orders_);
    job_posted_ = false;
  }
  if (state_ == State::kIdle) {
    Resource& resource = *this;
    if (!loop_->loop().TryAdd(resource)) return CloseBecause(loop_->loop().close_reason());
    state_ = State::kOpen;
    self_ = shared_from_this();
    QueueListener& listener = *this;
    queue_ = std::make_unique<timers::TimerQueue>(loop_->loop(), listener, stats_);
  }
  if (state_ == State::kOpen) queue_->Execute(executing_);
}

void TimersLink::Flush() {
  if (queue_ == nullptr) return;
  const std::span<const std::int32_t> fired = queue_->TakeFired();
  if (fired.empty()) return;
  writer_.delivery().AddWords(fired);
  writer_.Commit();
}

void TimersLink::CloseBecause(const Error& why) {
  // What had fired by then is told first.
  Flush();
  Close();
  writer_.delivery().AddArray(2);
  writer_.delivery().AddText(Delivery::Kind::kAscii, NameOf(why.code));
  writer_.delivery().AddText(Delivery::Kind::kUtf8, why.message);
  writer_.Commit();
}

void TimersLink::Close() {
  if (std::exchange(state_, State::kClosed) != State::kOpen) return;
  loop_->loop().Remove(*this);
  queue_.reset();
  stats_.pending = 0;
  if (self_ != nullptr) loop_->loop().ReleaseLater(std::move(self_));
}

}  // namespace sideloop
