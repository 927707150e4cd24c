// Thread: any. The clock that the windows of leases are counted on. It goes on while the machine
// sleeps, where the system has such a clock: the server's time goes on as well.
#pragma once

#include <cstdint>

#ifdef __linux__
#include <time.h>
#else
#include <chrono>
#endif

namespace sideloop {

// On Linux it is CLOCK_BOOTTIME, and CLOCK_MONOTONIC where a sandbox has no other: that one stands
// still in sleep. Elsewhere it is the monotonic clock of the C++ library, of which macOS and
// Windows say that it goes on. A hypervisor that pauses a machine stops all of its clocks.
struct LeaseClock {
  // The time in ns. It has nothing to do with that of the loop, on which timers are set.
  static std::uint64_t Now() {
#ifdef __linux__
    static const clockid_t kClock = [] {
      timespec time{};
      return clock_gettime(CLOCK_BOOTTIME, &time) == 0 ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
    }();
    timespec time{};
    clock_gettime(kClock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec);
#else
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
#endif
  }
};

}  // namespace sideloop
