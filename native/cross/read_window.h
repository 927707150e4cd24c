// Thread: crosses: a thread of libuv's pool fills it by reading, the JS thread empties it.
// Owns: the count of bytes that were read and not taken by JS, where a small chunk counts as
// kLeastCount of them: it takes that much memory anyhow.
// Ends: with its last owner: the reader, or the JS side's table.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/annotations.h"
#include "cross/mutex.h"

namespace sideloop {

// How far reading may be ahead of JS.
//
//               Reserve finds no room
//   reading ------------------------------> resting
//      ^                                       |
//      +--- Take leaves half of it free -------+   whoever took it has the reader resumed
//
// Invariant: at most the limit is unread, or one chunk where that is more.
class ReadWindow {
 public:
  static constexpr std::size_t kFirstLimit = 512 << 10;
  static constexpr std::size_t kLastLimit = 2 << 20;
  // What lib/fs/protocol.ts knows as LEAST_COUNT.
  static constexpr std::size_t kLeastCount = 512;

  // What a chunk of so many bytes counts.
  static std::size_t CountOf(std::size_t bytes) { return std::max(bytes, kLeastCount); }

  // A chunk that is larger than the window makes it as large as two of them, so that one is read
  // while the other is looked at.
  explicit ReadWindow(std::size_t chunk_size)
      : last_limit_(std::max(kLastLimit, 2 * chunk_size)),
        limit_(std::max(kFirstLimit, 2 * chunk_size)) {}
  ReadWindow(const ReadWindow&) = delete;
  ReadWindow& operator=(const ReadWindow&) = delete;

  // Takes room for the next chunk. False: there is none, the reader rests until it is resumed.
  [[nodiscard]] ANY_THREAD bool Reserve(std::size_t bytes) {
    MutexLock lock(mutex_);
    if (unread_ != 0 && unread_ + CountOf(bytes) > limit_) {
      resting_ = true;
      return false;
    }
    unread_ += CountOf(bytes);
    return true;
  }

  // Takes room that there may not be. For what is given back at once, most likely.
  ANY_THREAD void ReserveBeyond(std::size_t bytes) {
    MutexLock lock(mutex_);
    resting_ = false;
    unread_ += CountOf(bytes);
  }

  // Of what was reserved the file gave `got`; 0: there is no chunk.
  ANY_THREAD void Return(std::size_t reserved, std::size_t got) {
    MutexLock lock(mutex_);
    unread_ -= CountOf(reserved) - (got == 0 ? 0 : CountOf(got));
  }

  // JS has taken chunks that count `bytes`, which shows that it wants more: the window grows. True
  // where the reader rests and is to be resumed; said once for each rest.
  [[nodiscard]] ANY_THREAD bool Take(std::size_t bytes) {
    MutexLock lock(mutex_);
    unread_ -= std::min(bytes, unread_);
    limit_ = std::min(last_limit_, limit_ * 2);
    if (!resting_ || unread_ > limit_ / 2) return false;
    resting_ = false;
    return true;
  }

  ANY_THREAD std::size_t unread() {
    MutexLock lock(mutex_);
    return unread_;
  }

 private:
  const std::size_t last_limit_;
  Mutex mutex_;
  std::size_t limit_ GUARDED_BY(mutex_);
  std::size_t unread_ GUARDED_BY(mutex_) = 0;
  bool resting_ GUARDED_BY(mutex_) = false;
};

}  // namespace sideloop
