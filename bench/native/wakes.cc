// Wake latency: from just before the post to an idle loop until its job runs. It exists because a
// loop that sleeps in the kernel has to wake fast; what exceeds the bare eventfd is our own cost.
// Where the two threads run decides more than any code: another CPU that sleeps must be woken by an
// interrupt, the same CPU only switches threads. So the caller says where: on `two` CPUs, which is
// dominated by the interrupt; on `one`, which leaves little but the loop's own code; or on `any`,
// which is what a program gets, and which the scheduler may decide anew in each run.
//
// A ping that finds the loop awake measures no wake-up. On one CPU and without a pause nearly all
// are such: the reply preempts the loop before it can sleep, and a loop that merges wake-ups then
// looks faster than the bare eventfd. So the kernel is asked how often the loop thread slept.
//
//   bench_wakes <contestant> <pings> <pause in microseconds> <one | two | any>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "boost_asio_loop.h"
#include "eventfd_waker.h"
#include "measurement.h"
#include "placement.h"
#include "sideloop_loop.h"
#include "uv_async_waker.h"

namespace sideloop::bench {
namespace {

// A loop that takes posts, seen as something to wake.
template <typename Loop>
class PostWaker {
 public:
  explicit PostWaker(std::function<void()> on_wake) : on_wake_(std::move(on_wake)) {}

  void Wake() {
    if (!loop_.Post([this] { on_wake_(); })) Fail("The post was rejected.");
  }

  void Stop() { loop_.Stop(); }

 private:
  std::function<void()> on_wake_;
  Loop loop_;
};

// The way back to the pinging thread, the same for all and not part of the measured time.
class Reply {
 public:
  ~Reply() { close(event_); }

  void Send() {
    const std::uint64_t one = 1;
    if (write(event_, &one, sizeof(one)) != sizeof(one)) Fail("write to the reply failed.");
  }

  void Wait() {
    std::uint64_t count;
    if (read(event_, &count, sizeof(count)) != sizeof(count) || count != 1) {
      Fail("A ping was answered not once.");
    }
  }

 private:
  int event_ = eventfd(0, EFD_CLOEXEC);
};

// How often the calling thread has given up its CPU in order to wait.
std::uint64_t Sleeps() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

// The least share of pings that must have found the loop asleep for the figures to mean anything.
constexpr double kLeastSleepShare = 0.95;

template <typename Waker>
void Measure(std::uint64_t pings, std::chrono::microseconds pause, std::string_view placement) {
  Reply reply;
  const Placement cpus(placement);
  cpus.PinLoopStarter();
  // Written before Send, read after Wait: the eventfd orders the two.
  double woken_at = 0;
  std::uint64_t sleeps = 0;
  Waker waker([&] {
    woken_at = NowMicros();
    sleeps = Sleeps();
    reply.Send();
  });
  cpus.PinPoster();
  const std::uint64_t warm_up = pings / 10;
  std::uint64_t sleeps_before = 0;
  std::vector<double> latencies;
  latencies.reserve(pings);
  for (std::uint64_t ping = 0; ping < warm_up + pings; ++ping) {
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    const double sent_at = NowMicros();
    waker.Wake();
    reply.Wait();
    if (ping < warm_up) sleeps_before = sleeps;
    if (ping >= warm_up) latencies.push_back(woken_at - sent_at);
  }
  waker.Stop();
  const double share = static_cast<double>(sleeps - sleeps_before) / static_cast<double>(pings);
  if (share < kLeastSleepShare) {
    Fail("The loop slept " + std::to_string(share) + " times for each ping: this is no wake-up.");
  }
  PrintMeasurement({{"pings", static_cast<double>(latencies.size())},
                    {"sleepsPerPing", share},
                    {"p50Micros", Percentile(latencies, 0.5)},
                    {"p99Micros", Percentile(latencies, 0.99)}});
}

}  // namespace
}  // namespace sideloop::bench

int main(int argc, char** argv) {
  using namespace sideloop::bench;
  const std::string_view contestant = argc > 1 ? argv[1] : "";
  const std::uint64_t pings = CountArgument(argc, argv, 2);
  const std::chrono::microseconds pause(CountArgument(argc, argv, 3));
  const std::string_view placement = argc > 4 ? argv[4] : "";
  if (contestant == "sideloop") {
    Measure<PostWaker<SideloopLoop>>(pings, pause, placement);
  } else if (contestant == "boost-asio") {
    Measure<PostWaker<BoostAsioLoop>>(pings, pause, placement);
  } else if (contestant == "boost-asio-epoll") {
    Measure<PostWaker<BoostAsioEpollLoop>>(pings, pause, placement);
  } else if (contestant == "bare-eventfd") {
    Measure<EventfdWaker>(pings, pause, placement);
  } else if (contestant == "bare-uv-async") {
    Measure<UvAsyncWaker>(pings, pause, placement);
  } else {
    Fail("No such contestant.");
  }
}
