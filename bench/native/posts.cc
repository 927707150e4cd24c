// Posts per second: producers post jobs that increment one counter on the loop's thread. It exists
// to justify the mailbox's plain lock and swap; if boost::asio::post is faster, it is not
// justified.
//
// Placement decides the winner: with the loop on a CPU of its own the mutex is fought over, on one
// CPU nobody runs at the same time. Left to the scheduler, whole sittings differ by a factor of
// three.
//
//   bench_posts <contestant> <producers> <jobs> <one | two | any>
#include <atomic>
#include <cstdint>
#include <latch>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "boost_asio_loop.h"
#include "measurement.h"
#include "placement.h"
#include "sideloop_loop.h"

namespace sideloop::bench {
namespace {

// Counts on the loop's thread; `done` is released by the job that completes the count.
struct Counter {
  std::uint64_t ran = 0;
  std::uint64_t expected = 0;
  double completed_at = 0;
  std::binary_semaphore done{0};

  void Count() {
    if (++ran != expected) return;
    completed_at = NowMicros();
    done.release();
  }
};

// The time from the opened gate until the last job has run.
template <typename Loop>
double PostAll(Loop& loop, Counter& counter, std::uint64_t producers, std::uint64_t jobs) {
  const std::uint64_t share = jobs / producers;
  counter.expected += share * producers;
  std::latch ready(static_cast<std::ptrdiff_t>(producers));
  std::latch gate(1);
  std::atomic<std::uint64_t> rejected = 0;
  std::vector<std::thread> threads;
  for (std::uint64_t producer = 0; producer < producers; ++producer) {
    threads.emplace_back([&] {
      ready.count_down();
      gate.wait();
      std::uint64_t refused = 0;
      for (std::uint64_t job = 0; job < share; ++job) {
        if (!loop.Post([&counter] { counter.Count(); })) ++refused;
      }
      rejected += refused;
    });
  }
  ready.wait();
  const double begun = NowMicros();
  gate.count_down();
  for (std::thread& thread : threads) thread.join();
  if (rejected != 0) Fail(std::to_string(rejected.load()) + " posts were rejected.");
  counter.done.acquire();
  return counter.completed_at - begun;
}

template <typename Loop>
void Measure(std::uint64_t producers, std::uint64_t jobs, std::string_view placement) {
  const Placement cpus(placement);
  cpus.PinLoopStarter();
  Loop loop;
  cpus.PinPoster();
  Counter counter;
  // A tenth first, so that the queue's memory and the threads' code are warm.
  PostAll(loop, counter, producers, jobs / 10);
  const std::uint64_t warm_up = counter.expected;
  const double cpu_before = ProcessCpuMicros();
  const double elapsed = PostAll(loop, counter, producers, jobs);
  const double cpu = ProcessCpuMicros() - cpu_before;
  loop.Stop();
  if (counter.ran != counter.expected) {
    Fail(std::to_string(counter.ran) + " jobs ran, not " + std::to_string(counter.expected) + ".");
  }
  const auto measured = static_cast<double>(counter.expected - warm_up);
  PrintMeasurement({{"jobs", measured},
                    {"postsPerSecond", measured * 1e6 / elapsed},
                    {"totalMicros", cpu / measured}});
}

}  // namespace
}  // namespace sideloop::bench

int main(int argc, char** argv) {
  using namespace sideloop::bench;
  const std::string_view contestant = argc > 1 ? argv[1] : "";
  const std::uint64_t producers = CountArgument(argc, argv, 2);
  const std::uint64_t jobs = CountArgument(argc, argv, 3);
  const std::string_view placement = argc > 4 ? argv[4] : "";
  if (producers == 0 || jobs < 10 * producers) Fail("Too few producers or jobs.");
  if (contestant == "sideloop") {
    Measure<SideloopLoop>(producers, jobs, placement);
  } else if (contestant == "boost-asio") {
    Measure<BoostAsioLoop>(producers, jobs, placement);
  } else {
    Fail("No such contestant.");
  }
}
