// Thread: the test's. Queues of commands, and what a connection does with them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_buffer.h"
#include "redis/command_queue.h"
#include "unit/queue_target.h"

namespace sideloop::test {

class Queue : public testing::Test {
 protected:
  std::string Write(redis::CommandQueue& queue, std::size_t most = resp::StageEncoder::kNoLimit,
                    std::uint64_t now = 0) {
    ByteBuffer out;
    queue.Encode(out, most, now);
    return std::string(out.view());
  }
  // Answers the next command with `text`, as a connection does.
  static void Answer(redis::CommandQueue& queue, std::string_view text, bool is_error = false) {
    const resp::Run run = queue.front();
    resp::ReplyTarget& target = run.is_settled ? queue.discard() : *run.target;
    queue.RejectHeld(*run.target);
    resp::ReplySink& sink = target.BeginReply(run.flags);
    if (is_error) {
      sink.OnError(text);
    } else {
      sink.OnText(text);
    }
    if (run.is_settled) run.target->BeginReply(0).OnNull();
    queue.Answered();
    (void)run.target->EndReply();
  }
  void Add(redis::CommandQueue& queue, QueueTarget& target, std::vector<std::string> command,
           std::uint32_t flags = 0, std::uint64_t now = 0) {
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    queue.Add(arguments, target, flags, now);
  }

  redis::CommandQueue queue_{{}};
  redis::CommandQueue timed_{{.timeout_ms = 100, .grace_ms = 1000}};
  QueueTarget target_;
  QueueTarget other_;
};

}  // namespace sideloop::test
