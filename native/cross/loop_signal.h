// Thread: crosses. Any thread sends, the loop thread is told, until the loop's very end: a job is
// refused from the moment that the loop is asked to stop, and what was accepted before may still
// wait for this news.
// Owns: the handle by which the news comes.
// Ends: Close(), on the loop thread; whoever sends later sends to nobody.
#pragma once

#include "base/annotations.h"
#include "cross/mutex.h"
#include "loop/loop.h"

namespace sideloop {

class SignalListener {
 public:
  // Somebody has sent since it was told last. May close the signal.
  ON_LOOP virtual void OnSignal() = 0;

 protected:
  ~SignalListener() = default;
};

class LoopSignal {
 public:
  // `listener` must live until Close().
  explicit LoopSignal(SignalListener& listener) : listener_(listener) {}
  ~LoopSignal();
  LoopSignal(const LoopSignal&) = delete;
  LoopSignal& operator=(const LoopSignal&) = delete;

  // Makes the handle, where there is none yet: each is looked at whenever the loop is woken, so
  // nobody has one before there is a need. 0, or a libuv error.
  [[nodiscard]] ON_LOOP int Open(Loop& loop);
  ON_LOOP void Close();

  ANY_THREAD void Send();

 private:
  struct Handle;

  SignalListener& listener_;
  Mutex mutex_;
  Handle* handle_ GUARDED_BY(mutex_) = nullptr;  // freed by libuv's last callback
};

}  // namespace sideloop
