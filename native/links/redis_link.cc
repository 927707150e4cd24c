#include "links/redis_link.h"

#include <utility>

namespace sideloop {

namespace {
// Not a constant: its destructor would run at the process's exit, where loop threads still run.
Error Disconnected() { return {ErrorCode::kClosed, "The client was disconnected"}; }
}  // namespace

RedisLink::RedisLink(std::shared_ptr<EventLoop> loop, redis::Options options,
                     std::shared_ptr<Outbox> outbox, std::uint32_t target, IntegerForm integers,
                     const ReplyBounds& bounds)
    : RedisLink(std::make_shared<SharedConnection>(std::move(loop), std::move(options)),
                std::move(outbox), target, integers, bounds) {
  const bool entered = connection_->TryEnter();
  (void)entered;  // a new connection lets everybody in
}

RedisLink::RedisLink(std::shared_ptr<SharedConnection> connection, std::shared_ptr<Outbox> outbox,
                     std::uint32_t target, IntegerForm integers, const ReplyBounds& bounds)
    : connection_(std::move(connection)),
      outbox_(std::move(outbox)),
      target_(target),
      bounds_(bounds),
      replies_(*this, outbox_, target, integers) {}

bool RedisLink::PostOpen() {
  return loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    self->Enter();
    if (self->state_ == State::kIn) self->connection_->Opened();
  });
}

bool RedisLink::PostAttach() {
  return loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    self->Enter();
  });
}

bool RedisLink::PostSubmit(std::shared_ptr<const resp::Stage> stage, std::uint32_t count) {
  return loop().Post([self = shared_from_this(), stage = std::move(stage), count]() mutable {
    self->loop().loop().AssertOnLoop();
    self->Submit(std::move(stage), count);
  });
}

bool RedisLink::SubmitAlone(std::shared_ptr<const resp::Stage> stage, std::uint32_t count) {
  if (!loop().Accepts()) return false;
  switch (connection_->direct().TryWrite(stage, count, replies_)) {
    case JsDirectPath::Written::kNothing:
      return PostSubmit(std::move(stage), count);
    case JsDirectPath::Written::kPartly: {
      // Accepted whatever comes: where the loop is ending, its end settles the commands.
      const bool woken = loop().PostControl([self = shared_from_this()] {
        self->loop().loop().AssertOnLoop();
        self->connection_->Made().TakeDirectWrites();
      });
      (void)woken;
      return true;
    }
    case JsDirectPath::Written::kAll:
      return true;
  }
  return false;
}

bool RedisLink::PostQuit() {
  return loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    self->Quit();
  });
}

bool RedisLink::PostClose() {
  return loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    self->Close();
  });
}

bool RedisLink::PostDrop() {
  return loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    if (self->state_ != State::kIn) return;
    self->connection_->Made().Break(
        {ErrorCode::kDisconnected, "The connection was dropped by disconnect(true)"});
  });
}

void RedisLink::PostDetach() {
  const bool accepted = loop().PostControl([self = shared_from_this()] {
    self->loop().loop().AssertOnLoop();
    self->Detach();
  });
  (void)accepted;  // else the loop's own end closes the connection
}

void RedisLink::Enter() {
  if (state_ != State::kOutside) return;
  state_ = State::kIn;
  connection_->Add(shared_from_this());
}

void RedisLink::Submit(std::shared_ptr<const resp::Stage> stage, std::uint32_t count) {
  Enter();
  if (state_ == State::kOut) {
    FailLate(count);
  } else {
    connection_->Opened().Send(std::move(stage), count, replies_);
  }
}

void RedisLink::Quit() {
  Enter();
  if (state_ == State::kOut) {
    FailLate(1);
    return;
  }
  if (state_ == State::kIn && !connection_->TryEnd()) {
    state_ = State::kLeaving;
    LeaveIfSettled();
    return;
  }
  state_ = State::kEnding;
  connection_->Made().Quit(replies_);
}

