// Thread: crosses. std::mutex with the annotations that clang's analysis needs.
#pragma once

#include <mutex>

#include "base/annotations.h"

namespace sideloop {

class CAPABILITY("mutex") Mutex {
 public:
  ANY_THREAD void lock() ACQUIRES() { mutex_.lock(); }
  ANY_THREAD void unlock() RELEASES() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRES(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASES() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace sideloop
