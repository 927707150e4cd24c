#include "coro/cancel.h"

#include <utility>

#include "coro/suspension.h"

namespace sideloop::coro {

void CancelState::Cancel() {
  if (std::exchange(cancelled_, true)) return;
  // Interrupt takes each out of the list and resumes nobody, so the list can't change otherwise.
  while (first_ != nullptr) first_->Interrupt(Reason());
}

void CancelState::Add(Suspension& suspension) {
  suspension.next_ = first_;
  if (first_ != nullptr) first_->prev_ = &suspension;
  first_ = &suspension;
}

void CancelState::Remove(Suspension& suspension) {
  (suspension.prev_ == nullptr ? first_ : suspension.prev_->next_) = suspension.next_;
  if (suspension.next_ != nullptr) suspension.next_->prev_ = suspension.prev_;
  suspension.prev_ = suspension.next_ = nullptr;
}

}  // namespace sideloop::coro
