#include "base/growing_chunk.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <new>

namespace sideloop {

namespace {

#ifdef __linux__

std::size_t SizeOf(std::size_t capacity) { return sizeof(Chunk::Block) + capacity; }

void FreeBlock(Chunk::Block* block) { munmap(block, SizeOf(block->capacity)); }

// Not from the heap: it would copy what it can't grow in place, and it keeps large blocks in one
// piece only beyond a size that it chooses itself.
Chunk::Block* Resized(Chunk::Block* block, std::size_t capacity) {
  void* memory = block == nullptr
                     ? mmap(nullptr, SizeOf(capacity), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                     : mremap(block, SizeOf(block->capacity), SizeOf(capacity), MREMAP_MAYMOVE);
  return memory == MAP_FAILED ? nullptr : new (memory) Chunk::Block{&FreeBlock, capacity};
}

#else

// What a heap can't grow in place it copies.
Chunk::Block* Resized(Chunk::Block* block, std::size_t capacity) {
  void* memory = std::realloc(block, sizeof(Chunk::Block) + capacity);
  return memory == nullptr ? nullptr
                           : new (memory) Chunk::Block{&Chunk::Block::Deallocate, capacity};
}

#endif

}  // namespace

bool GrowingChunk::Grow() {
  const std::size_t larger = std::min(length_, std::max(kFirstRoom, 2 * capacity()));
  Chunk::Block* block = Resized(block_.get(), larger);
  if (block == nullptr) return false;
  (void)block_.release();
  block_.reset(block);
  return true;
}

}  // namespace sideloop
