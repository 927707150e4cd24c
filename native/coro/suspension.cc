#include "coro/suspension.h"

#include <cassert>

#include "coro/root.h"

namespace sideloop::coro {

Suspension::~Suspension() {
  // Invariant: the awaiting task is resumed before its awaiter goes.
  assert(state_ != State::kWaiting);
}

bool Suspension::Suspend(std::coroutine_handle<> waiter, Root& root) {
  root.loop().AssertOnLoop();
  // Requires: nothing is awaited twice.
  assert(state_ == State::kIdle);
  if (root.loop_ended()) interrupted_ = root.loop_ended();
  if (!interrupted_ && cancel_.cancelled()) interrupted_ = CancelState::Reason();
  if (interrupted_) {
    state_ = State::kSettled;
    return false;
  }
  state_ = State::kWaiting;
  waiter_ = waiter;
  root_ = &root;
  root.WaitFor(*this);
  if (cancel_.state_ != nullptr) cancel_.state_->Add(*this);
  Begin();
  return true;
}

void Suspension::Settle() {
  root_->loop().AssertOnLoop();
  End();
}

void Suspension::Interrupt(const Error& why) {
  root_->loop().AssertOnLoop();
  interrupted_ = why;
  Abandon();
  End();
}

void Suspension::End() {
  assert(state_ == State::kWaiting);
  state_ = State::kSettled;
  if (cancel_.state_ != nullptr) cancel_.state_->Remove(*this);
  root_->Wake();
}

}  // namespace sideloop::coro
