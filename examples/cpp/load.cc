// A coroutine on the loop thread, from C++: it reads a key, tries again where that is safe, and posts its result back.
// Run it with the port of a Redis server; without a server it says so.
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "coro/post.h"
#include "coro/redis.h"
#include "coro/result.h"
#include "coro/sleep.h"
#include "cross/event_loop.h"

using namespace sideloop;  // NOLINT(google-build-using-namespace): an example

coro::Task<coro::Result<std::string>> Load(std::shared_ptr<coro::Redis> redis, std::string key,
                                           coro::CancelToken cancel) {
  coro::AssertOnLoop();
  for (int attempt = 0;; ++attempt) {
    coro::Result<resp::Reply> reply = co_await redis->Call(cancel, "GET", key);
    if (reply.ok()) co_return reply->is_null() ? "(null)" : reply->text;
    if (reply.error().may_have_run || attempt == 3) co_return reply.error();
    if (Error why = co_await coro::Sleep(100, cancel)) co_return why;
  }
}

int main(int argc, char** argv) {
  const auto loop = EventLoop::Start({.name = "io"});
  redis::Options options;
  options.port = argc > 1 ? std::atoi(argv[1]) : 6379;
  options.attempts_per_command = 1;
  const auto redis = coro::Redis::Make(loop->loop(), options);

  std::promise<std::string> loaded;
  const bool accepted =
      coro::Post(*loop, Load(redis, "greeting", {}),
                 [&loaded](coro::Outcome<coro::Result<std::string>> outcome) {
                   const auto result = std::move(outcome).Get();
                   loaded.set_value(result.ok() ? *result : result.error().message);
                 });
  if (!accepted) return 1;
  std::printf("%s\n", loaded.get_future().get().c_str());
  return loop->Stop() ? 0 : 1;
}
