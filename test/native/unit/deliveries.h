// Thread: any one at a time. What a JS environment would read out of its outbox, as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/delivery_reader.h"
#include "cross/outbox.h"

namespace sideloop {

// Counts how often it rings, which happens under the outbox's mutex.
class CountingBell final : public Bell {
 public:
  void Ring() override { ++rings; }
  int rings = 0;
};

// One value without what it may hold: `integer<1>`, `array<2>`; an error's line ends become bars.
inline std::string Describe(const Value& value, DeliveryReader& reader) {
  std::string text(value.text);
  const auto with = [](const char* kind, const std::string& what) {
    return what.empty() ? std::string(kind) : std::string(kind) + "<" + what + ">";
  };
  switch (value.kind) {
    case ValueKind::kNull:
      return "null";
    case ValueKind::kInteger:
      return with("integer", std::to_string(value.number));
    case ValueKind::kBigInt:
      return with("bigint", text);
    case ValueKind::kAscii:
      return with("ascii", text);
    case ValueKind::kUtf8:
      return with("utf8", text);
    case ValueKind::kBytes:
      return with("bytes", text);
    case ValueKind::kChunk:
      return with("chunk", std::string(reader.ChunkOf(value).view()));
    case ValueKind::kAsciiChunk:
      return with("ascii-chunk", std::string(reader.ChunkOf(value).view()));
    case ValueKind::kUtf8Chunk:
      return with("utf8-chunk", std::string(reader.ChunkOf(value).view()));
    case ValueKind::kWords:
      return with("words", std::to_string(text.size() / sizeof(std::int32_t)));
    case ValueKind::kArray:
      return with("array", std::to_string(value.number));
    case ValueKind::kError:
      for (char& c : text) c = c == '\n' ? '|' : c;
      return with("error", text);
    case ValueKind::kNestedError:
      return with("nested", text);
  }
  return "nothing";
}

// The next value with all that is in it, depth first: `array<2> integer<1> ascii<a>`. Empty at the
// end; `broken<why>` at the end of what can be read.
inline std::string DescribeNext(DeliveryReader& reader) {
  std::string text;
  Value value;
  for (std::int64_t left = 1; left > 0; --left) {
    if (!reader.Next(value)) {
      const char* because = reader.broken_because();
      if (because == nullptr && text.empty()) return {};
      return text + (text.empty() ? "" : " ") + "broken<" +
             (because == nullptr ? "it ends too soon" : because) + ">";
    }
    text.append(text.empty() ? "" : " ").append(Describe(value, reader));
    if (value.kind == ValueKind::kArray) left += value.number;
  }
  return text;
}

// The values of one delivery; an event's are `event <name> <array>`.
inline std::string Describe(Delivery& delivery) {
  std::string text;
  if (delivery.purpose == Delivery::Purpose::kEvent) text = "event";
  if (delivery.purpose == Delivery::Purpose::kOutOfTurn) text = "out of turn";
  DeliveryReader reader(delivery);
  while (!reader.done()) text.append(text.empty() ? "" : " ").append(DescribeNext(reader));
  return text;
}

// All that waits in the outbox, a line for each delivery: `<settled>: <values>`.
inline std::vector<std::string> TakeAll(Outbox& outbox) {
  std::vector<std::string> all;
  for (auto& delivery : outbox.Take()) {
    all.push_back(std::to_string(delivery->settled) + ": " + Describe(*delivery));
    outbox.Recycle(std::move(delivery));
  }
  return all;
}

}  // namespace sideloop
