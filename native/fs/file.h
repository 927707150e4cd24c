// Thread: pool, one at a time: every call may block for as long as the disk likes.
// Owns: the descriptor.
// Ends: Close(). Requires: that, before the destructor, which may run on the loop thread.
#pragma once

#include <uv.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/annotations.h"

namespace sideloop::fs {

// Results are 0 or more, or one of libuv's negative error codes. Descriptors are close-on-exec.
class File {
 public:
  struct Info {
    std::uint64_t size = 0;
    // Of a known size, and never waiting for another process as a pipe or a terminal does.
    bool is_regular = false;
  };

  File() = default;
  ~File() { assert(!is_open()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  ON_POOL int Open(const std::string& path, int flags, int mode);
  ON_POOL int Stat(Info& info);
  // `position` -1: where the last one ended. Fewer bytes than asked for are no error; 0 is the end.
  ON_POOL std::int64_t Read(char* data, std::size_t size, std::int64_t position);
  ON_POOL std::int64_t Write(std::span<const uv_buf_t> buffers, std::int64_t position);
  ON_POOL int Sync();
  // The descriptor is gone whatever this returns.
  ON_POOL int Close();

  bool is_open() const { return descriptor_ >= 0; }
  uv_file descriptor() const { return descriptor_; }

 private:
  uv_file descriptor_ = -1;
};

}  // namespace sideloop::fs
