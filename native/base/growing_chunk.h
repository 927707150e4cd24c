// Thread: any one at a time. Memory for bytes of which the number is known before they arrive.
// Owns: what has arrived, and room for as much again.
// Ends: Take() gives the memory away; else it is freed with this.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <memory>
#include <span>

#include "base/chunk.h"

namespace sideloop {

// A length that is announced costs nothing until its bytes arrive: there is never room for more
// than twice of what has arrived, or for kFirstRoom. Where the system can move pages, growing
// copies nothing and touches no page: a page that is touched for the first time is cleared by the
// kernel, which takes longer than the copying of what is read into it.
class GrowingChunk {
 public:
  static constexpr std::size_t kFirstRoom = 1 << 20;

  GrowingChunk() = default;
  explicit GrowingChunk(std::size_t length) : length_(length) {}
  GrowingChunk(GrowingChunk&&) = default;
  GrowingChunk& operator=(GrowingChunk&&) = default;

  // Bytes that have not arrived.
  std::size_t missing() const { return length_ - size_; }

  // Room for the next bytes: at least one and at most `most`. Empty where nothing is missing, or
  // where there is no memory.
  std::span<char> Room(std::size_t most) {
    const std::size_t wanted = std::min(most, missing());
    if (wanted == 0 || (size_ == capacity() && !Grow())) return {};
    return {block_->data() + size_, std::min(wanted, capacity() - size_)};
  }
  // Takes over what was written into that. Requires: it is no more than there was room for.
  void Commit(std::size_t bytes) {
    assert(size_ + bytes <= capacity());
    size_ += bytes;
  }

  // Requires: nothing is missing.
  Chunk Take() {
    assert(missing() == 0);
    Chunk chunk(block_.release());
    chunk.set_size(size_);
    *this = GrowingChunk();
    return chunk;
  }

 private:
  struct Freer {
    void operator()(Chunk::Block* block) const { block->free(block); }
  };

  std::size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  bool Grow();

  std::unique_ptr<Chunk::Block, Freer> block_;
  std::size_t length_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sideloop
