// Thread: the test's. What the tests of the queue of commands have in common: a target that holds
// whoever calls it to the order of its turns, stages made of words, RESP text.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "resp/encoder.h"
#include "resp/pairing.h"
#include "resp/reply.h"
#include "resp/stage.h"

namespace sideloop::test {

using Commands = std::vector<std::vector<std::string>>;

inline std::shared_ptr<resp::Stage> StageOf(const Commands& commands,
                                            const std::vector<std::uint32_t>& flags = {},
                                            std::int32_t wait_ms = resp::Stage::kForEver) {
  auto stage = std::make_shared<resp::Stage>();
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const std::uint32_t flag = i < flags.size() ? flags[i] : 0;
    stage->heads.push_back(static_cast<std::int32_t>(resp::Stage::kUnnamed | flag));
    stage->heads.push_back(static_cast<std::int32_t>(commands[i].size()));
    if ((flag & resp::Stage::kBlocking) != 0) stage->heads.push_back(wait_ms);
    for (const std::string& word : commands[i]) {
      stage->heads.push_back(static_cast<std::int32_t>(word.size()));
      stage->text += word;
    }
  }
  return stage;
}

inline std::string Resp(const Commands& commands) {
  ByteBuffer out;
  for (const auto& command : commands) {
    const std::vector<std::string_view> words(command.begin(), command.end());
    resp::EncodeCommand(words, out);
  }
  return std::string(out.view());
}

// Takes the first command out of `bytes`, where it is whole.
inline std::optional<std::vector<std::string>> TakeCommand(std::string& bytes) {
  std::size_t at = 0;
  const auto header = [&]() -> std::optional<std::size_t> {
    const std::size_t end = bytes.find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    const std::size_t value = std::stoul(bytes.substr(at + 1, end - at - 1));
    at = end + 2;
    return value;
  };
  const auto count = header();
  if (!count) return std::nullopt;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto length = header();
    if (!length || bytes.size() < at + *length + 2) return std::nullopt;
    words.push_back(bytes.substr(at, *length));
    at += *length + 2;
  }
  bytes.erase(0, at);
  return words;
}

// Writes down what it is told: `text` of a reply, `!<count> CODE` and `?` where they may have run.
class QueueTarget final : public resp::ReplyTarget {
 public:
  std::vector<std::string> outcomes;
  std::size_t settled = 0;  // each command once: a turn that was kept does not count
  bool keeps_turns = false;
  bool waits_for_server = false;  // and keeps turns
  std::function<void()> on_failed;

  resp::ReplySink& BeginReply(std::uint32_t) override { return builder_; }
  bool EndReply() override {
    const resp::Reply reply = builder_.Take();
    if (TakeKept()) {
      EXPECT_TRUE(reply.is_null());
      outcomes.emplace_back("(turn)");
    } else {
      outcomes.push_back(reply.text);
      ++settled;
    }
    return true;
  }
  void AbortReply() override { builder_.Take(); }
  bool FailReplies(std::uint32_t count, const Error& error) override {
    outcomes.push_back(Describe(count, error));
    for (std::uint32_t i = 0; i < count; ++i) settled += TakeKept() ? 0 : 1;
    if (on_failed) on_failed();
    return true;
  }
  bool KeepsTurns() const override { return keeps_turns; }
  bool WaitsForServer() const override { return waits_for_server; }
  void FailOutOfTurn(std::size_t ahead, std::uint32_t count, const Error& error) override {
    outcomes.push_back(std::to_string(ahead) + " ahead: " + Describe(count, error));
    if (kept_.size() < ahead + count) kept_.resize(ahead + count);
    for (std::size_t i = ahead; i < ahead + count; ++i) {
      EXPECT_FALSE(kept_[i]) << "a command failed twice";
      kept_[i] = true;
    }
    settled += count;
  }

 private:
  static std::string Describe(std::uint32_t count, const Error& error) {
    return "!" + std::to_string(count) + " " + NameOf(error.code) + (error.may_have_run ? "?" : "");
  }

  // Whether the oldest command has failed out of turn; it is gone after that.
  bool TakeKept() {
    if (kept_.empty()) return false;
    const bool kept = kept_.front();
    kept_.pop_front();
    return kept;
  }

  resp::ReplyBuilder builder_;
  std::deque<bool> kept_;  // of its pending commands, the oldest first
};

}  // namespace sideloop::test