redis::Connection* RedisLink::TryUse() {
  Enter();
  return state_ == State::kIn ? &connection_->Opened() : nullptr;
}

std::shared_ptr<timers::AlarmClock> RedisLink::Alarms() {
  std::shared_ptr<timers::AlarmClock> clock = alarms_.lock();
  if (clock == nullptr) {
    clock = std::make_shared<timers::AlarmClock>(loop().loop());
    alarms_ = clock;
  }
  return clock;
}

// The connection has ended, and JS has not heard of it yet.
void RedisLink::FailLate(std::uint32_t count) {
  const Error closed = {ErrorCode::kClosed, "The connection was closed: make a new client"};
  if (replies_.FailReplies(count, closed)) replies_.FlushReplies();
}

// Of a client that quits: nothing of it is pending any more.
void RedisLink::LeaveIfSettled() {
  if (state_ != State::kLeaving) return;
  redis::Connection& connection = connection_->Made();
  if (connection.HasPending(replies_)) return;
  if (connection_->TryEnd() && connection.state() != redis::Connection::State::kEnded) {
    state_ = State::kEnding;
    connection.Quit(replies_);
    return;
  }
  state_ = State::kOut;
  replies_.BeginReply(0).OnText("OK");
  if (replies_.EndReply()) replies_.FlushReplies();
  SayGoodbye();
  connection_->Leave(*this);
}

void RedisLink::Close() {
  Enter();
  if (state_ == State::kOut) return;
  redis::Connection& connection = connection_->Made();
  const bool quits = state_ == State::kLeaving;
  const bool ends = state_ == State::kEnding || connection_->TryEnd();
  const bool holds_up = connection.HasBlocking(replies_);
  state_ = ends ? State::kEnding : State::kOut;
  if (!ends || quits) connection.Fail(replies_, Disconnected());
  // The connection does not know of the QUIT of one that leaves others behind.
  if (quits && replies_.FailReplies(1, Disconnected())) replies_.FlushReplies();
  if (ends) {
    connection.Close(Disconnected());
    return;
  }
  SayGoodbye();
  connection_->Leave(*this);
  if (holds_up) connection_->EndWaits();
}

void RedisLink::Detach() {
  if (state_ == State::kOut) return;
  redis::Connection& connection = connection_->Made();
  const bool holds_up = connection.HasBlocking(replies_);
  connection.ResumeReplies();
  connection.Abandon(replies_);
  // It counts although it may never have come in: rule 1 of the connection.
  if (state_ != State::kEnding && !connection_->TryEnd()) {
    state_ = State::kOut;
    connection_->Leave(*this);
    if (holds_up) connection_->EndWaits();
    return;
  }
  // QUIT would wait behind a command that blocks at the server, and nobody would end that.
  if (connection.HasBlocking()) {
    connection.Close(Disconnected());
  } else if (state_ != State::kEnding) {
    connection.Quit();
  }
}

void RedisLink::OnEvent(std::string_view event, std::span<const ReplyWriter::Argument> arguments) {
  replies_.AddEvent(event, arguments);
  if (event == "end") state_ = State::kOut;
}

void RedisLink::OnFailed(std::string_view event, const Error& why) {
  replies_.FlushReplies();
  if (state_ == State::kOut) return;
  replies_.AddEvent(event, {std::string_view(NameOf(why.code)), std::string_view(why.message)});
}

// To a client that leaves the others behind, what the connection's end would tell it.
void RedisLink::SayGoodbye() {
  if (connection_->is_up()) {
    const Error why = Disconnected();
    replies_.AddEvent("close", {std::string_view(NameOf(why.code)), std::string_view(why.message)});
  }
  replies_.AddEvent("end", {});
}

void RedisLink::Replies::FlushReplies() {
  ReplyWriter::FlushReplies();
  link_.loop().loop().AssertOnLoop();
  link_.LeaveIfSettled();
  link_.KeepBounds();
}

}  // namespace sideloop
