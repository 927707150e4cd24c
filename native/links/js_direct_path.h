// Thread: crosses: a JS thread writes, the loop thread says when it may.
// Owns: what was written and the connection has not heard of.
// Ends: with its link; Forbid() comes before the socket closes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/byte_buffer.h"
#include "cross/mutex.h"
#include "redis/direct_path.h"
#include "resp/stage.h"

namespace sideloop {

// A lone command on an idle connection spends most of its time on the way to the loop thread and
// back. Half of that is saved by writing it to the socket from the thread that has it; the reply
// still arrives on the loop thread, which first looks here for what it may answer.
//
// Invariant: allowed means that the connection has nothing unsent, so what is written here is next
// in the order of replies. The loop thread forbids before it writes anything itself, and before it
// closes the socket.
class JsDirectPath final : public redis::DirectPath {
 public:
  // Larger stages are better encoded by the loop thread.
  static constexpr std::uint32_t kMostCommands = 4;
  static constexpr std::size_t kMostText = 4096;

  // `command_timeout_ms` is the connection's.
  explicit JsDirectPath(std::optional<std::uint64_t> command_timeout_ms)
      : command_timeout_ms_(command_timeout_ms) {}

  enum class Written : std::uint8_t {
    kNothing,  // not allowed, or the kernel took nothing: post it
    kAll,
    kPartly,  // accepted, but the loop thread must be woken to write the rest
  };

  // Writes the commands of `stage`, whose replies go to `target`.
  [[nodiscard]] ANY_THREAD Written TryWrite(const std::shared_ptr<const resp::Stage>& stage,
                                            std::uint32_t count, resp::ReplyTarget& target);

  // redis::DirectPath.
  ON_LOOP void Allow(int fd) override;
  ON_LOOP void Forbid() override;
  ON_LOOP void TakeWritten(std::vector<resp::Run>& runs, ByteBuffer& rest) override;

 private:
  bool Encode(const std::shared_ptr<const resp::Stage>& stage, std::uint32_t count,
              resp::ReplyTarget& target) REQUIRES_LOCK(mutex_);

  const std::optional<std::uint64_t> command_timeout_ms_;
  Mutex mutex_;
  int fd_ GUARDED_BY(mutex_) = -1;  // -1: forbidden
  // During TryWrite what it writes; afterwards what the kernel did not take of it.
  ByteBuffer encoded_ GUARDED_BY(mutex_);
  std::vector<resp::Run> encoded_runs_ GUARDED_BY(mutex_);
  std::vector<resp::Run> written_ GUARDED_BY(mutex_);
};

}  // namespace sideloop
