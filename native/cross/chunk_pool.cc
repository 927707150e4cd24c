#include "cross/chunk_pool.h"

namespace sideloop {

ChunkPool& ChunkPool::Shared() {
  static ChunkPool& shared = *new ChunkPool();
  return shared;
}

Chunk ChunkPool::Take(std::size_t capacity) {
  if (capacity != kChunkSize) return Chunk(capacity);
  {
    MutexLock lock(mutex_);
    keeps_ = true;
    if (!spare_.empty()) {
      Chunk chunk(spare_.back());
      spare_.pop_back();
      return chunk;
    }
  }
  return Chunk(Chunk::Block::Allocate(capacity, &GiveBack));
}

void ChunkPool::GiveBack(Chunk::Block* block) {
  ChunkPool& pool = Shared();
  {
    MutexLock lock(pool.mutex_);
    if (pool.keeps_ && pool.spare_.size() < kMostSpare) {
      pool.spare_.push_back(block);
      return;
    }
  }
  Chunk::Block::Deallocate(block);
}

void ChunkPool::Trim() {
  std::vector<Chunk::Block*> freed;
  {
    MutexLock lock(mutex_);
    keeps_ = false;
    freed.swap(spare_);
  }
  for (Chunk::Block* block : freed) Chunk::Block::Deallocate(block);
}

std::size_t ChunkPool::spare() {
  MutexLock lock(mutex_);
  return spare_.size();
}

}  // namespace sideloop
