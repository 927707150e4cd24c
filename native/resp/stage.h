// Thread: any one at a time: filled on a JS thread, encoded on the loop thread.
// Owns: copies of all arguments.
// Ends: with the last command of it that is unanswered, as one may have to be sent again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sideloop::resp {

// The commands known by number, each as the RESP text of its name: `$3\r\nGET\r\n`. Immutable once
// shared.
using CommandTable = std::vector<std::string>;

// The commands that one JS thread staged in one turn. `heads` holds for each command
//   [opcode | flags, number of arguments, length of each argument ...]
// with, where kBlocking is among the flags, one more number behind that of the arguments: for how
// many ms the server was told to wait, or kForEver.
// A length counts characters of the text, in which all arguments stand one after the other; a
// negative one, ~index, names a string of bytes instead. JS counts UTF-16 units, and so does
// `wide`; `text` is used instead where everything is ASCII, where a unit is a byte.
struct Stage {
  // Flags of a head, above the opcode's 16 bits.
  static constexpr std::uint32_t kOpcodeMask = 0xffff;
  static constexpr std::uint32_t kAsBytes = 1u << 16;   // texts of the reply are wanted as bytes
  static constexpr std::uint32_t kBlocking = 1u << 17;  // the server waits before it answers
  static constexpr std::int32_t kForEver = -1;
  // Of the first command: all of the stage are one transaction, MULTI to EXEC, which is sent as a
  // whole or not at all.
  static constexpr std::uint32_t kAsOne = 1u << 18;
  // The server runs somebody's code for it, a script or a module's: that may have run whatever is
  // answered, also in the words of a server that refuses.
  static constexpr std::uint32_t kRunsCode = 1u << 19;
  // The opcode of a command whose name is its first argument.
  static constexpr std::uint32_t kUnnamed = 0xffff;

  std::shared_ptr<const CommandTable> table;
  std::vector<std::int32_t> heads;
  std::string text;
  std::u16string wide;
  bool is_wide = false;
  std::vector<std::string> bytes;

  bool is_transaction() const {
    return !heads.empty() && (static_cast<std::uint32_t>(heads.front()) & kAsOne) != 0;
  }
};

}  // namespace sideloop::resp
