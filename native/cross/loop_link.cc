#include "cross/loop_link.h"

#include <utility>

namespace sideloop {

LoopLink::LoopLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                   std::uint32_t target)
    : loop_(std::move(loop)), writer_(std::move(outbox), target) {}

bool LoopLink::PostTask(std::int64_t task, Lane lane) {
  return loop_->Post(
      [self = shared_from_this(), task] {
        self->loop_->loop().AssertOnLoop();
        self->RunTask(task);
        // The flush comes after this job; the link must be there for it.
        self->loop_->loop().ReleaseLater(self);
      },
      lane);
}

void LoopLink::RunTask(std::int64_t task) {
  writer_.BeginReply(0).OnInteger(task);
  if (writer_.EndReply()) loop_->loop().FlushLater(courier_);
}

bool LoopLink::PostStop(std::uint64_t deadline_ms) {
  return loop_->StopThen(deadline_ms, [self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->writer_.BeginReply(0).OnInteger(kEnded);
    if (self->writer_.EndReply()) self->writer_.FlushReplies();
  });
}

}  // namespace sideloop
