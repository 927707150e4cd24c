// Thread: any one at a time: filled on the loop thread, handed over whole, read on a JS thread.
// Owns: the bytes of its values, and the chunks.
// Ends: goes back to its outbox's spare ones, or is freed with a dead environment.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/chunk.h"
#include "base/error.h"

namespace sideloop {

// Values on their way to one object of one JS environment, as a flat list of tokens: an array is a
// kArray token with its length, followed by that many values. No tree, no allocation per value.
struct Delivery {
  enum class Kind : std::uint8_t {
    kNull,
    kInteger,      // number
    kAscii,        // text of bytes below 0x80: V8 keeps it as it is
    kUtf8,         // text that has to be decoded
    kBytes,        // a Buffer of its own, filled by copying
    kChunk,        // a Buffer that takes over chunks[number]
    kWords,        // an Int32Array. text: its elements
    kArray,        // number: how many values follow
    kError,        // settles commands by one error. text: AddError says how
    kNestedError,  // an error inside an array: a value of its own. text: the server's words
    kEvent,        // text: its name. The next value, an array, holds its arguments. Settles nothing
  };

  struct Token {
    Kind kind;
    std::uint32_t size;   // bytes of text
    std::int64_t number;  // or the text's offset in `bytes`
  };

  static bool HasText(Kind kind) {
    return kind != Kind::kNull && kind != Kind::kInteger && kind != Kind::kArray &&
           kind != Kind::kChunk;
  }

  std::uint32_t target = 0;  // the object, by its number in the environment
  // Its values are messages: they settle nothing, and go to the target as they are.
  bool is_messages = false;
  // Commands settled by it, each by one value or error.
  std::uint32_t settled = 0;
  std::vector<Token> tokens;
  std::string bytes;
  std::vector<Chunk> chunks;

  void Clear() {
    settled = 0;
    tokens.clear();
    bytes.clear();
    chunks.clear();
  }

  bool empty() const { return tokens.empty(); }

  void AddNull() { tokens.push_back({Kind::kNull, 0, 0}); }
  void AddInteger(std::int64_t n) { tokens.push_back({Kind::kInteger, 0, n}); }
  void AddArray(std::int64_t length) { tokens.push_back({Kind::kArray, 0, length}); }
  void AddChunk(Chunk chunk) {
    tokens.push_back({Kind::kChunk, static_cast<std::uint32_t>(chunk.size()),
                      static_cast<std::int64_t>(chunks.size())});
    chunks.push_back(std::move(chunk));
  }
  void AddWords(std::span<const std::int32_t> words) {
    AddText(Kind::kWords, {reinterpret_cast<const char*>(words.data()), words.size_bytes()});
  }
  // `<commands it settles>\n<1 where they may have run, else 0>\n<code>\n<message>`
  void AddError(std::uint32_t commands, const Error& error) {
    const std::size_t begin = bytes.size();
    bytes.append(std::to_string(commands)).append(error.may_have_run ? "\n1\n" : "\n0\n");
    bytes.append(NameOf(error.code)).append("\n").append(error.message);
    tokens.push_back({Kind::kError, static_cast<std::uint32_t>(bytes.size() - begin),
                      static_cast<std::int64_t>(begin)});
    settled += commands;
  }
  // The number of commands that an error settles, from its text.
  static std::uint32_t FailedBy(std::string_view error) {
    std::uint32_t commands = 0;
    std::from_chars(error.data(), error.data() + error.size(), commands);
    return commands;
  }

  void AddText(Kind kind, std::string_view text) {
    tokens.push_back(
        {kind, static_cast<std::uint32_t>(text.size()), static_cast<std::int64_t>(bytes.size())});
    bytes.append(text);
  }

  std::string_view TextOf(const Token& token) const {
    return std::string_view(bytes).substr(static_cast<std::size_t>(token.number), token.size);
  }
};

}  // namespace sideloop
