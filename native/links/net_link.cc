#include "links/net_link.h"

#include <utility>

#include "cross/message_writer.h"

namespace sideloop {

NetLink::NetLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                 std::uint32_t target)
    : loop_(std::move(loop)), outbox_(std::move(outbox)), target_(target) {}

bool NetLink::PostBatch(std::unique_ptr<net::CommandBatch> batch, bool is_control) {
  Job job = [self = shared_from_this(), batch = std::move(batch)]() mutable {
    self->loop_->loop().AssertOnLoop();
    self->Opened().Run(*batch);
    self->Recycle(std::move(batch));
  };
  return is_control ? loop_->PostControl(std::move(job)) : loop_->Post(std::move(job));
}

std::unique_ptr<net::CommandBatch> NetLink::TakeSpare() {
  {
    MutexLock lock(mutex_);
    if (!spare_.empty()) {
      std::unique_ptr<net::CommandBatch> batch = std::move(spare_.back());
      spare_.pop_back();
      return batch;
    }
  }
  return std::make_unique<net::CommandBatch>();
}

void NetLink::Recycle(std::unique_ptr<net::CommandBatch> batch) {
  if (batch->bytes.capacity() > kMostSpareBytes) return;
  batch->words.clear();
  batch->bytes.set_size(0);
  MutexLock lock(mutex_);
  if (spare_.size() < kMostSpare) spare_.push_back(std::move(batch));
}

void NetLink::PostDetach() {
  // Where the loop takes no job any more, its own end closes the table.
  const bool accepted = loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    if (self->table_ != nullptr) self->table_->Abandon();
  });
  (void)accepted;
}

net::SocketTable& NetLink::Opened() {
  if (table_ == nullptr) {
    self_ = shared_from_this();
    table_ =
        std::make_unique<net::SocketTable>(loop_->loop(), MessageWriter(outbox_, target_), [this] {
          loop_->loop().AssertOnLoop();
          // The table is on the stack: it may go when nothing is.
          loop_->loop().ReleaseLater(std::move(self_));
        });
  }
  return *table_;
}

}  // namespace sideloop
