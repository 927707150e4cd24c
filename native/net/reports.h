// Thread: loop. Gathers what happened to all sockets in one pass of the loop into one message.
// Owns: the message being filled.
// Ends: with its table; what was not committed is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/chunk.h"
#include "cross/address.h"
#include "cross/message_writer.h"
#include "net/wire.h"

namespace sideloop::net {

class Reports {
 public:
  // A slab holds no more than this. A small piece of data that somebody keeps keeps its slab.
  static constexpr std::size_t kSlabSize = 16 << 10;
  // Data of this size get memory of their own,
  static constexpr std::size_t kLargeFrom = 4 << 10;
  // and of this size the memory that they were read into.
  static constexpr std::size_t kChunkFrom = 32 << 10;

  explicit Reports(MessageWriter writer) : writer_(std::move(writer)) {}

  ON_LOOP bool empty() const { return words_.empty(); }

  ON_LOOP void Add(Id id, Report report) { AddWord(HeadOf(id, static_cast<int>(report))); }
  ON_LOOP void Add(Id id, Report report, std::int32_t word);
  ON_LOOP void Add(Id id, Report report, std::int32_t word, std::int32_t other);
  // The first `size` bytes of what was read into `chunk`, which may be taken and is empty then.
  ON_LOOP void AddData(Id id, Chunk& chunk, std::size_t size);
  ON_LOOP void AddError(Id id, int error, Call call, const Address& address);
  ON_LOOP void AddAttempt(Id id, int error, const Address& address);
  ON_LOOP void AddLookup(Id id, const Address& address);
  ON_LOOP void AddConnected(Id id, const Address& local, const Address& peer);
  ON_LOOP void AddAccepted(Id listener, Id id, const Address& local, const Address& peer);
  ON_LOOP void AddDropped(Id listener, const Address& local, const Address& peer);
  ON_LOOP void AddListening(Id id, const Address& local);

  // Passes on what was added.
  ON_LOOP void Commit();

 private:
  ON_LOOP void AddWord(std::int32_t word) { words_.push_back(word); }
  ON_LOOP void AddEndpoint(const Address& address, const std::string& text);
  // Two endpoints behind the head and `before`.
  ON_LOOP void AddEndpoints(Id id, Report report, const Address& local, const Address& peer,
                            const Id* before);
  // Has room for `size` bytes in the slab. To be called before the head of what speaks of them.
  ON_LOOP void MakeRoom(std::size_t size);
  ON_LOOP void CloseSlab();

  MessageWriter writer_;
  LOOP_ONLY std::vector<std::int32_t> words_;
  LOOP_ONLY std::vector<Delivery::Token> items_;
  LOOP_ONLY bool slab_open_ = false;
  LOOP_ONLY std::size_t slab_begin_ = 0;  // in the delivery's bytes
};

}  // namespace sideloop::net
