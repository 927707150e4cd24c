// Thread: any one at a time. Commands to RESP text. Arguments are length-prefixed: nothing in them
// needs escaping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
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

// Walks a stage and encodes its commands one by one, in pieces where they are long: a value of
// 100 MB never becomes 100 MB of RESP text, and no call takes long.
class StageEncoder {
 public:
  // Arguments up to so many bytes are never divided.
  static constexpr std::size_t kUndivided = 16 << 10;
  // UTF-16 units that are looked at or encoded at a time, beyond which a call comes back for more.
  static constexpr std::size_t kUnitsAtOnce = 128 << 10;
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  // Where a command begins.
  struct Position {
    std::size_t head = 0;  // index in heads
    std::size_t text = 0;  // units of text before it
  };

  StageEncoder() = default;
  // Requires: `stage` outlives it, or is not encoded any more.
  explicit StageEncoder(const Stage& stage) : stage_(&stage) {}
  StageEncoder(const Stage& stage, Position from) : stage_(&stage), at_(from) {}

  // Takes up the next command. False at the end of the stage, or where its heads do not fit its
  // text, which valid() tells apart. Requires: the last command is encoded, or left out.
  bool Begin();
  // The flags of the command taken up.
  std::uint32_t flags() const { return flags_; }
  // For how many ms it waits at the server, or Stage::kForEver; 0 where it does not.
  std::int32_t wait_ms() const { return wait_ms_; }

  // Appends of it what is not encoded yet, as far as `out` holds less than `most` bytes or little
  // more. True when the whole command is there; otherwise it is to be called again.
  bool Encode(ByteBuffer& out, std::size_t most);

  // Leaves out what is not encoded of the command taken up.
  void Skip();

  // Appends the next command. False as for Begin().
  bool EncodeNext(ByteBuffer& out, std::uint32_t& flags) {
    if (!Begin()) return false;
    flags = flags_;
    while (!Encode(out, kNoLimit)) {
    }
    return true;
  }

  // Where the command taken up begins. Requires: nothing of it is encoded yet.
  Position begin() const {
    return {at_.head - ((flags_ & Stage::kBlocking) != 0 ? 3u : 2u), at_.text};
  }
  // Between two commands: where the next one begins.
  Position position() const { return at_; }

  // False where the heads asked for more than the stage holds.
  bool valid() const { return valid_; }

 private:
  bool EncodeArgument(ByteBuffer& out, std::size_t most);
  bool EncodeLong(std::string_view bytes, ByteBuffer& out, std::size_t most);
  bool EncodeWide(std::u16string_view units, ByteBuffer& out, std::size_t most);

  const Stage* stage_ = nullptr;
  Position at_;
  std::uint32_t flags_ = 0;
  std::int32_t wait_ms_ = 0;
  std::uint32_t opcode_ = 0;
  std::size_t arguments_ = 0;  // of the command taken up, not encoded yet
  bool announced_ = true;      // the number of its arguments is encoded
  bool valid_ = true;
  // Of an argument that is encoded in pieces.
  bool has_header_ = false;
  std::size_t done_ = 0;      // bytes or units of it
  std::size_t measured_ = 0;  // units whose bytes are counted
  std::size_t bytes_ = 0;     // that those become
};

}  // namespace sideloop::resp
