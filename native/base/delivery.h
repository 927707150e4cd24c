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
#include "base/packed_values.h"
#include "base/value.h"

namespace sideloop {

// Values on their way to one object of one JS environment, as a flat list: an array is its length,
// followed by that many values. No tree, no allocation per value.
//
// Invariant: a delivery is of one purpose, and whole: no value of it goes on in another delivery.
// ReplyBatch sees to that for replies. DeliveryReader takes nothing of it for granted.
struct Delivery {
  using Kind = ValueKind;

  enum class Purpose : std::uint8_t {
    kReplies,  // each value or error settles commands. In `packed`
    kEvent,    // settles nothing: a name, and an array of its arguments. In `packed`
    // Fails commands before their turn, in which they are settled once more: the number of those
    // ahead of them, and an error. In `packed`
    kOutOfTurn,
    kMessages,  // settles nothing: the values go to the target as they are. In `tokens`
  };

  struct Token {
    Kind kind;
    std::uint32_t size;   // bytes of text
    std::int64_t number;  // or the text's offset in `bytes`
  };

  static bool IsChunk(Kind kind) {
    return kind == Kind::kChunk || kind == Kind::kAsciiChunk || kind == Kind::kUtf8Chunk;
  }
  static bool HasText(Kind kind) {
    return kind != Kind::kNull && kind != Kind::kInteger && kind != Kind::kArray && !IsChunk(kind);
  }

  std::uint32_t target = 0;  // the object, by its number in the environment
  Purpose purpose = Purpose::kReplies;
  // Commands settled by it, each by one value or error.
  std::uint32_t settled = 0;
  std::size_t held = 0;  // bytes that its outbox counts for it
  PackedValues packed;
  // A message is put together out of order, so its values have an index.
  std::vector<Token> tokens;
  std::string bytes;
  std::vector<Chunk> chunks;

  void Clear() {
    settled = 0;
    held = 0;
    packed.Clear();
    tokens.clear();
    bytes.clear();
    chunks.clear();
  }

  bool empty() const { return tokens.empty() && packed.empty(); }

  // ---- The values of messages ----

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
  void AddText(Kind kind, std::string_view text) {
    tokens.push_back(
        {kind, static_cast<std::uint32_t>(text.size()), static_cast<std::int64_t>(bytes.size())});
    bytes.append(text);
  }
  std::string_view TextOf(const Token& token) const {
    return std::string_view(bytes).substr(static_cast<std::size_t>(token.number), token.size);
  }

  // ---- Errors, which settle commands ----

  // `<commands it settles>\n<1 where they may have run, else 0>\n<code>\n<message>`
  static std::string TextOf(std::uint32_t commands, const Error& error) {
    std::string text = std::to_string(commands);
    text.append(error.may_have_run ? "\n1\n" : "\n0\n");
    return text.append(NameOf(error.code)).append("\n").append(error.message);
  }
  // The number of commands that an error settles, from its text.
  static std::uint32_t FailedBy(std::string_view error) {
    std::uint32_t commands = 0;
    std::from_chars(error.data(), error.data() + error.size(), commands);
    return commands;
  }
};

}  // namespace sideloop
