#include "fs/file.h"

#include <utility>

namespace sideloop::fs {

namespace {

// libuv's file system calls without a callback run where they are called, and need no loop.
class Call {
 public:
  ~Call() { uv_fs_req_cleanup(&request_); }
  uv_fs_t* operator&() { return &request_; }
  const uv_fs_t* operator->() const { return &request_; }

 private:
  uv_fs_t request_{};
};

constexpr std::uint64_t kTypeMask = 0170000;
constexpr std::uint64_t kRegular = 0100000;

// What one read may ask for: libuv's results are ints.
constexpr std::size_t kMostAtOnce = 1 << 30;

}  // namespace

int File::Open(const std::string& path, int flags, int mode) {
  Call call;
  const int result = uv_fs_open(nullptr, &call, path.c_str(), flags, mode, nullptr);
  if (result < 0) return result;
  descriptor_ = result;
  return 0;
}

int File::Stat(Info& info) {
  Call call;
  const int result = uv_fs_fstat(nullptr, &call, descriptor_, nullptr);
  if (result < 0) return result;
  info.size = call->statbuf.st_size;
  info.is_regular = (call->statbuf.st_mode & kTypeMask) == kRegular;
  return 0;
}

std::int64_t File::Read(char* data, std::size_t size, std::int64_t position) {
  Call call;
  const uv_buf_t buffer =
      uv_buf_init(data, static_cast<unsigned>(size < kMostAtOnce ? size : kMostAtOnce));
  return uv_fs_read(nullptr, &call, descriptor_, &buffer, 1, position, nullptr);
}

std::int64_t File::Write(std::span<const uv_buf_t> buffers, std::int64_t position) {
  Call call;
  return uv_fs_write(nullptr, &call, descriptor_, buffers.data(),
                     static_cast<unsigned>(buffers.size()), position, nullptr);
}

int File::Sync() {
  Call call;
  return uv_fs_fsync(nullptr, &call, descriptor_, nullptr);
}

int File::Close() {
  Call call;
  return uv_fs_close(nullptr, &call, std::exchange(descriptor_, -1), nullptr);
}

}  // namespace sideloop::fs
