// Thread: any one at a time. A value, or the error that stands in its place.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

#include "base/error.h"

namespace sideloop::coro {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::move(value)) {}  // NOLINT(google-explicit-constructor): co_return
  // Requires: `error` is one.
  Result(Error error) : held_(std::move(error)) {  // NOLINT(google-explicit-constructor)
    assert(this->error());
  }

  bool ok() const { return std::holds_alternative<T>(held_); }

  // Requires: ok().
  T& operator*() {
    assert(ok());
    return *std::get_if<T>(&held_);
  }
  const T& operator*() const {
    assert(ok());
    return *std::get_if<T>(&held_);
  }
  T* operator->() { return &**this; }
  const T* operator->() const { return &**this; }

  // Requires: !ok().
  const Error& error() const {
    assert(!ok());
    return *std::get_if<Error>(&held_);
  }

 private:
  std::variant<T, Error> held_;
};

}  // namespace sideloop::coro
