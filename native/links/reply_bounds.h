// Thread: any. How many bytes of replies may wait for a JS thread to take them.
#pragma once

#include <cstddef>

namespace sideloop {

struct ReplyBounds {
  std::size_t client = std::size_t{64} << 20;
  // Of all clients of the JS thread, beyond which this one brings no more.
  std::size_t thread = std::size_t{256} << 20;
};

}  // namespace sideloop
