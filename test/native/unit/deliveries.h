// Thread: any one at a time. What a JS environment would read out of its outbox, as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/delivery.h"
#include "cross/outbox.h"

namespace sideloop {

// Counts how often it rings, which happens under the outbox's mutex.
class CountingBell final : public Bell {
 public:
  void Ring() override { ++rings; }
  int rings = 0;
};

// The tokens of one delivery: `array<2> integer<1> ascii<a>`; an error's line ends become bars.
inline std::string Describe(const Delivery& delivery) {
  std::string text;
  const auto note = [&text](const char* kind, const std::string& value) {
    text.append(text.empty() ? "" : " ").append(kind);
    if (!value.empty()) text.append("<").append(value).append(">");
  };
  for (const Delivery::Token& token : delivery.tokens) {
    std::string value;
    if (Delivery::HasText(token.kind)) value = delivery.TextOf(token);
    switch (token.kind) {
      case Delivery::Kind::kNull:
        note("null", {});
        break;
      case Delivery::Kind::kInteger:
        note("integer", std::to_string(token.number));
        break;
      case Delivery::Kind::kAscii:
        note("ascii", value);
        break;
      case Delivery::Kind::kUtf8:
        note("utf8", value);
        break;
      case Delivery::Kind::kBytes:
        note("bytes", value);
        break;
      case Delivery::Kind::kChunk:
        note("chunk", std::string(delivery.chunks[static_cast<std::size_t>(token.number)].view()));
        break;
      case Delivery::Kind::kWords:
        note("words", std::to_string(value.size() / sizeof(std::int32_t)));
        break;
      case Delivery::Kind::kArray:
        note("array", std::to_string(token.number));
        break;
      case Delivery::Kind::kError:
        for (char& c : value) c = c == '\n' ? '|' : c;
        note("error", value);
        break;
      case Delivery::Kind::kNestedError:
        note("nested", value);
        break;
      case Delivery::Kind::kEvent:
        note("event", value);
        break;
    }
  }
  return text;
}

// All that waits in the outbox, a line for each delivery: `<settled>: <tokens>`.
inline std::vector<std::string> TakeAll(Outbox& outbox) {
  std::vector<std::string> all;
  for (auto& delivery : outbox.Take()) {
    all.push_back(std::to_string(delivery->settled) + ": " + Describe(*delivery));
    outbox.Recycle(std::move(delivery));
  }
  return all;
}

}  // namespace sideloop
