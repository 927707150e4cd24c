// Thread: any. Memory of chunks that the garbage collector has let go of, for the next ones.
// Owns: at most kMostSpare blocks. One for the process, and never destroyed: a collector may give a
// block back at the very end.
// Ends: with the process; Trim() gives the memory back while nobody reads.
#pragma once

#include <cstddef>
#include <vector>

#include "base/annotations.h"
#include "base/chunk.h"
#include "cross/mutex.h"

namespace sideloop {

// Fresh memory costs a page fault for each 4 KiB, which takes several times as long as the copying
// of what is read into it. V8 frees chunks in bursts, of 32 MiB where nothing else collects
// sooner, and the next burst's worth of reading takes them again.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkSize = 64 << 10;
  static constexpr std::size_t kMostSpare = (32 << 20) / kChunkSize;

  static ChunkPool& Shared();

  ChunkPool() = default;
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // A chunk of `capacity`: from here where it is kChunkSize. Empty where there is no memory.
  ANY_THREAD Chunk Take(std::size_t capacity);
  // A chunk with room for `size` bytes: from here where they take up a good part of kChunkSize.
  ANY_THREAD Chunk TakeFor(std::size_t size) {
    const bool fits = size <= kChunkSize && size >= kChunkSize / 4;
    return Take(fits ? kChunkSize : size);
  }

  // Frees what is spare. What comes back from now on is freed too, until the next Take.
  ANY_THREAD void Trim();

  ANY_THREAD std::size_t spare();

 private:
  ANY_THREAD static void GiveBack(Chunk::Block* block);

  Mutex mutex_;
  std::vector<Chunk::Block*> spare_ GUARDED_BY(mutex_);
  bool keeps_ GUARDED_BY(mutex_) = false;
};

}  // namespace sideloop
