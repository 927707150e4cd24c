// Thread: any one at a time. Where a parser puts the values of one reply, depth first, in their
// RESP2 shape: maps and sets are arrays, doubles and big numbers are text, booleans are 1 and 0.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/chunk.h"

namespace sideloop::resp {

class ReplySink {
 public:
  virtual void OnNull() = 0;
  virtual void OnInteger(std::int64_t value) = 0;
  // A bulk, simple or verbatim string, a double, a big number. Valid during the call.
  virtual void OnText(std::string_view text) = 0;
  // The same for a long bulk string, which is in memory of its own for the sink to keep.
  // `is_ascii`: every byte is below 0x80.
  virtual void OnLongText(Chunk text, bool is_ascii) {
    (void)is_ascii;
    OnText(text.view());
  }
  // An array of `length` values, which follow. The length is what the server announced: reserve
  // nothing by it.
  virtual void OnArray(std::uint64_t length) = 0;
  // An error: the whole reply, or one element of it.
  virtual void OnError(std::string_view text) = 0;

 protected:
  ~ReplySink() = default;
};

}  // namespace sideloop::resp
