// The flow that the project was founded on: CPU threads post coroutines to the loop, two hundred of
// them are suspended on Redis at once, each resumes with its own reply and reports to the
// scheduler, which starts what became ready. A failure means that replies are mixed up, a task is
// lost, or the loop thread waits for one reply at a time.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coro/post.h"
#include "coro/redis.h"
#include "coro_runner.h"
#include "stress/flow_scheduler.h"
#include "stress/redis_server.h"

namespace sideloop {
namespace {

using coro::AssertOnLoop;
using coro::Outcome;
using coro::Redis;
using coro::Result;
using coro::Task;
using test::FlowScheduler;
using test::ValueOf;

constexpr int kCpuThreads = 4;
constexpr int kIoNodes = 200;
constexpr int kPerJoin = 4;

std::string Key(int i) { return "flow:" + std::to_string(i); }
std::string Value(int i) { return "value of " + std::to_string(i); }

// What the I/O nodes and the gate know of each other. The loop thread's, but for `replies`, each of
// which belongs to its node.
struct Flow {
  std::shared_ptr<Redis> redis;
  std::shared_ptr<Redis> gate;
  EventLoop* loop;
  int suspended = 0;
  int suspended_at_the_gate = 0;
  std::uint64_t in_flight_at_the_gate = 0;
  std::array<std::string, kIoNodes> replies = {};
};

std::string TextOf(const Result<resp::Reply>& reply) {
  return reply.ok() ? reply->text : "failed: " + reply.error().message;
}

// Fills Redis with what the nodes will ask for, then has the server hold back every answer to a
// command that writes.
Task<void> CloseTheGate(Flow& flow) {
  AssertOnLoop();
  for (int i = 0; i < kIoNodes; ++i) {
    Result<resp::Reply> reply = co_await flow.redis->Call("SET", Key(i), Value(i));
    EXPECT_EQ(TextOf(reply), "OK");
  }
  EXPECT_EQ(TextOf(co_await flow.gate->Call("CLIENT", "PAUSE", "100000", "WRITE")), "OK");
}

// Posted when the last node has begun. Its first reply comes after the nodes' commands have left.
Task<void> OpenTheGate(Flow& flow) {
  AssertOnLoop();
  EXPECT_EQ(TextOf(co_await flow.gate->Call("PING")), "PONG");
  flow.suspended_at_the_gate = flow.suspended;
  flow.in_flight_at_the_gate = flow.redis->stats().in_flight;
  EXPECT_EQ(TextOf(co_await flow.gate->Call("CLIENT", "UNPAUSE")), "OK");
}

// An I/O node: one command that writes and answers with a value that only this node has.
Task<std::string> RunIoNode(Flow& flow, int i) {
  AssertOnLoop();
  EXPECT_TRUE(flow.loop->OnLoopThread());
  if (++flow.suspended == kIoNodes) {
    EXPECT_TRUE(coro::Post(*flow.loop, OpenTheGate(flow), [](Outcome<void>) {}));
  }
  std::string text;
  if (i % 2 == 0) {
    text = TextOf(co_await flow.redis->Call("GETDEL", Key(i)));
  } else {
    text = TextOf(co_await flow.redis->Call("SET", Key(i), "seen", "GET"));
  }
  --flow.suspended;
  EXPECT_TRUE(flow.loop->OnLoopThread());
  co_return text;
}

TEST(CoroFlow, TwoHundredCoroutinesSuspendOnRedisAndEachCompletionStartsWhatIsReady) {
  const test::RedisServer server;
  const std::unique_ptr<EventLoop> loop = test::StartLoop();
  Flow flow{.redis = Redis::Make(loop->loop(), server.options()),
            .gate = Redis::Make(loop->loop(), server.options()),
            .loop = loop.get()};
  ValueOf(*loop, CloseTheGate(flow));

  FlowScheduler scheduler(kCpuThreads);
  std::vector<int> io_nodes;
  std::vector<int> join_nodes;
  std::array<std::string, kIoNodes / kPerJoin> joined;
  std::string all;
  for (int i = 0; i < kIoNodes; ++i) {
    io_nodes.push_back(scheduler.Add([&flow, i](FlowScheduler& scheduler, int node) {
      EXPECT_TRUE(coro::Post(*flow.loop, RunIoNode(flow, i),
                             [&flow, &scheduler, i, node](Outcome<std::string> text) {
                               EXPECT_TRUE(flow.loop->OnLoopThread());
                               flow.replies[i] = std::move(text).Get();
                               scheduler.OnNodeComplete(node);
                             }));
    }));
  }
  for (int j = 0; j < kIoNodes / kPerJoin; ++j) {
    const auto first = io_nodes.begin() + j * kPerJoin;
    join_nodes.push_back(scheduler.Add(
        [&flow, &joined, j](FlowScheduler& scheduler, int node) {
          for (int i = j * kPerJoin; i < (j + 1) * kPerJoin; ++i)
            joined[j] += flow.replies[i] + ";";
          scheduler.OnNodeComplete(node);
        },
        {first, first + kPerJoin}));
  }
  scheduler.Add(
      [&joined, &all](FlowScheduler& scheduler, int node) {
        for (const std::string& part : joined) all += part;
        scheduler.OnNodeComplete(node);
      },
      join_nodes);
  scheduler.Run();

  EXPECT_EQ(flow.suspended_at_the_gate, kIoNodes);
  EXPECT_EQ(flow.in_flight_at_the_gate, std::uint64_t{kIoNodes});
  EXPECT_EQ(flow.suspended, 0);
  std::string expected;
  for (int i = 0; i < kIoNodes; ++i) expected += Value(i) + ";";
  EXPECT_EQ(all, expected);
  for (int node = 0; node < scheduler.nodes(); ++node) {
    EXPECT_EQ(scheduler.triggers(node), 1);
    EXPECT_EQ(scheduler.completions(node), 1);
  }
  EXPECT_TRUE(loop->Stop());
}

}  // namespace
}  // namespace sideloop
