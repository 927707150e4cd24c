// Thread: loop. Turns the replies and events of one connection into deliveries to one JS
// environment.
// Owns: the batch being filled, and a share of the outbox.
// Ends: with the link it is part of; what was not committed is dropped, which happens only to a
// dead environment.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "base/annotations.h"
#include "base/delivery.h"
#include "cross/integer_form.h"
#include "cross/outbox.h"
#include "cross/reply_batch.h"
#include "resp/pairing.h"
#include "resp/stage.h"

namespace sideloop {

class ReplyWriter : public resp::ReplyTarget, public resp::ReplySink {
 public:
  // The longest string of V8's, in bytes of ASCII.
  static constexpr std::size_t kMostText = (std::size_t{1} << 29) - 24;

  using Argument = std::variant<std::int64_t, std::string_view>;

  ReplyWriter(std::shared_ptr<Outbox> outbox, std::uint32_t target,
              IntegerForm integers = IntegerForm::kTextBeyond);
  ReplyWriter(const ReplyWriter&) = delete;
  ReplyWriter& operator=(const ReplyWriter&) = delete;
  virtual ~ReplyWriter() = default;

  // Passes an event on at once, behind all whole replies so far. It may come at any time: a reply
  // that is half here comes behind it.
  ON_LOOP void AddEvent(std::string_view name, std::span<const Argument> arguments);
  ON_LOOP void AddEvent(std::string_view name, std::initializer_list<Argument> arguments) {
    AddEvent(name, std::span(arguments.begin(), arguments.size()));
  }

  // resp::ReplyTarget.
  resp::ReplySink& BeginReply(std::uint32_t flags) override;
  bool EndReply() override;
  void AbortReply() override { batch_.Abort(); }
  bool FailReplies(std::uint32_t count, const Error& error) override;
  bool KeepsTurns() const override { return true; }
  void FailOutOfTurn(std::size_t ahead, std::uint32_t count, const Error& error) override;
  void FlushReplies() override { batch_.PassTo(*outbox_); }

  // What waits in the outbox for the JS thread, as of the last time that something went there.
  ON_LOOP const Outbox::Held& held() const { return batch_.held(); }

  // resp::ReplySink.
  void OnNull() override { batch_.open().AddNull(); }
  void OnInteger(std::int64_t value) override;
  void OnText(std::string_view text) override;
  void OnLongText(Chunk text, bool is_ascii) override;
  void OnArray(std::uint64_t length) override { batch_.open().AddArray(length); }
  void OnError(std::string_view text) override;

 private:
  const std::shared_ptr<Outbox> outbox_;
  ReplyBatch batch_;
  std::unique_ptr<Delivery> out_of_turn_ = std::make_unique<Delivery>();
  std::unique_ptr<Delivery> event_ = std::make_unique<Delivery>();
  const ExactIntegers numbers_;
  bool as_bytes_ = false;
};

}  // namespace sideloop
