// Thread: crosses. The sockets of one JS environment on one loop, as the environment holds them:
// what a turn of JS has to say becomes a job, what happens becomes messages.
// Owns: a share of the loop, and the hub.
// Ends: with its last owner: the JS object, a job, or the hub itself while it has anything open.
#pragma once

#include <cstdint>
#include <memory>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "net/hub.h"
#include "net/wire.h"

namespace sideloop {

class NetLink final : public Attachment, public std::enable_shared_from_this<NetLink> {
 public:
  NetLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);

  // Queues the batch. One that begins or ends something goes into a full mailbox too. False where
  // the loop takes none: then nothing of it happens.
  [[nodiscard]] ANY_THREAD bool PostBatch(std::unique_ptr<net::Batch> batch, bool is_control);

  ANY_THREAD void PostDetach() override;

 private:
  ON_LOOP net::Hub& Opened();

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  LOOP_ONLY std::unique_ptr<net::Hub> hub_;
  // Keeps the link alive while the hub is open: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<NetLink> self_;
};

}  // namespace sideloop
