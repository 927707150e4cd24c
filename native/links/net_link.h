// Thread: crosses. The sockets of one JS environment on one loop, as the environment holds them:
// what a turn of JS has to say becomes a job, what happens becomes messages.
// Owns: a share of the loop, and the table.
// Ends: with its last owner: the JS object, a job, or the table itself while it has anything open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/mutex.h"
#include "cross/outbox.h"
#include "net/socket_table.h"
#include "net/wire.h"

namespace sideloop {

class NetLink final : public Attachment, public std::enable_shared_from_this<NetLink> {
 public:
  NetLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);

  // Queues the batch. One that begins or ends something goes into a full mailbox too. False where
  // the loop takes none: then nothing of it happens.
  [[nodiscard]] ANY_THREAD bool PostBatch(std::unique_ptr<net::CommandBatch> batch,
                                          bool is_control);

  // An empty batch, with the memory of one that has run. Memory that one thread allocates and
  // another frees for every batch goes back to the system and has to be had from it again.
  ANY_THREAD std::unique_ptr<net::CommandBatch> TakeSpare();

  ANY_THREAD void PostDetach() override;

 private:
  // Spare batches kept, and the most bytes one of them may hold on to.
  static constexpr std::size_t kMostSpare = 4;
  static constexpr std::size_t kMostSpareBytes = 256 << 10;

  ON_LOOP net::SocketTable& Opened();
  ON_LOOP void Recycle(std::unique_ptr<net::CommandBatch> batch);

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  Mutex mutex_;
  std::vector<std::unique_ptr<net::CommandBatch>> spare_ GUARDED_BY(mutex_);
  LOOP_ONLY std::unique_ptr<net::SocketTable> table_;
  // Keeps the link alive while the table is open: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<NetLink> self_;
};

}  // namespace sideloop
