// Thread: loop. Turns the replies and events of one connection into deliveries to one JS
// environment. Owns: the delivery being filled, and a share of the outbox. Ends: with the link it
// is part of; what was not committed is dropped, which happens only to a dead environment.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "base/annotations.h"
#include "base/delivery.h"
#include "cross/outbox.h"
#include "resp/pairing.h"
#include "resp/stage.h"

namespace sideloop {

class ReplyWriter : public resp::ReplyTarget, public resp::ReplySink {
 public:
  // The longest string of V8's, in bytes of ASCII.
  static constexpr std::size_t kMostText = (std::size_t{1} << 29) - 24;
  // Commands failed by one token of a delivery.
  static constexpr std::uint32_t kFailedAtOnce = 512;

  using Argument = std::variant<std::int64_t, std::string_view>;

  ReplyWriter(std::shared_ptr<Outbox> outbox, std::uint32_t target);
  ReplyWriter(const ReplyWriter&) = delete;
  ReplyWriter& operator=(const ReplyWriter&) = delete;
  virtual ~ReplyWriter() = default;

  // Adds an event behind all replies so far, and passes it on at once.
  ON_LOOP void AddEvent(std::string_view name, std::span<const Argument> arguments);
  ON_LOOP void AddEvent(std::string_view name, std::initializer_list<Argument> arguments) {
    AddEvent(name, std::span(arguments.begin(), arguments.size()));
  }

  // resp::ReplyTarget.
  resp::ReplySink& BeginReply(std::uint32_t flags) override;
  bool EndReply() override;
  void AbortReply() override;
  bool FailReplies(std::uint32_t count, const Error& error) override;
  void FlushReplies() override;

  // resp::ReplySink.
  void OnNull() override { delivery_->AddNull(); }
  void OnInteger(std::int64_t value) override { delivery_->AddInteger(value); }
  void OnText(std::string_view text) override;
  void OnArray(std::uint64_t length) override;
  void OnError(std::string_view text) override;

 private:
  void AddText(std::string_view text);

  std::shared_ptr<Outbox> outbox_;
  std::unique_ptr<Delivery> delivery_ = std::make_unique<Delivery>();
  // Where the reply in the making begins, so that half a reply can be taken back or held back.
  bool midway_ = false;
  std::size_t reply_token_ = 0;
  std::size_t reply_byte_ = 0;
  std::uint32_t settled_before_ = 0;
  bool as_bytes_ = false;
};

}  // namespace sideloop
