// Thread: loop; its work on a thread of libuv's pool.
// Owns: the bytes read so far.
// Ends: with Tell::kDone and the bytes, or with an error; silently where it was cancelled.
#pragma once

#include <cstddef>
#include <memory>

#include "base/chunk.h"
#include "fs/operation.h"

namespace sideloop::fs {

// A whole file into one chunk: opened, read and closed in one job where it is of moderate size.
class WholeRead final : public Operation {
 public:
  WholeRead(std::shared_ptr<FileTable> table, Request& request)
      : Operation(std::move(table), request) {}

  // The largest Buffer that Node's own readFile makes.
  static constexpr std::size_t kMostBytes = 0x7fffffff;

 private:
  // Between two looks at whether it was cancelled.
  static constexpr std::size_t kSlice = 1 << 20;
  // After so much in one job other files get their turn at the pool's thread.
  static constexpr std::size_t kBytesPerJob = 64 << 20;
  // For a file that does not say its size, as those of /proc.
  static constexpr std::size_t kFirstRoom = 64 << 10;

  ON_POOL void OnOpened() override;
  ON_POOL void Work() override;
  ON_POOL bool HasMore();
  ON_POOL void FailTooLarge(std::uint64_t size);
  ANY_THREAD void TellLast(int close_error) override;
  ON_LOOP bool Prepare() override { return true; }

  Chunk chunk_;
  bool too_large_ = false;
};

}  // namespace sideloop::fs
