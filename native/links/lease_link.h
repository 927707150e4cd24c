// Thread: crosses. The leases of a Redis client, as its JS environment holds them: calls become
// jobs, what happens becomes messages.
// Owns: a share of the loop, and the service.
// Ends: with its last owner: the JS object, a job, or the service itself while it has anything
// open.
#pragma once

#include <cstdint>
#include <memory>

#include "base/annotations.h"
#include "base/job.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "lease/acquisition.h"
#include "lease/lease_service.h"
#include "lease/lease_stats.h"
#include "redis/options.h"

namespace sideloop {

class LeaseLink final : public Attachment, public std::enable_shared_from_this<LeaseLink> {
 public:
  // `target` is the number under which the environment knows the link.
  LeaseLink(std::shared_ptr<EventLoop> loop, redis::Options options, std::shared_ptr<Outbox> outbox,
            std::uint32_t target);

  // One message says what became of it, and one more, of a lease that was granted, that it is over
  // (lease/reports.h). False where the loop takes no job: then nothing happens.
  [[nodiscard]] ANY_THREAD bool PostAcquire(lease::AcquireRequest request,
                                            std::shared_ptr<lease::LeaseCell> cell);
  // Where the loop takes no job, its own end ends the leases.
  ANY_THREAD void PostCancel(std::int64_t id);
  ANY_THREAD void PostRelease(std::int64_t id);
  ANY_THREAD void PostExtend(std::int64_t id, std::uint64_t ms);
  // The client has ended.
  ANY_THREAD void PostClose();
  ANY_THREAD void PostDetach() override { PostClose(); }

  ANY_THREAD const lease::LeaseStats& stats() const { return stats_; }

 private:
  ANY_THREAD void Post(Job job);
  ON_LOOP lease::LeaseService& Made();

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  const redis::Options options_;
  lease::LeaseStats stats_;
  LOOP_ONLY std::unique_ptr<lease::LeaseService> service_;
  // Keeps the link alive while the service has handles open: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<LeaseLink> self_;
};

}  // namespace sideloop
