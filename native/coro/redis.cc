#include "coro/redis.h"

#include <utility>

namespace sideloop::coro {

RedisCall Redis::Send(CancelToken cancel, std::span<const std::string_view> command,
                      std::uint32_t flags) {
  loop_.AssertOnLoop();
  std::shared_ptr<ReplyUnderWay> reply;
  if (cancel.cancelled()) {
    Error why = CancelState::Reason();
    why.message += ". The command was not sent: it is safe to repeat";
    reply = ReplyUnderWay::Refuse(loop_, std::move(why));
  } else {
    reply = ReplyUnderWay::Expect(loop_);
    Ensure().Send(command, *reply, flags);
  }
  return RedisCall(std::move(reply), std::move(cancel));
}

void Redis::Close() {
  loop_.AssertOnLoop();
  Ensure().Close({ErrorCode::kClosed, "The client was closed"});
}

redis::Connection& Redis::Ensure() {
  if (connection_ == nullptr) {
    redis::ConnectionObserver& observer = *this;
    connection_ = std::make_unique<redis::Connection>(loop_, options_, observer, stats_);
    self_ = shared_from_this();
    connection_->Open();
  }
  return *connection_;
}

void Redis::OnEnded() {
  // The connection is on the stack: it may go when this callback is over.
  loop_.ReleaseLater(std::move(self_));
}

}  // namespace sideloop::coro
