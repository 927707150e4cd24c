// Where the posting threads and the loop run. Threads inherit the CPU of the thread that starts
// them: this is how a loop is pinned from outside, whoever's it is.
#pragma once

#include <sched.h>

#include <string_view>

#include "measurement.h"

namespace sideloop::bench {

class Placement {
 public:
  // `one`: all on one CPU. `two`: the loop on a CPU of its own. `any`: the scheduler decides.
  explicit Placement(std::string_view name) : pinned_(name != "any") {
    if (name != "one" && name != "two" && name != "any") Fail("No such placement.");
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) Fail("sched_getaffinity failed.");
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      if (poster_ < 0) poster_ = cpu;
      loop_ = name == "two" ? cpu : poster_;
    }
    if (name == "two" && loop_ == poster_) Fail("This placement needs two CPUs.");
  }

  // Before the loop is started, on the thread that starts it.
  void PinLoopStarter() const { Pin(loop_); }
  // Afterwards, on the thread that posts or starts those that do.
  void PinPoster() const { Pin(poster_); }

 private:
  void Pin(int cpu) const {
    if (!pinned_) return;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    if (sched_setaffinity(0, sizeof(only), &only) != 0) Fail("sched_setaffinity failed.");
  }

  const bool pinned_;
  int poster_ = -1;
  int loop_ = -1;
};

}  // namespace sideloop::bench
