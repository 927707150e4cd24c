#include "fs/file_writer.h"

#include <algorithm>
#include <utility>

namespace sideloop::fs {

void FileWriter::Handle(Request& request) {
  if (request.ask == Ask::kWrite) {
    waiting_.push_back(std::move(request.data));
    lack_noticed_ |= request.lacks_data;
  } else if (request.ask == Ask::kFinish) {
    finish_asked_ = true;
    flush_asked_ = request.flush;
  }
  Proceed();
}

bool FileWriter::Prepare() {
  writing_.swap(waiting_);
  finishing_ = std::exchange(finish_asked_, false);
  flush_ = flush_asked_;
  lacks_data_ = lack_noticed_;
  return finishing_ || !writing_.empty();
}

void FileWriter::OnOpened() {
  messenger().Add(Tell::kOpened, {file().descriptor(), info().is_regular ? 1 : 0});
  messenger().Commit();
}

void FileWriter::Work() {
  if (WriteAll() && finishing_) Finish();
}

// False where it was cancelled or has failed.
bool FileWriter::WriteAll() {
  if (lacks_data_) {
    Fail(UV_ENOMEM, Syscall::kWrite);
    return false;
  }
  std::vector<uv_buf_t> buffers;
  buffers.reserve(writing_.size());
  for (Chunk& chunk : writing_) {
    for (std::size_t at = 0; at < chunk.size(); at += kMostPerBuffer) {
      const std::size_t size = std::min(kMostPerBuffer, chunk.size() - at);
      buffers.push_back(uv_buf_init(chunk.data() + at, static_cast<unsigned>(size)));
    }
  }
  std::int64_t written = 0;
  for (auto next = buffers.begin(); next != buffers.end();) {
    if (cancelled()) return false;
    const std::int64_t result = file().Write(NextCall({next, buffers.end()}), position_);
    if (result <= 0) {
      if (written > 0) messenger().Add(Tell::kWritten, {written});
      Fail(result == 0 ? std::int64_t{UV_EIO} : result, Syscall::kWrite);
      return false;
    }
    written += result;
    if (position_ >= 0) position_ += result;
    next = Skip(next, static_cast<std::size_t>(result));
  }
  writing_.clear();
  if (written > 0) messenger().Add(Tell::kWritten, {written});
  return true;
}

// What one system call takes.
std::span<const uv_buf_t> FileWriter::NextCall(std::span<const uv_buf_t> buffers) {
  std::size_t count = 0;
  std::size_t size = 0;
  do {
    size += buffers[count++].len;
  } while (count < std::min(kBuffersPerCall, buffers.size()) &&
           size + buffers[count].len <= kMostPerBuffer);
  return buffers.first(count);
}

// The first buffer that is not written, without those of its bytes that are.
std::vector<uv_buf_t>::iterator FileWriter::Skip(std::vector<uv_buf_t>::iterator next,
                                                 std::size_t written) {
  while (written > 0) {
    if (written < next->len) {
      next->base += written;
      next->len -= static_cast<decltype(next->len)>(written);
      break;
    }
    written -= next->len;
    ++next;
  }
  return next;
}

void FileWriter::Finish() {
  if (flush_) {
    if (const int error = file().Sync(); error < 0) return Fail(error, Syscall::kSync);
  }
  finished_ = true;
  Complete();
  // A file that stays open is done all the same.
  if (!auto_close()) messenger().Add(Tell::kDone);
}

void FileWriter::TellLast(int close_error) {
  if (close_error < 0 && !failed()) {
    messenger().Add(Tell::kFailed, {close_error, static_cast<std::int64_t>(Syscall::kClose)});
  } else if (finished_ && auto_close()) {
    messenger().Add(Tell::kDone);
  }
  messenger().Add(Tell::kClosed);
}

}  // namespace sideloop::fs
