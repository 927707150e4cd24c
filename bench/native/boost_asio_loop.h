// boost::asio::post to an io_context that one thread runs. The concurrency hint 1 is what its
// documentation recommends for a single running thread.
#pragma once

#include <sys/eventfd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <thread>
#include <utility>

namespace sideloop::bench {

class BoostAsioLoop {
 public:
  BoostAsioLoop() : guard_(context_.get_executor()), thread_([this] { context_.run(); }) {}

  template <typename F>
  bool Post(F&& job) {
    boost::asio::post(context_, std::forward<F>(job));
    return true;
  }

  boost::asio::io_context& context() { return context_; }

  // Runs what was posted, then ends the thread.
  void Stop() {
    guard_.reset();
    thread_.join();
  }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

// The same with one descriptor to watch. Without any, its thread waits on a condition variable and
// not in epoll_wait, which is quicker to wake, but could not do I/O.
class BoostAsioEpollLoop {
 public:
  BoostAsioEpollLoop() {
    loop_.Post([this] { idle_.async_wait(idle_.wait_read, [](auto) {}); });
  }

  template <typename F>
  bool Post(F&& job) {
    return loop_.Post(std::forward<F>(job));
  }

  void Stop() {
    loop_.Post([this] { idle_.cancel(); });
    loop_.Stop();
  }

 private:
  BoostAsioLoop loop_;
  boost::asio::posix::stream_descriptor idle_{loop_.context(), eventfd(0, EFD_CLOEXEC)};
};

}  // namespace sideloop::bench
