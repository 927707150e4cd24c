// Thread: loop.
// Owns: a share of the reply under way; the connection has the other (rule 7).
// Ends: with its scope. What has not arrived by then is swallowed in its turn.
#pragma once

#include <memory>
#include <optional>

#include "coro/result.h"
#include "coro/suspension.h"
#include "loop/loop.h"
#include "resp/pairing.h"
#include "resp/reply.h"

namespace sideloop::coro {

class RedisCall;

// Takes one reply from a connection, for whoever waits, or for nobody.
class ReplyUnderWay final : public resp::ReplyTarget {
 public:
  explicit ReplyUnderWay(Loop& loop) : loop_(loop) {}

  // The target of the next command sent: lives until it is answered, at least.
  ON_LOOP static std::shared_ptr<ReplyUnderWay> Expect(Loop& loop) {
    auto reply = std::make_shared<ReplyUnderWay>(loop);
    reply->self_ = reply;
    return reply;
  }

  // In place of a command that is not sent.
  ON_LOOP static std::shared_ptr<ReplyUnderWay> Refuse(Loop& loop, Error why) {
    auto reply = std::make_shared<ReplyUnderWay>(loop);
    reply->result_ = std::move(why);
    return reply;
  }

  ON_LOOP bool arrived() const { return result_.has_value(); }
  // Requires: arrived().
  ON_LOOP Result<resp::Reply> Take() { return std::move(*result_); }
  // Who is told when it arrives; null: nobody.
  ON_LOOP void set_waiter(RedisCall* waiter) { waiter_ = waiter; }

  // resp::ReplyTarget.
  resp::ReplySink& BeginReply(std::uint32_t) override { return builder_; }
  bool EndReply() override;
  void AbortReply() override { builder_.Take(); }
  bool FailReplies(std::uint32_t count, const Error& error) override;

 private:
  ON_LOOP void Arrive(Result<resp::Reply> result);

  Loop& loop_;
  resp::ReplyBuilder builder_;
  LOOP_ONLY std::optional<Result<resp::Reply>> result_;
  LOOP_ONLY RedisCall* waiter_ = nullptr;
  LOOP_ONLY std::shared_ptr<ReplyUnderWay> self_;  // the connection's share
};

// A command that was sent. `co_await` gives its reply, once; an error reply is an Error, kReply.
// Several can be under way at once, in variables of their own, to be awaited one after the other.
// Where the wait is cancelled, the command may have run all the same.
class [[nodiscard]] RedisCall final : public Suspension {
 public:
  RedisCall(std::shared_ptr<ReplyUnderWay> reply, CancelToken cancel)
      : Suspension(std::move(cancel)), reply_(std::move(reply)) {}

  ON_LOOP bool await_ready() const { return reply_->arrived(); }
  ON_LOOP Result<resp::Reply> await_resume();

 private:
  friend class ReplyUnderWay;

  ON_LOOP void Begin() override { reply_->set_waiter(this); }
  ON_LOOP void Abandon() override { reply_->set_waiter(nullptr); }

  const std::shared_ptr<ReplyUnderWay> reply_;
};

}  // namespace sideloop::coro
