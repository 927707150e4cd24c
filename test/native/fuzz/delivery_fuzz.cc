// Deliveries, both ways. What a writer is told, in any order, must be what a reader finds: a
// failure is a reply that another command gets. And bytes that no writer made must be refused,
// never read out of bounds. The first byte of the input chooses between the two; the rest is the
// script of a writer, a byte for each step, or the delivery itself.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/delivery_reader.h"
#include "cross/reply_writer.h"
#include "unit/packed_delivery.h"

namespace sideloop {
namespace {

// The fuzzer stands in for both threads.
void AssertOnLoop() ASSERTS_ON_LOOP;
void AssertOnLoop() {}
void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "delivery_fuzz: %s\n", what);
  std::abort();
}

class Silence final : public Bell {
 public:
  void Ring() override {}
};

// Walks one value. False where it is none; touches every byte of it, for AddressSanitizer.
bool Walk(DeliveryReader& reader, std::string& says) {
  Value value;
  for (std::int64_t left = 1; left > 0; --left) {
    if (!reader.Next(value)) return false;
    says.append(std::to_string(static_cast<int>(value.kind))).append(" ");
    if (value.kind == ValueKind::kInteger || value.kind == ValueKind::kArray) {
      says.append(std::to_string(value.number)).append(" ");
    }
    if (Delivery::IsChunk(value.kind)) says.append(reader.ChunkOf(value).view());
    if (value.kind == ValueKind::kArray) left += value.number;
    says.append(value.text).append(" ");
  }
  return true;
}

// Plays a script on a writer, and keeps the account of what has to arrive.
class Script {
 public:
  void Play(std::string_view steps) {
    AssertOnLoop();
    for (const char c : steps) Step(static_cast<std::uint8_t>(c));
    while (!missing_.empty()) Add(0);
    writer_.FlushReplies();
    Take();
    Require(settled_ == sent_, "not every command was settled once");
    Require(told_ == events_, "an event was lost or doubled");
  }

 private:
  void Step(std::uint8_t step) {
    AssertOnLoop();
    switch (step % 8) {
      case 0:
      case 1:
      case 2:
        return Add(step);
      case 3:
        writer_.AddEvent("event", {std::int64_t{told_++}, std::string_view("why")});
        return;
      case 4:
        return writer_.FlushReplies();
      case 5:
        sent_ += step / 8u;
        if (step >= 8) (void)writer_.FailReplies(step / 8u, {ErrorCode::kClosed, "closed"});
        return;
      case 6:
        if (missing_.empty()) return;
        missing_.clear();
        writer_.AbortReply();
        (void)writer_.FailReplies(1, {ErrorCode::kDisconnected, "gone", true});
        return;
      default:
        return Take();
    }
  }

  // Begins a reply, or goes on with the one in the making.
  void Add(std::uint8_t step) {
    if (missing_.empty()) {
      ++sent_;
      writer_.BeginReply(step & 0x80 ? resp::Stage::kAsBytes : 0);
      missing_.push_back(1);
    }
    --missing_.back();
    const unsigned size = step / 16u;
    switch (step % 16) {
      case 0:
        writer_.OnNull();
        break;
      case 1:
        writer_.OnInteger(std::int64_t{1} << (size * 4));
        break;
      case 2:
        writer_.OnError(std::string(size, 'e'));
        break;
      case 10: {
        Chunk text(size * 9);
        text.set_size(size * 9);
        std::memset(text.data(), 'c', text.size());
        writer_.OnLongText(std::move(text), (step & 0x80) != 0);
        break;
      }
      case 8:
      case 9:
        if (missing_.size() < 100) {
          writer_.OnArray(size);
          missing_.push_back(size);
          break;
        }
        [[fallthrough]];
      default:
        writer_.OnText(std::string(size * 9, step & 1 ? '\xc3' : 't'));
    }
    while (!missing_.empty() && missing_.back() == 0) missing_.pop_back();
    if (missing_.empty()) (void)writer_.EndReply();
  }

  void Take() {
    AssertOnJs();
    for (auto& delivery : outbox_->Take()) {
      DeliveryReader reader(*delivery);
      std::string says;
      if (delivery->purpose == Delivery::Purpose::kEvent) {
        Require(Walk(reader, says) && Walk(reader, says), "an event is not whole");
        Require(says.find(" " + std::to_string(events_++) + " ") != says.npos,
                "events out of order");
      } else {
        std::uint32_t here = 0;
        for (ValueKind kind{}; reader.Peek(kind);) {
          Value error;
          if (kind == ValueKind::kError) {
            Require(reader.Next(error), "an error is not whole");
            here += Delivery::FailedBy(error.text);
          } else {
            Require(Walk(reader, says), "a reply is not whole");
            ++here;
          }
        }
        Require(here == delivery->settled, "it settles what it does not say");
        settled_ += here;
      }
      Require(reader.done() && reader.broken_because() == nullptr, "a delivery can't be read");
      outbox_->Recycle(std::move(delivery));
    }
  }

  Silence bell_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(bell_);
  ReplyWriter writer_{outbox_, 1};
  std::vector<std::uint32_t> missing_;  // values, of each open array of the reply in the making
  std::uint64_t sent_ = 0;
  std::uint64_t settled_ = 0;
  std::int64_t told_ = 0;
  std::int64_t events_ = 0;
};

void ReadPacked(std::string_view bytes) {
  Delivery delivery = Packed(bytes);
  DeliveryReader reader(delivery);
  std::string says;
  while (Walk(reader, says)) {
  }
  Require(reader.done() || bytes.empty(), "it stops without a reason");
}

void ReadMessages(std::string_view bytes) {
  Delivery delivery;
  delivery.purpose = Delivery::Purpose::kMessages;
  Chunk chunk(4);
  chunk.set_size(chunk.data() == nullptr ? 0 : 4);
  if (chunk.size() > 0) std::char_traits<char>::assign(chunk.data(), 4, 'c');
  delivery.chunks.push_back(std::move(chunk));
  for (; bytes.size() >= 4; bytes.remove_prefix(4)) {
    // Small numbers of both signs, and now and then one beyond 32 bits.
    auto number = static_cast<std::int64_t>(static_cast<signed char>(bytes[2]));
    if (bytes[3] & 1) number = static_cast<std::int64_t>(static_cast<std::uint64_t>(number) << 40);
    delivery.tokens.push_back({static_cast<ValueKind>(static_cast<std::uint8_t>(bytes[0]) % 11),
                               static_cast<std::uint8_t>(bytes[1]), number});
  }
  delivery.bytes = bytes;
  delivery.bytes.append("some text");
  DeliveryReader reader(delivery);
  std::string says;
  while (Walk(reader, says)) {
  }
  Require(reader.done(), "it stops without a reason");
}

}  // namespace
}  // namespace sideloop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      sideloop::Script().Play(rest);
      break;
    case 1:
      sideloop::ReadPacked(rest);
      break;
    default:
      sideloop::ReadMessages(rest);
  }
  return 0;
}
