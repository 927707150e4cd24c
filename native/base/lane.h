// Thread: any. The four priorities of a post.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sideloop {

enum class Lane : std::uint8_t { kCritical, kHigh, kNormal, kLow };

constexpr std::size_t kLanes = 4;

}  // namespace sideloop
