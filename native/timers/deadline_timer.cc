#include "timers/deadline_timer.h"

#include <uv.h>

#ifdef __linux__
#include <sys/timerfd.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <utility>

#include "base/nanoseconds.h"

namespace sideloop::timers {

#ifdef __linux__

// A timer of the kernel's that is a file: the loop sleeps on it as on a socket. Its clock is that
// of uv_hrtime().
struct DeadlineTimer::Precise {
  uv_poll_t handle;
  int fd;
  bool counts_sleep;
  Loop* loop;
  DeadlineTimer* owner;  // null: closed

  // Null where the system refuses one.
  ON_LOOP static Precise* TryMake(Loop& loop, DeadlineTimer& owner, bool counts_sleep) {
    const int clock = counts_sleep ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
    const int fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) return nullptr;
    auto* precise = new Precise{{}, fd, counts_sleep, &loop, &owner};
    if (uv_poll_init(loop.uv(), &precise->handle, fd) != 0) {
      close(fd);
      delete precise;
      return nullptr;
    }
    precise->handle.data = precise;
    uv_poll_start(&precise->handle, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto* self = static_cast<Precise*>(handle->data);
      const Loop::Callback callback(*self->loop);
      std::uint64_t times = 0;
      // Nothing to read: it was set anew after the kernel had reported it.
      if (read(self->fd, &times, sizeof(times)) != sizeof(times)) return;
      self->owner->Fire();
    });
    return precise;
  }

  // 0: never.
  void Set(std::uint64_t due) {
    // The clock that counts sleep is another than that of `due`.
    const bool is_relative = counts_sleep && due > 0;
    if (is_relative) {
      const std::uint64_t now = Loop::Now();
      due = due > now ? due - now : 1;
    }
    constexpr std::uint64_t kSecond = 1000 * kNsPerMs;
    itimerspec spec{};
    spec.it_value.tv_sec = static_cast<time_t>(due / kSecond);
    spec.it_value.tv_nsec = static_cast<long>(due % kSecond);
    timerfd_settime(fd, is_relative ? 0 : TFD_TIMER_ABSTIME, &spec, nullptr);
  }

  void Close() {
    owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* handle) {
      auto* self = static_cast<Precise*>(handle->data);
      close(self->fd);
      delete self;
    });
  }
};

#else

struct DeadlineTimer::Precise {
  static Precise* TryMake(Loop&, DeadlineTimer&, bool) { return nullptr; }
  void Set(std::uint64_t) {}
  void Close() {}
};

#endif

DeadlineTimer::DeadlineTimer(Loop& loop, Job callback, Precision precision)
    : loop_(loop), callback_(std::make_shared<Job>(std::move(callback))) {
  if (precision != Precision::kMilliseconds) {
    precise_ = Precise::TryMake(loop, *this, precision == Precision::kBestAwakeOrAsleep);
  }
  if (precise_ != nullptr) return;
  coarse_ = std::make_unique<Timer>(loop, [this] {
    loop_.AssertOnLoop();
    Fire();
  });
}

DeadlineTimer::~DeadlineTimer() {
  loop_.urgent().Clear(*this);
  if (precise_ != nullptr) precise_->Close();
}

void DeadlineTimer::StartAt(std::uint64_t due) {
  due_ = due;
  loop_.urgent().Set(*this, due);
  if (precise_ != nullptr) return precise_->Set(std::max<std::uint64_t>(due, 1));
  // The first whole millisecond that begins then or after it.
  const std::uint64_t due_ms = CeilToMs(due);
  const std::uint64_t now_ms = Loop::Now() / kNsPerMs;
  coarse_->Start(due_ms > now_ms ? due_ms - now_ms : 0);
}

void DeadlineTimer::Stop() {
  loop_.urgent().Clear(*this);
  if (precise_ != nullptr) return precise_->Set(0);
  coarse_->Stop();
}

// The loop is busy, and has not looked at the kernel's timer yet.
void DeadlineTimer::OnDue() {
  Stop();
  Fire();
}

void DeadlineTimer::Fire() {
  loop_.urgent().Clear(*this);
  loop_.CountLateness(due_, Loop::Now());
  const std::shared_ptr<Job> callback = callback_;
  (*callback)();
}

}  // namespace sideloop::timers
