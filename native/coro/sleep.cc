#include "coro/sleep.h"

#include "coro/root.h"

namespace sideloop::coro {

void Sleep::Begin() {
  timer_.emplace(root().loop(), [this] {
    root().loop().AssertOnLoop();
    Settle();
  });
  timer_->Start(ms_);
}

}  // namespace sideloop::coro
