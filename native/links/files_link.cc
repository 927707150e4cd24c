#include "links/files_link.h"

#include <utility>

namespace sideloop {

FilesLink::FilesLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                     std::uint32_t target)
    : loop_(std::move(loop)),
      table_(std::make_shared<fs::FileTable>(loop_->loop(), std::move(outbox), target)) {}

bool FilesLink::PostRequests(std::vector<fs::Request> requests, bool must) {
  Job job = [self = shared_from_this(), requests = std::move(requests)]() mutable {
    self->loop_->loop().AssertOnLoop();
    self->table_->Handle(requests);
  };
  return must ? loop_->PostControl(std::move(job)) : loop_->Post(std::move(job));
}

void FilesLink::PostDetach() {
  const bool accepted = loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->table_->Detach();
  });
  (void)accepted;  // Where it was not, the loop's end closes all.
}

}  // namespace sideloop
