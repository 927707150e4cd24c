// Thread: crosses. The timers of one JS environment on one loop: what the JS thread wants set and
// cleared goes to the loop thread in batches, and what fired comes back in batches.
// Owns: a share of the loop, the orders under way, the queue, the writer of what comes back.
// Ends: with the environment (PostDetach) or the loop, which closes the queue; then with its last
// owner, the JS object or a job.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/message_writer.h"
#include "cross/mutex.h"
#include "timers/timer_queue.h"
#include "timers/timer_stats.h"

namespace sideloop {

// What arrives in JS as messages: an Int32Array for each report of TimerQueue::TakeFired, and, once
// and last, an array [code, message] when the loop ends.
class TimersLink final : public std::enable_shared_from_this<TimersLink>,
                         public Attachment,
                         private Resource,
                         private timers::QueueListener {
 public:
  TimersLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);
  ~TimersLink();

  // Has the loop thread execute `orders`, in order, once there are no `more` to come that belong
  // together with them. All that wait for it share one job, so they cannot fill the mailbox up and
  // are never refused while the loop lives. False where it has ended.
  [[nodiscard]] ANY_THREAD bool PostOrders(std::span<const timers::Order> orders, bool more);

  // Report `number` was read: ticks that come from now on are reported anew.
  ON_JS void Read(std::uint32_t number) { last_read_ = number; }

  // Callbacks ran so many ms after they were due.
  ON_JS void RecordLateness(std::span<const double> ms);

  ANY_THREAD void PostDetach() override;

  ANY_THREAD const timers::TimerStats& stats() const { return stats_; }

 private:
  ON_LOOP void ExecuteOrders();
  ON_LOOP void Close();

  // Resource: what is pending holds up no stop.
  ON_LOOP bool Busy() override { return false; }
  ON_LOOP void CloseBecause(const Error& why) override;
  ON_LOOP void Flush() override;

  // timers::QueueListener.
  ON_LOOP void OnFired() override { loop_->loop().FlushLater(*this); }
  ON_LOOP std::uint32_t LastRead() override { return last_read_; }

  enum class State : std::uint8_t { kIdle, kOpen, kClosed };

  const std::shared_ptr<EventLoop> loop_;
  timers::TimerStats stats_;
  MessageWriter writer_;
  Mutex mutex_;
  std::vector<timers::Order> orders_ GUARDED_BY(mutex_);
  bool job_posted_ GUARDED_BY(mutex_) = false;  // a job is under way that takes orders_
  // A report's number; the JS thread writes it. In the total order, so that the clock that it reads
  // next is no earlier than that of a tick which was merged because this was not seen yet.
  std::atomic<std::uint32_t> last_read_ = 0;
  LOOP_ONLY State state_ = State::kIdle;
  LOOP_ONLY std::vector<timers::Order> executing_;
  LOOP_ONLY std::unique_ptr<timers::TimerQueue> queue_;
  // Keeps the link alive while the loop may call it.
  LOOP_ONLY std::shared_ptr<TimersLink> self_;
};

}  // namespace sideloop
