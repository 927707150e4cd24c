#include "fs/whole_read.h"

#include <algorithm>
#include <utility>

#include "cross/chunk_pool.h"

namespace sideloop::fs {

namespace {

// What fits comes from the pool, and moves to memory of its own size where that is much smaller.
Chunk RoomFor(std::size_t size) {
  if (size <= ChunkPool::kChunkSize) return ChunkPool::Shared().Take(ChunkPool::kChunkSize);
  return Chunk(size);
}

}  // namespace

void WholeRead::OnOpened() {
  const std::uint64_t size = info().is_regular ? info().size : 0;
  if (size > kMostBytes) return FailTooLarge(size);
  // It may not say its size. What is in /proc/sys comes whole in the first read, or not at all.
  chunk_ = RoomFor(size == 0 ? kFirstRoom : static_cast<std::size_t>(size));
  if (chunk_.capacity() == 0) Fail(UV_ENOMEM, Syscall::kRead);
}

void WholeRead::Work() {
  for (std::size_t in_job = 0; in_job < kBytesPerJob;) {
    if (cancelled()) return;
    if (chunk_.size() == chunk_.capacity() && !HasMore()) return;
    const std::size_t room = std::min(chunk_.capacity() - chunk_.size(), kSlice);
    const std::int64_t read = file().Read(chunk_.data() + chunk_.size(), room, -1);
    if (read < 0) return Fail(read, Syscall::kRead);
    if (read == 0) return Complete();
    chunk_.set_size(chunk_.size() + static_cast<std::size_t>(read));
    in_job += static_cast<std::size_t>(read);
  }
}

// All that was expected is here, and most likely the file is at its end. False where it is, or
// where it can't go on.
bool WholeRead::HasMore() {
  char next = 0;
  const std::int64_t read = file().Read(&next, 1, -1);
  if (read < 0) {
    Fail(read, Syscall::kRead);
  } else if (read == 0) {
    Complete();
  } else if (chunk_.size() >= kMostBytes) {
    FailTooLarge(chunk_.size() + 1);
  } else if (!chunk_.Resize(std::min(chunk_.capacity() * 2, kMostBytes))) {
    Fail(UV_ENOMEM, Syscall::kRead);
  } else {
    chunk_.data()[chunk_.size()] = next;
    chunk_.set_size(chunk_.size() + 1);
    return true;
  }
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
  if (chunk_.size() < chunk_.capacity() / 4 * 3) chunk_.ShrinkToFit();
  messenger().Add(Tell::kDone, std::move(chunk_));
}

}  // namespace sideloop::fs
