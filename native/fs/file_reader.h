// Thread: loop; its work on a thread of libuv's pool.
// Owns: what it has read and not committed; a share of the window.
// Ends: with Tell::kClosed, after the end of the file, an error or Close().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/chunk.h"
#include "cross/read_window.h"
#include "fs/operation.h"

namespace sideloop::fs {

// A file in chunks. A job reads ahead of JS for as long as the window has room, and commits what it
// has on the way: a chunk costs no round trip.
class FileReader final : public Operation {
 public:
  FileReader(std::shared_ptr<FileTable> table, Request& request)
      : Operation(std::move(table), request),
        window_(std::move(request.window)),
        chunk_size_(request.chunk_size),
        position_(request.start),
        left_(request.length) {}

  ON_LOOP void Handle(Request& request) override;

 private:
  // Chunks in one commit. The first is committed alone, as somebody waits for it, and then twice as
  // many each time: to wake JS for each would cost as much as the reading. The window has room for
  // two such commits, so that one is read while the other is looked at.
  static constexpr std::size_t kMostChunksPerCommit = 16;
  // After so much in one job other files get their turn at the pool's thread.
  static constexpr std::size_t kBytesPerJob = 8 << 20;

  ON_POOL void OnOpened() override;
  ON_POOL void Work() override;
  ON_POOL bool ReadChunk(std::size_t size);
  // What the next chunk may hold; 0 at the end of the range.
  std::size_t NextSize() const;
  bool AtExpectedEnd() const;
  ON_POOL bool HasRoomFor(std::size_t size);
  ON_POOL void TellData();
  ON_POOL void TellEnd();
  ANY_THREAD void TellLast(int close_error) override;
  ON_LOOP bool Prepare() override;

  const std::shared_ptr<ReadWindow> window_;
  const std::size_t chunk_size_;
  std::int64_t position_;
  std::int64_t left_;
  std::uint64_t read_ = 0;
  std::vector<Chunk> chunks_;
  std::size_t commit_at_ = 1;
  // The last job ended to let others have their turn, not because it found no room.
  bool yielded_ = false;
  LOOP_ONLY bool resume_asked_ = false;
};

}  // namespace sideloop::fs
