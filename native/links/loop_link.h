// Thread: crosses. An event loop as one JS environment holds it, its own or another's: a posted
// task is a number that goes through the loop and comes back.
// Owns: a share of the loop, and the writer of what comes back.
// Ends: with its last owner, the JS object or a job.
#pragma once

#include <cstdint>
#include <memory>

#include "base/lane.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "cross/reply_writer.h"

namespace sideloop {

class LoopLink final : public std::enable_shared_from_this<LoopLink>, private EndWatcher {
 public:
  LoopLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);

  // Has the event `ended` come back when the loop has ended, whoever ended it: once, and behind all
  // tasks. False where it has ended already. Call once, before anything else.
  [[nodiscard]] ANY_THREAD bool WatchEnd();

  // Sends `task` through the loop, by its lane. False where the loop takes no more.
  [[nodiscard]] ANY_THREAD bool PostTask(std::int64_t task, Lane lane);

  const std::shared_ptr<EventLoop>& loop() const { return loop_; }

 private:
  // Passes on what one pass of the loop ran.
  class Courier final : public Resource {
   public:
    explicit Courier(LoopLink& link) : link_(link) {}
    ON_LOOP bool Busy() override { return false; }
    ON_LOOP void CloseBecause(const Error&) override { Flush(); }
    ON_LOOP void Flush() override { link_.writer_.FlushReplies(); }

   private:
    LoopLink& link_;
  };

  // EndWatcher.
  ON_LOOP void OnLoopEnded() override;

  ON_LOOP void RunTask(std::int64_t task);

  const std::shared_ptr<EventLoop> loop_;
  ReplyWriter writer_;
  LOOP_ONLY Courier courier_{*this};
};

}  // namespace sideloop
