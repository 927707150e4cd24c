// Thread: any one at a time. Deliveries that nobody has made as he should.
#pragma once

#include <string_view>
#include <utility>

#include "base/delivery.h"

namespace sideloop {

// A delivery of packed bytes as they are, whatever they say. They fill a block of their own: a read
// beyond it is one that AddressSanitizer sees.
inline Delivery Packed(std::string_view bytes) {
  Delivery delivery;
  // The bytes of a text without those of its head.
  delivery.packed.AddText(ValueKind::kBytes, bytes);
  PackedValues all;
  delivery.packed.MoveTail(delivery.packed.size() - bytes.size(), all);
  delivery.packed = std::move(all);
  return delivery;
}

}  // namespace sideloop
