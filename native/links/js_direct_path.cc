#include "links/js_direct_path.h"

#ifndef _WIN32
#include <sys/socket.h>
#endif

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/nanoseconds.h"
#include "loop/loop.h"
#include "resp/encoder.h"

namespace sideloop {

namespace {

#if defined(_WIN32)
// A socket of libuv's is bound to its completion port there: only the loop thread writes.
long Send(int, const char*, std::size_t) { return -1; }
#else
#ifndef MSG_NOSIGNAL  // macOS; libuv sets SO_NOSIGPIPE on its sockets
#define MSG_NOSIGNAL 0
#endif
long Send(int fd, const char* bytes, std::size_t size) {
  return ::send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}
#endif

}  // namespace

JsDirectPath::Written JsDirectPath::TryWrite(const std::shared_ptr<const resp::Stage>& stage,
                                             std::uint32_t count, resp::ReplyTarget& target) {
  const std::size_t units = stage->is_wide ? stage->wide.size() : stage->text.size();
  if (count > kMostCommands || units > kMostText || !stage->bytes.empty()) {
    return Written::kNothing;
  }
  MutexLock lock(mutex_);
  if (fd_ < 0) return Written::kNothing;
  encoded_runs_.clear();
  // A broken socket takes nothing either; the loop thread finds out how it broke.
  const bool encoded = Encode(stage, count, target);
  const long sent = encoded ? Send(fd_, encoded_.data(), encoded_.size()) : -1;
  if (sent <= 0) {
    encoded_.Clear();
    encoded_runs_.clear();
    return Written::kNothing;
  }
  encoded_.Consume(static_cast<std::size_t>(sent));
  std::move(encoded_runs_.begin(), encoded_runs_.end(), std::back_inserter(written_));
  if (encoded_.empty()) return Written::kAll;
  fd_ = -1;
  return Written::kPartly;
}

bool JsDirectPath::Encode(const std::shared_ptr<const resp::Stage>& stage, std::uint32_t count,
                          resp::ReplyTarget& target) {
  resp::StageEncoder encoder(*stage);
  const std::uint64_t now = Loop::Now();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t before = encoded_.size();
    const resp::StageEncoder::Position from = encoder.position();
    std::uint32_t flags = 0;
    // One that may block at the server changes what silence means: the connection is to know of it
    // first.
    if (!encoder.EncodeNext(encoded_, flags) || (flags & resp::Stage::kBlocking) != 0) return false;
    resp::Run run{.target = &target, .count = 1, .flags = flags, .bytes = encoded_.size() - before};
    run.sent_at = now;
    if (command_timeout_ms_) run.deadline = now + ToNs(*command_timeout_ms_);
    run.stage = stage;
    run.from = from;
    encoded_runs_.push_back(std::move(run));
  }
  return true;
}

void JsDirectPath::Allow(int fd) {
  MutexLock lock(mutex_);
  fd_ = fd;
}

void JsDirectPath::Forbid() {
  MutexLock lock(mutex_);
  fd_ = -1;
}

void JsDirectPath::TakeWritten(std::vector<resp::Run>& runs, ByteBuffer& rest) {
  MutexLock lock(mutex_);
  if (written_.empty()) return;
  std::move(written_.begin(), written_.end(), std::back_inserter(runs));
  written_.clear();
  rest.Append(encoded_.view());
  encoded_.Clear();
}

}  // namespace sideloop
