// Thread: any one at a time. Commands to RESP text. Arguments are length-prefixed: nothing in them
// needs escaping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "resp/stage.h"

namespace sideloop::resp {

// The RESP text of one argument.
std::string EncodeArgument(std::string_view argument);

// Appends one command to `out`.
void EncodeCommand(std::span<const std::string_view> arguments, ByteBuffer& out);
inline void EncodeCommand(std::initializer_list<std::string_view> arguments, ByteBuffer& out) {
  EncodeCommand(std::span<const std::string_view>(arguments.begin(), arguments.size()), out);
}

// Walks a stage and encodes its commands one by one.
class StageEncoder {
 public:
  explicit StageEncoder(const Stage& stage) : stage_(stage) {}

  // Appends the next command to `out` and sets `flags` to those of its head. False at the end of
  // the stage, or where its heads do not fit its text, which valid() tells apart.
  bool EncodeNext(ByteBuffer& out, std::uint32_t& flags);

  // False where the heads asked for more than the stage holds.
  bool valid() const { return valid_; }

 private:
  bool EncodeArguments(std::size_t count, ByteBuffer& out);
  bool EncodeWide(std::size_t units, ByteBuffer& out);

  const Stage& stage_;
  std::size_t head_ = 0;  // index in heads
  std::size_t text_ = 0;  // units of text used
  bool valid_ = true;
};

}  // namespace sideloop::resp
