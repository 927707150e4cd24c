#include "fs/file_reader.h"

#include <algorithm>
#include <utility>

#include "cross/chunk_pool.h"

namespace sideloop::fs {

void FileReader::Handle(Request& request) {
  if (request.ask != Ask::kResume) return;
  resume_asked_ = true;
  Proceed();
}

// The word to go on may come while the job that found no room is still on its way back.
bool FileReader::Prepare() {
  const bool resumed = std::exchange(resume_asked_, false);
  return std::exchange(yielded_, false) || resumed;
}

void FileReader::OnOpened() {
  messenger().Add(Tell::kOpened, {file().descriptor(), info().is_regular ? 1 : 0});
}

void FileReader::Work() {
  const std::uint64_t until = read_ + kBytesPerJob;
  while (!cancelled() && !over()) {
    const std::size_t size = NextSize();
    if (size == 0) return TellEnd();
    if (!HasRoomFor(size)) break;
    if (!ReadChunk(size)) return;
    // The next read of a pipe may take for ever. That at a file's end does not: it all goes
    // together.
    if (!info().is_regular || (chunks_.size() >= commit_at_ && !AtExpectedEnd())) TellData();
    if (read_ >= until) {
      yielded_ = true;
      break;
    }
  }
  TellData();
}

// False where nothing more is to be read.
bool FileReader::ReadChunk(std::size_t size) {
  Chunk chunk = ChunkPool::Shared().Take(chunk_size_);
  const std::int64_t read =
      chunk.capacity() == 0 ? std::int64_t{UV_ENOMEM} : file().Read(chunk.data(), size, position_);
  const auto got = static_cast<std::size_t>(std::max<std::int64_t>(read, 0));
  window_->Return(size, got);
  if (read < 0) {
    TellData();
    Fail(read, Syscall::kRead);
    return false;
  }
  if (read == 0) {
    TellEnd();
    return false;
  }
  chunk.set_size(got);
  chunk.ShrinkToFit();
  chunks_.push_back(std::move(chunk));
  read_ += got;
  if (position_ >= 0) position_ += read;
  if (left_ >= 0) left_ -= read;
  return true;
}

std::size_t FileReader::NextSize() const {
  if (left_ < 0) return chunk_size_;
  return static_cast<std::size_t>(
      std::min(static_cast<std::uint64_t>(left_), static_cast<std::uint64_t>(chunk_size_)));
}

bool FileReader::AtExpectedEnd() const {
  const std::uint64_t at = position_ >= 0 ? static_cast<std::uint64_t>(position_) : read_;
  return info().is_regular && at == info().size;
}

// Where the file should be at its end, the read that finds it so needs no room.
bool FileReader::HasRoomFor(std::size_t size) {
  if (window_->Reserve(size)) return true;
  if (!AtExpectedEnd()) return false;
  window_->ReserveBeyond(size);
  return true;
}

void FileReader::TellData() {
  if (chunks_.empty()) return;
  commit_at_ = std::min(kMostChunksPerCommit, commit_at_ * 2);
  messenger().Add(Tell::kData, chunks_);
  messenger().Commit();
}

void FileReader::TellEnd() {
  if (!chunks_.empty()) messenger().Add(Tell::kData, chunks_);
  messenger().Add(Tell::kEnd);
  Complete();
}

void FileReader::TellLast(int) { messenger().Add(Tell::kClosed); }

}  // namespace sideloop::fs
