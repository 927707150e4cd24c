// Thread: crosses. A mutex with the annotations that clang's analysis needs.
#pragma once

#include <mutex>  // defines __GLIBC__ too, where that is the C library

#if defined(__GLIBC__)
#include <pthread.h>
#define SIDELOOP_ADAPTIVE_MUTEX 1
#endif

#include "base/annotations.h"

namespace sideloop {

#ifdef SIDELOOP_ADAPTIVE_MUTEX

// What it guards here takes some tens of nanoseconds, and to sleep and be woken takes thousands:
// glibc's adaptive kind tries for about as long as the former before it does the latter.
class CAPABILITY("mutex") Mutex {
 public:
  Mutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&mutex_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~Mutex() { pthread_mutex_destroy(&mutex_); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  ANY_THREAD void lock() ACQUIRES() { pthread_mutex_lock(&mutex_); }
  ANY_THREAD void unlock() RELEASES() { pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_;
};

#else

class CAPABILITY("mutex") Mutex {
 public:
  ANY_THREAD void lock() ACQUIRES() { mutex_.lock(); }
  ANY_THREAD void unlock() RELEASES() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

#endif

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
