// The floor that no loop can beat: a thread that blocks in epoll_wait on one eventfd. No queue, no
// job; the wake-up is the message.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "measurement.h"

namespace sideloop::bench {

class EventfdWaker {
 public:
  explicit EventfdWaker(std::function<void()> on_wake) : on_wake_(std::move(on_wake)) {
    epoll_event interest{};
    interest.events = EPOLLIN;
    if (event_ < 0 || epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &interest) != 0) {
      Fail("eventfd or epoll failed.");
    }
    thread_ = std::thread([this] { Run(); });
  }

  void Wake() {
    const std::uint64_t one = 1;
    if (write(event_, &one, sizeof(one)) != sizeof(one)) Fail("write to the eventfd failed.");
  }

  void Stop() {
    stopping_ = true;
    Wake();
    thread_.join();
    close(event_);
    close(epoll_);
  }

 private:
  void Run() {
    for (;;) {
      epoll_event event;
      const int ready = epoll_wait(epoll_, &event, 1, -1);
      if (ready < 0 && errno == EINTR) continue;
      std::uint64_t count;
      if (ready != 1 || read(event_, &count, sizeof(count)) != sizeof(count)) {
        Fail("epoll_wait or read failed.");
      }
      if (stopping_) return;
      on_wake_();
    }
  }

  std::function<void()> on_wake_;
  std::atomic<bool> stopping_ = false;
  int event_ = eventfd(0, EFD_CLOEXEC);
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::thread thread_;
};

}  // namespace sideloop::bench
