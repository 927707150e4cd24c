// The product's event loop. The mailbox's bound is lifted to the size of a whole run, as
// boost::asio::post knows no bound: a refused post would be work saved, not work done.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "cross/event_loop.h"
#include "measurement.h"

namespace sideloop::bench {

class SideloopLoop {
 public:
  SideloopLoop() {
    std::string error;
    loop_ = EventLoop::Start({.name = "bench", .mailbox_capacity = kCapacity}, &error);
    if (loop_ == nullptr) Fail("The loop did not start: " + error);
  }

  bool Post(Job job) { return loop_->Post(std::move(job)); }

  void Stop() {
    if (!loop_->Stop()) Fail("The loop did not end.");
  }

 private:
  static constexpr std::size_t kCapacity = std::size_t{1} << 24;

  std::unique_ptr<EventLoop> loop_;
};

}  // namespace sideloop::bench
