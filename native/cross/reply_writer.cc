#include "cross/reply_writer.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/ascii.h"

namespace sideloop {

namespace {

constexpr std::string_view kTooLong =
    "ERR the value is longer than a JS string can be: ask for a Buffer";

void PutText(PackedValues& values, std::string_view text) {
  values.AddText(IsAscii(text) ? ValueKind::kAscii : ValueKind::kUtf8, text);
}

}  // namespace

ReplyWriter::ReplyWriter(std::shared_ptr<Outbox> outbox, std::uint32_t target, IntegerForm integers)
    : outbox_(std::move(outbox)), batch_(target), numbers_(integers) {
  event_->target = target;
  event_->purpose = Delivery::Purpose::kEvent;
  out_of_turn_->target = target;
  out_of_turn_->purpose = Delivery::Purpose::kOutOfTurn;
}

void ReplyWriter::AddEvent(std::string_view name, std::span<const Argument> arguments) {
  batch_.PassTo(*outbox_);
  PackedValues& values = event_->packed;
  PutText(values, name);
  values.AddArray(arguments.size());
  for (const Argument& argument : arguments) {
    if (const auto* number = std::get_if<std::int64_t>(&argument)) {
      values.AddInteger(*number);
    } else {
      PutText(values, std::get<std::string_view>(argument));
    }
  }
  outbox_->Commit(event_);
}

resp::ReplySink& ReplyWriter::BeginReply(std::uint32_t flags) {
  batch_.Open();
  as_bytes_ = (flags & resp::Stage::kAsBytes) != 0;
  return *this;
}

bool ReplyWriter::EndReply() {
  batch_.Close();
  return true;
}

bool ReplyWriter::FailReplies(std::uint32_t count, const Error& error) {
  batch_.Fail(count, error);
  return true;
}

// At once: the places of these commands are those behind what is whole so far.
void ReplyWriter::FailOutOfTurn(std::size_t ahead, std::uint32_t count, const Error& error) {
  batch_.PassTo(*outbox_);
  // Those that failed behind the reply that is open are behind it still, on the JS thread.
  std::size_t place = ahead + batch_.late();
  while (count > 0) {
    const std::uint32_t portion = std::min(count, ReplyBatch::kFailedAtOnce);
    out_of_turn_->packed.AddInteger(static_cast<std::int64_t>(place));
    out_of_turn_->packed.AddText(ValueKind::kError, Delivery::TextOf(portion, error));
    outbox_->Commit(out_of_turn_);
    place += portion;
    count -= portion;
  }
}

void ReplyWriter::OnInteger(std::int64_t value) {
  if (numbers_.Has(value)) [[likely]] {
    batch_.open().AddInteger(value);
    return;
  }
  char digits[24];
  const char* const end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  batch_.open().AddText(numbers_.kind_of_others(), {digits, end});
}

void ReplyWriter::OnText(std::string_view text) {
  if (as_bytes_) {
    batch_.open().AddText(ValueKind::kBytes, text);
  } else if (text.size() > kMostText) {
    OnError(kTooLong);
  } else {
    PutText(batch_.open(), text);
  }
}

void ReplyWriter::OnLongText(Chunk text, bool is_ascii) {
  if (as_bytes_) {
    batch_.AddChunk(ValueKind::kChunk, std::move(text));
  } else if (text.size() > kMostText) {
    OnError(kTooLong);
  } else {
    batch_.AddChunk(is_ascii ? ValueKind::kAsciiChunk : ValueKind::kUtf8Chunk, std::move(text));
  }
}

void ReplyWriter::OnError(std::string_view text) {
  PackedValues& values = batch_.open();
  if (batch_.at_begin()) {
    values.AddText(ValueKind::kError, Delivery::TextOf(1, {ErrorCode::kReply, std::string(text)}));
  } else {
    values.AddText(ValueKind::kNestedError, text);
  }
}

}  // namespace sideloop
