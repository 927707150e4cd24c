// Thread: any. Runs coroutines on a loop for tests, and waits for them.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <utility>

#include "coro/post.h"
#include "stress/loop_thread.h"

namespace sideloop::test {

// Posts `task`; the future becomes ready with its value when it has ended. A task that ends by an
// exception that it did not catch breaks the test.
template <typename T>
std::future<T> PostForValue(EventLoop& loop, coro::Task<T> task) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> value = promise->get_future();
  const bool accepted = coro::Post(loop, std::move(task), [promise](coro::Outcome<T> outcome) {
    if constexpr (std::is_void_v<T>) {
      std::move(outcome).Get();
      promise->set_value();
    } else {
      promise->set_value(std::move(outcome).Get());
    }
  });
  EXPECT_TRUE(accepted);
  return value;
}

template <typename T>
T ValueOf(EventLoop& loop, coro::Task<T> task) {
  return PostForValue(loop, std::move(task)).get();
}

}  // namespace sideloop::test
