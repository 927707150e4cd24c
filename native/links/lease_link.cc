#include "links/lease_link.h"

#include <random>
#include <string>
#include <utility>

namespace sideloop {

namespace {

// 128 random bits, in hexadecimal: what nobody else has, in this process or another.
std::string NewName() {
  std::random_device random;
  std::string name;
  for (int i = 0; i < 4; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    for (int shift = 28; shift >= 0; shift -= 4) name += "0123456789abcdef"[bits >> shift & 15];
  }
  return name;
}

}  // namespace

LeaseLink::LeaseLink(std::shared_ptr<EventLoop> loop, redis::Options options,
                     std::shared_ptr<Outbox> outbox, std::uint32_t target)
    : loop_(std::move(loop)),
      outbox_(std::move(outbox)),
      target_(target),
      options_(std::move(options)) {}

bool LeaseLink::PostAcquire(lease::AcquireRequest request, std::shared_ptr<lease::LeaseCell> cell) {
  return loop_->Post(
      [self = shared_from_this(), request = std::move(request), cell = std::move(cell)]() mutable {
        self->loop_->loop().AssertOnLoop();
        self->Made().Acquire(std::move(request), std::move(cell));
        if (self->service_->is_open()) self->self_ = self;
      });
}

void LeaseLink::PostCancel(std::int64_t id) {
  Post([self = shared_from_this(), id] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Cancel(id);
  });
}

void LeaseLink::PostRelease(std::int64_t id) {
  Post([self = shared_from_this(), id] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Release(id);
  });
}

void LeaseLink::PostExtend(std::int64_t id, std::uint64_t ms) {
  Post([self = shared_from_this(), id, ms] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Extend(id, ms);
  });
}

void LeaseLink::PostClose() {
  Post([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Close();
  });
}

void LeaseLink::Post(Job job) {
  const bool accepted = loop_->PostControl(std::move(job));
  (void)accepted;  // else the loop's own end ends the leases
}

lease::LeaseService& LeaseLink::Made() {
  if (service_ == nullptr) {
    service_ = std::make_unique<lease::LeaseService>(
        loop_->loop(), options_, NewName(), outbox_, target_, stats_, [this] {
          loop_->loop().AssertOnLoop();
          // The service is on the stack: it may go when
          // nothing is.
          if (self_ != nullptr) loop_->loop().ReleaseLater(std::move(self_));
        });
  }
  return *service_;
}

}  // namespace sideloop
