#include "fs/whole_write.h"

#include <algorithm>

namespace sideloop::fs {

void WholeWrite::Work() {
  if (lacks_data_) return Fail(UV_ENOMEM, Syscall::kWrite);
  for (std::size_t in_job = 0; written_ < data_.size();) {
    if (cancelled() || in_job >= kBytesPerJob) return;
    const uv_buf_t slice = uv_buf_init(
        data_.data() + written_, static_cast<unsigned>(std::min(kSlice, data_.size() - written_)));
    const std::int64_t written = file().Write({&slice, 1}, -1);
    if (written <= 0) return Fail(written == 0 ? std::int64_t{UV_EIO} : written, Syscall::kWrite);
    written_ += static_cast<std::size_t>(written);
    in_job += static_cast<std::size_t>(written);
  }
  if (flush_) {
    if (const int error = file().Sync(); error < 0) return Fail(error, Syscall::kSync);
  }
  Complete();
}

void WholeWrite::TellLast(int close_error) {
  if (cancelled() || failed()) return;
  if (close_error < 0) {
    messenger().Add(Tell::kFailed, {close_error, static_cast<std::int64_t>(Syscall::kClose)});
  } else {
    messenger().Add(Tell::kDone);
  }
}

}  // namespace sideloop::fs
