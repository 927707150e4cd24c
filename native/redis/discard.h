// Thread: any one at a time. Swallows replies that nobody waits for: those of commands that have
// failed, and push messages.
// Owns: nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "resp/pairing.h"

namespace sideloop::redis {

class Discard : public resp::ReplyTarget, public resp::ReplySink {
 public:
  resp::ReplySink& BeginReply(std::uint32_t) override { return *this; }
  bool EndReply() override { return false; }
  void AbortReply() override {}
  bool FailReplies(std::uint32_t, const Error&) override { return false; }
  void OnNull() override {}
  void OnInteger(std::int64_t) override {}
  void OnText(std::string_view) override {}
  void OnArray(std::uint64_t) override {}
  void OnError(std::string_view) override {}
};

}  // namespace sideloop::redis
