#include "fs/whole_read.h"

#include <algorithm>
#include <utility>

namespace sideloop::fs {

void WholeRead::OnOpened() {
  const std::uint64_t size = info().is_regular ? info().size : 0;
  if (size > kMostBytes) return FailTooLarge(size);
  if (size == 0) return;
  // One byte more: the read that finds the end needs somewhere to look for it.
  chunk_ = Chunk(static_cast<std::size_t>(size) + 1);
  if (chunk_.capacity() == 0) Fail(UV_ENOMEM, Syscall::kRead);
}

void WholeRead::Work() {
  for (std::size_t in_job = 0; in_job < kBytesPerJob;) {
    if (cancelled() || !MakeRoom()) return;
    const std::size_t room = std::min(chunk_.capacity() - chunk_.size(), kSlice);
    const std::int64_t read = file().Read(chunk_.data() + chunk_.size(), room, -1);
    if (read < 0) return Fail(read, Syscall::kRead);
    if (read == 0) return Complete();
    chunk_.set_size(chunk_.size() + static_cast<std::size_t>(read));
    in_job += static_cast<std::size_t>(read);
  }
}

bool WholeRead::MakeRoom() {
  if (chunk_.size() > kMostBytes) {
    FailTooLarge(chunk_.size());
    return false;
  }
  if (chunk_.size() < chunk_.capacity()) return true;
  const std::size_t larger = std::min(std::max(kFirstRoom, chunk_.capacity() * 2), kMostBytes + 1);
  if (chunk_.Resize(larger)) return true;
  Fail(UV_ENOMEM, Syscall::kRead);
  return false;
}

void WholeRead::FailTooLarge(std::uint64_t size) {
  too_large_ = true;
  messenger().Add(Tell::kTooLarge, {static_cast<std::int64_t>(size)});
  Complete();
}

void WholeRead::TellLast(int close_error) {
  if (cancelled() || failed() || too_large_) return;
  if (close_error < 0) {
    messenger().Add(Tell::kFailed, {close_error, static_cast<std::int64_t>(Syscall::kClose)});
    return;
  }
  chunk_.ShrinkToFit();
  messenger().Add(Tell::kDone, std::move(chunk_));
}

}  // namespace sideloop::fs
