#include "coro/sleep.h"

#include "coro/root.h"

namespace sideloop::coro {

void Sleep::Begin() {
  Loop& loop = root().loop();
  timer_.emplace(loop, [this, &loop] {
    loop.AssertOnLoop();
    Settle();
  });
  timer_->Start(ms_);
}

}  // namespace sideloop::coro
