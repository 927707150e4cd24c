// Thread: loop. All sockets and listeners that one JS environment has on one loop, by their ids.
// Owns: all of them, the memory that they read into, the reports of this pass.
// Ends: CloseBecause, with its loop, or Abandon, with its environment. Both close everything.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/chunk.h"
#include "loop/loop.h"
#include "net/listener.h"
#include "net/reports.h"
#include "net/socket.h"
#include "net/stream.h"
#include "net/wire.h"

namespace sideloop::net {

class SocketTable final : public Resource {
 public:
  // Bytes read at a time.
  static constexpr std::size_t kReadSize = 64 << 10;

  // `ended` runs when everything is closed; it may drop the table when no callback is on the stack.
  ON_LOOP SocketTable(Loop& loop, MessageWriter writer, Job ended);
  ON_LOOP ~SocketTable();

  // Does what JS says, in order.
  ON_LOOP void Run(const CommandBatch& batch);
  // The environment is gone: closes all, and tells nobody.
  ON_LOOP void Abandon();

  // Resource.
  ON_LOOP bool Busy() override;
  ON_LOOP void CloseBecause(const Error& why) override;
  ON_LOOP void Flush() override { reports_.Commit(); }

  // For sockets and listeners.
  Loop& loop() { return loop_; }
  // To add what JS is to hear when this pass is over.
  ON_LOOP Reports& Reporting();
  ON_LOOP uv_buf_t ReadRoom();
  ON_LOOP Chunk& scratch() { return scratch_; }
  ON_LOOP void Adopt(Id listener, std::unique_ptr<Stream> stream, std::shared_ptr<int> open,
                     bool paused);

 private:
  struct Slot {
    std::unique_ptr<Socket> socket;
    std::unique_ptr<Listener> listener;
  };
  class CommandReader;

  ON_LOOP void RunOne(CommandReader& reader);
  ON_LOOP void Connect(Id id, CommandReader& reader);
  ON_LOOP void Listen(Id id, CommandReader& reader);
  ON_LOOP void Close(Id id, bool with_reset);
  ON_LOOP Slot& SlotOf(Id id);
  ON_LOOP Id NewId();

  Loop& loop_;
  LOOP_ONLY Reports reports_;
  LOOP_ONLY Chunk scratch_;
  LOOP_ONLY std::vector<Slot> slots_;  // by id
  LOOP_ONLY std::vector<Id> free_ids_;
  LOOP_ONLY Id next_id_ = 1;
  LOOP_ONLY bool open_ = false;
  Job ended_;
};

}  // namespace sideloop::net
