// Thread: any one at a time. How a task ended: with its value, or with the exception that left it.
#pragma once

#include <cassert>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace sideloop::coro {

// Looks the same with and without -fno-exceptions, so that both kinds of object files can be linked
// together; without, no exception ever gets in.
template <typename T>
class Outcome {
  static_assert(!std::is_reference_v<T>, "A task returns a value: what would own the referent?");

 public:
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  static Outcome OfValue(Value value) {
    Outcome outcome;
    outcome.held_.template emplace<1>(std::move(value));
    return outcome;
  }

  static Outcome OfException(std::exception_ptr exception) {
    Outcome outcome;
    outcome.held_.template emplace<2>(std::move(exception));
    return outcome;
  }

  // False until the task ended.
  bool ended() const { return held_.index() != 0; }
  bool ok() const { return held_.index() == 1; }

  // The exception, or null.
  std::exception_ptr exception() const {
    const auto* exception = std::get_if<2>(&held_);
    return exception == nullptr ? nullptr : *exception;
  }

  // The value; throws the exception on. Requires: ended().
  T Get() && {
    assert(ended());
    if (const auto* exception = std::get_if<2>(&held_)) std::rethrow_exception(*exception);
    if constexpr (!std::is_void_v<T>) return std::move(*std::get_if<1>(&held_));
  }

 private:
  std::variant<std::monostate, Value, std::exception_ptr> held_;
};

}  // namespace sideloop::coro
