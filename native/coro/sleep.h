// Thread: loop.
// Owns: its timer, while it waits.
// Ends: with the await expression.
#pragma once

#include <cstdint>
#include <optional>

#include "coro/suspension.h"
#include "loop/timer.h"

namespace sideloop::coro {

// `co_await Sleep(ms)` resumes the task at least `ms` later, on the loop that runs it. Returns no
// error, or why it was shorter: kCancelled, or the loop's reason.
class [[nodiscard]] Sleep final : public Suspension {
 public:
  explicit Sleep(std::uint64_t ms, CancelToken cancel = {})
      : Suspension(std::move(cancel)), ms_(ms) {}

  bool await_ready() const { return false; }
  ON_LOOP Error await_resume() const { return interrupted(); }

 private:
  ON_LOOP void Begin() override;
  ON_LOOP void Abandon() override { timer_.reset(); }

  const std::uint64_t ms_;
  LOOP_ONLY std::optional<Timer> timer_;
};

}  // namespace sideloop::coro
