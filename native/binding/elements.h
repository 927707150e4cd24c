// Thread: js. Numbers and bytes that JS hands over in typed arrays.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sideloop::binding {

// The elements of a typed array, valid during the call. None where they can't be had, as in a
// Worker that is being terminated.
template <typename T>
std::span<const T> Elements(Napi::Value array) {
  void* data = nullptr;
  std::size_t length = 0;
  if (napi_get_typedarray_info(array.Env(), array, nullptr, &length, &data, nullptr, nullptr) !=
      napi_ok) {
    return {};
  }
  return {static_cast<const T*>(data), length};
}

// A bound as JS passes it: negative means none.
inline std::optional<std::uint64_t> Limit(double value) {
  if (value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

}  // namespace sideloop::binding
