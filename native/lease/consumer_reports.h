// Thread: loop. What the JS side of a consumer is to hear, gathered into one message for each pass
// of the loop. lib/lease/consumer-wire.ts reads it.
// Owns: the message being filled.
// Ends: with its consumer; what was not committed is dropped.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cross/message_writer.h"
#include "lease/lease_renewer.h"

namespace sideloop::lease {

// Why a job's lease is over. The first are those of the renewer.
enum class JobEnd : std::uint8_t {
  kLost = static_cast<std::uint8_t>(LeaseEnd::kLost),
  kExpired = static_cast<std::uint8_t>(LeaseEnd::kExpired),
  kMaxLease = static_cast<std::uint8_t>(LeaseEnd::kMaxLease),
  kJsBlocked = static_cast<std::uint8_t>(LeaseEnd::kJsBlocked),
  kReleased,
  kLoopStopped,
};

// What became of a settlement.
enum class Outcome : std::uint8_t {
  kUnknown,  // carried out, and its answer was lost
  kAcked,
  kRetrying,
  kDead,
};

// A message is an array: the words of its reports, and the texts that they speak of.
class ConsumerReports {
 public:
  enum class Kind : std::int32_t {
    kJob = 1,  // handle, serial, deliveries, level, fields; texts: id, then each field and value
    kSettled,  // handle, Outcome
    kEnded,    // handle, JobEnd
    kRefused,  // handle, 1: may have run, 1: not told before; texts: code, message
    kHealth,   // 1: healthy; text: why not
    kError,    // texts: code, message
    kClosed,
    kDead,  // deliveries, level, fields; texts as those of kJob: nobody settled its last attempt
  };

  explicit ConsumerReports(MessageWriter writer) : writer_(std::move(writer)) {}

  ON_LOOP void AddJob(std::uint32_t handle, std::uint32_t serial, std::uint32_t deliveries,
                      std::uint32_t level, std::string_view id,
                      std::span<const std::string> fields) {
    Begin(Kind::kJob, {Word(handle), Word(serial), Word(deliveries), Word(level),
                       static_cast<std::int32_t>(fields.size() / 2)});
    AddEntry(id, fields);
  }
  ON_LOOP void AddDead(std::uint32_t deliveries, std::uint32_t level, std::string_view id,
                       std::span<const std::string> fields) {
    Begin(Kind::kDead,
          {Word(deliveries), Word(level), static_cast<std::int32_t>(fields.size() / 2)});
    AddEntry(id, fields);
  }
  ON_LOOP void AddSettled(std::uint32_t handle, Outcome outcome) {
    Begin(Kind::kSettled, {Word(handle), static_cast<std::int32_t>(outcome)});
  }
  ON_LOOP void AddEnded(std::uint32_t handle, JobEnd why) {
    Begin(Kind::kEnded, {Word(handle), static_cast<std::int32_t>(why)});
  }
  ON_LOOP void AddRefused(std::uint32_t handle, const Error& error, bool is_news) {
    Begin(Kind::kRefused, {Word(handle), error.may_have_run ? 1 : 0, is_news ? 1 : 0});
    AddError(error);
  }
  ON_LOOP void AddHealth(bool healthy, std::string_view why) {
    Begin(Kind::kHealth, {healthy ? 1 : 0});
    AddText(why);
  }
  ON_LOOP void AddFailure(const Error& error) {
    Begin(Kind::kError, {});
    AddError(error);
  }
  ON_LOOP void AddClosed() { Begin(Kind::kClosed, {}); }

  ON_LOOP void Commit() {
    if (words_.empty()) return;
    Delivery& delivery = writer_.delivery();
    // The head was added first, with nothing in it yet.
    delivery.tokens[0].number = static_cast<std::int64_t>(delivery.tokens.size()) - 1;
    const auto begin = static_cast<std::int64_t>(delivery.bytes.size());
    const std::size_t size = words_.size() * sizeof(std::int32_t);
    delivery.bytes.append(reinterpret_cast<const char*>(words_.data()), size);
    delivery.tokens[1] = {Delivery::Kind::kWords, static_cast<std::uint32_t>(size), begin};
    words_.clear();
    writer_.Commit();
  }

 private:
  static std::int32_t Word(std::uint32_t value) { return static_cast<std::int32_t>(value); }

  ON_LOOP void Begin(Kind kind, std::initializer_list<std::int32_t> words) {
    Delivery& delivery = writer_.delivery();
    if (delivery.empty()) {
      delivery.AddArray(0);
      delivery.AddNull();
    }
    words_.push_back(static_cast<std::int32_t>(kind));
    words_.insert(words_.end(), words);
  }
  ON_LOOP void AddText(std::string_view text) {
    writer_.delivery().AddText(IsAscii(text) ? Delivery::Kind::kAscii : Delivery::Kind::kUtf8,
                               text);
  }
  // What is no UTF-8 arrives as a Buffer: JS may want the bytes.
  ON_LOOP void AddEntry(std::string_view id, std::span<const std::string> fields) {
    AddText(id);
    for (const std::string& field : fields) {
      if (IsUtf8(field)) {
        AddText(field);
      } else {
        writer_.delivery().AddText(Delivery::Kind::kBytes, field);
      }
    }
  }
  ON_LOOP void AddError(const Error& error) {
    AddText(NameOf(error.code));
    AddText(error.message);
  }

  MessageWriter writer_;
  LOOP_ONLY std::vector<std::int32_t> words_;
};

}  // namespace sideloop::lease
