// Thread: any one at a time. An incremental parser of RESP2 and RESP3 without I/O: what is
// announced costs nothing until it arrives.
// Owns: a long string of which a part has arrived, and nothing else.
// Source: the RESP3 specification,
// https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/growing_chunk.h"
#include "resp/reply_sink.h"

namespace sideloop::resp {

struct ParserLimits {
  std::uint64_t max_bulk = 512ull << 20;    // bytes of one string; the server's own default limit
  std::uint64_t max_reply = 1ull << 30;     // bytes of one whole reply
  std::uint64_t max_elements = 1ull << 31;  // of one array, map or set
  // Bulk strings of so many bytes get memory of their own, which the sink takes over. Shorter ones
  // are read into blocks that are used again.
  std::uint64_t long_text = 256 << 10;
};

class Parser {
 public:
  // Aggregates within aggregates.
  static constexpr std::size_t kMaxDepth = 128;
  // Bytes of a line: a simple string, an error, a number.
  static constexpr std::size_t kMaxLine = 1 << 20;

  enum class Result : std::uint8_t {
    kComplete,  // one whole reply was put into the sink
    kMore,      // all that could be parsed was; the rest of the reply has not arrived
    kBroken,    // not RESP, or beyond a limit: broken_because() says what. The connection is lost.
  };

  struct Step {
    Result result;
    std::size_t consumed;  // bytes the caller must drop, whatever the result
    std::size_t
        wanted;  // kMore: bytes, from the first unconsumed one, without which to call again is idle
  };

  explicit Parser(ParserLimits limits = {}) : limits_(limits) {}

  // Goes on with the reply that began, or begins the next, in `data`: the bytes that follow those
  // consumed so far. Stops behind the reply's last byte.
  Step Next(std::string_view data, ReplySink& sink);

  // Where the next bytes can be read to directly, at most `most` of them, while a long string
  // arrives; else nothing. Requires: what was given to Next was all consumed.
  std::span<char> Room(std::size_t most) { return long_text_.Room(most); }
  // Takes over what was read into that. What follows the string goes to Next.
  void Commit(std::size_t bytes);

  // Bytes taken of a reply that is not whole.
  std::uint64_t reply_bytes() const { return reply_bytes_; }

  // True in the middle of a reply of which the sink has seen a part.
  bool midway() const { return depth_ > 0 || reply_bytes_ > 0; }

  const char* broken_because() const { return broken_because_; }

  // Forgets a half-parsed reply: for a new connection.
  void Reset() {
    depth_ = 0;
    attributes_ = 0;
    reply_bytes_ = 0;
    long_text_ = GrowingChunk();
    is_long_ = false;
    broken_because_ = nullptr;
  }

 private:
  // An open aggregate.
  struct Frame {
    std::uint64_t remaining;
    bool attribute;  // its values are dropped, and it is no element of its parent
  };

  enum class Element : std::uint8_t { kScalar, kOpened, kNothing, kLong, kMore, kBroken };

  Element ParseElement(std::string_view data, ReplySink& sink);
  Element ParseText(std::string_view data, ReplySink& sink);
  std::size_t FillLongText(std::string_view data);
  Element EndLongText(std::string_view data, ReplySink& sink);
  Element OpenAggregate(std::uint64_t elements, bool attribute, ReplySink& sink);
  Element Break(const char* because);
  bool FinishElement();

  ParserLimits limits_;
  std::array<Frame, kMaxDepth> frames_;
  std::size_t depth_ = 0;
  std::size_t attributes_ = 0;     // attribute frames among the open ones
  std::uint64_t reply_bytes_ = 0;  // consumed of the current reply
  std::size_t line_end_ = 0;       // of the element being parsed: where its first line ends
  std::size_t element_bytes_ = 0;  // its length, or what is wanted of it
  GrowingChunk long_text_;         // a long string that is arriving
  bool is_long_ = false;           // from its first line to its last byte
  bool is_ascii_ = false;          // of what has arrived of it
  const char* broken_because_ = nullptr;
};

}  // namespace sideloop::resp
