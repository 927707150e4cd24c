// Thread: loop; its work on a thread of libuv's pool.
// Owns: the bytes to be written.
// Ends: with Tell::kDone, or with an error; silently where it was cancelled.
#pragma once

#include <cstddef>
#include <memory>

#include "base/chunk.h"
#include "fs/operation.h"

namespace sideloop::fs {

// Bytes into a file that is opened, written and closed in one job where they are of moderate size.
class WholeWrite final : public Operation {
 public:
  WholeWrite(std::shared_ptr<FileTable> table, Request& request)
      : Operation(std::move(table), request),
        data_(std::move(request.data)),
        lacks_data_(request.lacks_data),
        flush_(request.flush) {}

 private:
  // Between two looks at whether it was cancelled.
  static constexpr std::size_t kSlice = 1 << 20;
  // After so much in one job other files get their turn at the pool's thread.
  static constexpr std::size_t kBytesPerJob = 64 << 20;

  ON_POOL void Work() override;
  ANY_THREAD void TellLast(int close_error) override;
  ON_LOOP bool Prepare() override { return true; }

  Chunk data_;
  const bool lacks_data_;
  const bool flush_;
  std::size_t written_ = 0;
};

}  // namespace sideloop::fs
