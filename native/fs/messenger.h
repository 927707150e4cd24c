// Thread: any one at a time: the pool's while its operation's job runs, else the loop's.
// Owns: the delivery being filled, and a share of the outbox.
// Ends: with its operation; what was not committed is dropped.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "base/chunk.h"
#include "base/delivery.h"
#include "cross/outbox.h"

namespace sideloop::fs {

// What JS is told, as [id, tell, ...]. The numbers are those of lib/fs/protocol.ts.
enum class Tell : std::uint8_t {
  kData = 1,     // ...chunks
  kOpened = 2,   // descriptor, 1 where it is a regular file
  kEnd = 3,      // the end of the file was reached
  kFailed = 4,   // errno, Syscall
  kClosed = 5,   // the last word of a stream: the descriptor is closed, or there was none
  kWritten = 6,  // bytes
  kDone = 7,  // the last word of what is no stream, and of a stream's Ask::kFinish; maybe a chunk
  kTooLarge = 8,  // size
};

enum class Syscall : std::uint8_t { kOpen, kStat, kRead, kWrite, kSync, kClose };

// Tells JS about one operation. The pool's thread commits by itself, so that what it has read is on
// its way while it reads on. Words come in the order committed: an operation has one job at most,
// and the loop thread says nothing while that is queued.
class Messenger {
 public:
  Messenger(std::shared_ptr<Outbox> outbox, std::uint32_t target, std::int64_t id)
      : outbox_(std::move(outbox)), id_(id) {
    delivery_->target = target;
    delivery_->purpose = Delivery::Purpose::kMessages;
  }

  ANY_THREAD void Add(Tell tell, std::initializer_list<std::int64_t> numbers = {}) {
    Begin(tell, numbers.size());
    for (const std::int64_t number : numbers) delivery_->AddInteger(number);
  }
  ANY_THREAD void Add(Tell tell, Chunk chunk) {
    Begin(tell, 1);
    delivery_->AddChunk(std::move(chunk));
  }
  // Leaves `chunks` empty.
  ANY_THREAD void Add(Tell tell, std::vector<Chunk>& chunks) {
    Begin(tell, chunks.size());
    for (Chunk& chunk : chunks) delivery_->AddChunk(std::move(chunk));
    chunks.clear();
  }

  ANY_THREAD void Commit() {
    if (!delivery_->empty()) outbox_->Commit(delivery_);
  }

 private:
  void Begin(Tell tell, std::size_t values) {
    delivery_->AddArray(static_cast<std::int64_t>(2 + values));
    delivery_->AddInteger(id_);
    delivery_->AddInteger(static_cast<std::int64_t>(tell));
  }

  const std::shared_ptr<Outbox> outbox_;
  const std::int64_t id_;
  std::unique_ptr<Delivery> delivery_ = std::make_unique<Delivery>();
};

}  // namespace sideloop::fs
