// Thread: loop; its work on a thread of libuv's pool.
// Owns: the bytes that are accepted and not yet written.
// Ends: with Tell::kClosed, after Ask::kFinish, an error or Close().
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/chunk.h"
#include "fs/operation.h"

namespace sideloop::fs {

// A file that is written piece after piece. What comes while a job is under way is written by the
// next one, in as few system calls as possible.
class FileWriter final : public Operation {
 public:
  FileWriter(std::shared_ptr<FileTable> table, Request& request)
      : Operation(std::move(table), request), position_(request.start) {}

  ON_LOOP void Handle(Request& request) override;

 private:
  // In one system call, between two looks at whether it was cancelled.
  static constexpr std::size_t kBuffersPerCall = 64;
  // Sizes and results are ints, here or there. No more goes into one system call either.
  static constexpr std::size_t kMostPerBuffer = 1 << 30;

  ON_POOL void OnOpened() override;
  ON_POOL void Work() override;
  ON_POOL bool WriteAll();
  static std::span<const uv_buf_t> NextCall(std::span<const uv_buf_t> buffers);
  static std::vector<uv_buf_t>::iterator Skip(std::vector<uv_buf_t>::iterator next,
                                              std::size_t written);
  ON_POOL void Finish();
  ANY_THREAD void TellLast(int close_error) override;
  ON_LOOP bool Prepare() override;

  std::int64_t position_;
  // What the job writes, and whether nothing follows.
  std::vector<Chunk> writing_;
  bool finishing_ = false;
  bool flush_ = false;
  bool lacks_data_ = false;
  bool finished_ = false;
  // What the next one does.
  LOOP_ONLY std::vector<Chunk> waiting_;
  LOOP_ONLY bool finish_asked_ = false;
  LOOP_ONLY bool flush_asked_ = false;
  LOOP_ONLY bool lack_noticed_ = false;
};

}  // namespace sideloop::fs
