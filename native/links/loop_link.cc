#include "links/loop_link.h"

#include <utility>

namespace sideloop {

LoopLink::LoopLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                   std::uint32_t target)
    : loop_(std::move(loop)), writer_(std::move(outbox), target) {}

bool LoopLink::WatchEnd() {
  const std::shared_ptr<EndWatcher> self(shared_from_this(), this);
  return loop_->WatchEnd(self);
}

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

void LoopLink::OnLoopEnded() { writer_.AddEvent("ended", {}); }

}  // namespace sideloop
