// Feeds hostile bytes to the RESP parser. A failure is a read out of bounds, a parser that makes no
// progress, or one whose answer depends on where the network happened to split the bytes: what it
// reports of an input must be the same for the whole of it and for any pieces. The first byte of
// the input sets the size of the pieces, the rest is what the server "sent".
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "resp/parser.h"
#include "resp/reply_sink.h"

namespace sideloop::resp {
namespace {

// Limits that an input of a few kilobytes can reach.
constexpr ParserLimits kLimits{
    .max_bulk = 512, .max_reply = 2048, .max_elements = 128, .long_text = 16};

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "resp_fuzz: %s\n", what);
  std::abort();
}

// Writes down all that the parser says, so that two runs can be compared.
class Transcript final : public ReplySink {
 public:
  void OnNull() override { Note("null", {}); }
  void OnInteger(std::int64_t value) override { Note("integer", std::to_string(value)); }
  void OnText(std::string_view text) override { Note("text", text); }
  void OnArray(std::uint64_t length) override { Note("array", std::to_string(length)); }
  void OnError(std::string_view text) override { Note("error", text); }
  void OnComplete() { Note("complete", {}); }
  void OnBroken(const char* because) { Note("broken", because); }

  const std::string& text() const { return text_; }

 private:
  void Note(std::string_view kind, std::string_view value) {
    text_.append(kind).append(" ").append(value).append("\n");
  }

  std::string text_;
};

// What the parser says of `bytes`, when `piece` more of them arrive at a time.
std::string Parse(std::string_view bytes, std::size_t piece) {
  Parser parser(kLimits);
  Transcript transcript;
  std::size_t consumed = 0;
  std::size_t arrived = 0;
  while (arrived < bytes.size()) {
    const std::span<char> room = parser.Room(piece);
    // Every second long string arrives by way of Next.
    if (!room.empty() && room.size() % 2 == 0) {
      const std::size_t count = std::min(room.size(), bytes.size() - arrived);
      std::memcpy(room.data(), bytes.data() + arrived, count);
      parser.Commit(count);
      arrived += count;
      consumed += count;
      continue;
    }
    arrived = std::min(bytes.size(), arrived + piece);
    while (true) {
      // A block of exactly this size: a read beyond it is one that AddressSanitizer sees.
      const std::vector<char> block(bytes.begin() + consumed, bytes.begin() + arrived);
      const Parser::Step step = parser.Next({block.data(), block.size()}, transcript);
      Require(step.consumed <= block.size(), "consumed more than there was");
      consumed += step.consumed;
      if (step.result == Parser::Result::kBroken) {
        Require(parser.broken_because() != nullptr, "broke without a reason");
        transcript.OnBroken(parser.broken_because());
        return transcript.text();
      }
      if (step.result == Parser::Result::kMore) {
        Require(step.wanted > arrived - consumed, "wants what it already has");
        break;
      }
      Require(step.consumed > 0, "completed a reply of no bytes");
      transcript.OnComplete();
      if (consumed == arrived) break;
    }
  }
  return transcript.text();
}

}  // namespace
}  // namespace sideloop::resp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 64;
  const std::string whole = sideloop::resp::Parse(bytes, bytes.size());
  sideloop::resp::Require(sideloop::resp::Parse(bytes, piece) == whole,
                          "the pieces say something else than the whole");
  return 0;
}
