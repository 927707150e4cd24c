// Thread: loop. All that one JS environment has under way on files of one loop.
// Owns: the operations, until they are over, and while it is registered with the loop a share of
// itself.
// Ends: with the loop, or with the environment (Detach); it goes when its last operation is over.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/annotations.h"
#include "cross/message_writer.h"
#include "cross/outbox.h"
#include "fs/request.h"
#include "loop/loop.h"
#include "loop/resource.h"
#include "loop/timer.h"

namespace sideloop::fs {

class Operation;

class FileTable final : public Resource, public std::enable_shared_from_this<FileTable> {
 public:
  FileTable(Loop& loop, std::shared_ptr<Outbox> outbox, std::uint32_t target);
  ~FileTable() override;

  // Carries out what JS asks for, in order.
  ON_LOOP void Handle(std::vector<Request>& requests);

  // The environment has ended: closes all that is open, and begins nothing any more.
  ON_LOOP void Detach();

  // The operation is over: its file is closed, its last word committed.
  ON_LOOP void Remove(std::int64_t id);

  // Resource.
  ON_LOOP bool Busy() override;
  ON_LOOP void CloseBecause(const Error& why) override;

  Loop& loop() { return loop_; }
  const std::shared_ptr<Outbox>& outbox() const { return outbox_; }
  std::uint32_t target() const { return target_; }

 private:
  static constexpr std::uint64_t kIdleMs = 1000;

  ON_LOOP bool Register();
  ON_LOOP void Begin(Request& request);
  ON_LOOP void CloseAll();

  Loop& loop_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  LOOP_ONLY std::unordered_map<std::int64_t, std::shared_ptr<Operation>> operations_;
  LOOP_ONLY std::shared_ptr<FileTable> self_;  // while it is registered
  // Gives spare memory back when nothing has been under way for kIdleMs.
  LOOP_ONLY std::unique_ptr<Timer> idle_timer_;
  LOOP_ONLY bool ended_ = false;
};

}  // namespace sideloop::fs
