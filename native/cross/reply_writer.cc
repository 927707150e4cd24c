#include "cross/reply_writer.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace sideloop {

ReplyWriter::ReplyWriter(std::shared_ptr<Outbox> outbox, std::uint32_t target)
    : outbox_(std::move(outbox)) {
  delivery_->target = target;
}

void ReplyWriter::AddEvent(std::string_view name, std::span<const Argument> arguments) {
  // Requires: no reply is in the making. A connection tells of its life between replies.
  delivery_->AddText(Delivery::Kind::kEvent, name);
  delivery_->AddArray(static_cast<std::int64_t>(arguments.size()));
  for (const Argument& argument : arguments) {
    if (const auto* number = std::get_if<std::int64_t>(&argument)) {
      delivery_->AddInteger(*number);
    } else {
      AddText(std::get<std::string_view>(argument));
    }
  }
  outbox_->Commit(delivery_);
}

resp::ReplySink& ReplyWriter::BeginReply(std::uint32_t flags) {
  midway_ = true;
  reply_token_ = delivery_->tokens.size();
  reply_byte_ = delivery_->bytes.size();
  settled_before_ = delivery_->settled;
  as_bytes_ = (flags & resp::Stage::kAsBytes) != 0;
  return *this;
}

bool ReplyWriter::EndReply() {
  midway_ = false;
  // An error reply counted itself.
  if (delivery_->tokens[reply_token_].kind != Delivery::Kind::kError) ++delivery_->settled;
  return true;
}

void ReplyWriter::AbortReply() {
  midway_ = false;
  delivery_->tokens.resize(reply_token_);
  delivery_->bytes.resize(reply_byte_);
  delivery_->settled = settled_before_;
}

bool ReplyWriter::FailReplies(std::uint32_t count, const Error& error) {
  // In portions, because the JS thread settles a bounded number in a turn.
  while (count > 0) {
    const std::uint32_t portion = std::min(count, kFailedAtOnce);
    delivery_->AddError(portion, error);
    count -= portion;
  }
  return true;
}

void ReplyWriter::FlushReplies() {
  if (!midway_) {
    if (!delivery_->empty()) outbox_->Commit(delivery_);
    return;
  }
  if (reply_token_ == 0) return;
  // The whole replies go now, the half one goes over to the next delivery.
  Delivery half;
  half.tokens.assign(delivery_->tokens.begin() + static_cast<std::ptrdiff_t>(reply_token_),
                     delivery_->tokens.end());
  half.bytes.assign(delivery_->bytes, reply_byte_);
  delivery_->tokens.resize(reply_token_);
  delivery_->bytes.resize(reply_byte_);
  half.settled = std::exchange(delivery_->settled, settled_before_) - settled_before_;
  outbox_->Commit(delivery_);
  for (Delivery::Token& token : half.tokens) {
    if (Delivery::HasText(token.kind)) token.number -= static_cast<std::int64_t>(reply_byte_);
  }
  delivery_->tokens = std::move(half.tokens);
  delivery_->bytes = std::move(half.bytes);
  delivery_->settled = half.settled;
  reply_token_ = 0;
  reply_byte_ = 0;
  settled_before_ = 0;
}

void ReplyWriter::OnText(std::string_view text) {
  if (as_bytes_) {
    delivery_->AddText(Delivery::Kind::kBytes, text);
  } else if (text.size() > kMostText) {
    OnError("ERR the value is longer than a JS string can be: ask for a Buffer");
  } else {
    AddText(text);
  }
}

void ReplyWriter::OnArray(std::uint64_t length) {
  delivery_->AddArray(static_cast<std::int64_t>(length));
}

void ReplyWriter::OnError(std::string_view text) {
  if (delivery_->tokens.size() == reply_token_) {
    delivery_->AddError(1, {ErrorCode::kReply, std::string(text)});
  } else {
    delivery_->AddText(Delivery::Kind::kNestedError, text);
  }
}

void ReplyWriter::AddText(std::string_view text) {
  delivery_->AddText(IsAscii(text) ? Delivery::Kind::kAscii : Delivery::Kind::kUtf8, text);
}

}  // namespace sideloop
