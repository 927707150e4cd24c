#include "coro/redis_call.h"

#include <utility>

namespace sideloop::coro {

bool ReplyUnderWay::EndReply() {
  loop_.AssertOnLoop();
  resp::Reply reply = builder_.Take();
  if (reply.is_error()) {
    Arrive(Error{ErrorCode::kReply, std::move(reply.text)});
  } else {
    Arrive(std::move(reply));
  }
  return false;
}

bool ReplyUnderWay::FailReplies(std::uint32_t, const Error& error) {
  loop_.AssertOnLoop();
  Arrive(error);
  return false;
}

void ReplyUnderWay::Arrive(Result<resp::Reply> result) {
  const std::shared_ptr<ReplyUnderWay> last = std::move(self_);
  result_ = std::move(result);
  if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->Settle();
}

Result<resp::Reply> RedisCall::await_resume() {
  if (!interrupted()) return reply_->Take();
  Error why = interrupted();
  why.message += ". The command was sent and may have run: look before you repeat it";
  why.may_have_run = true;
  return why;
}

}  // namespace sideloop::coro
