#include "cross/redis_link.h"

#include <utility>

namespace sideloop {

RedisLink::RedisLink(std::shared_ptr<EventLoop> loop, redis::Options options,
                     std::shared_ptr<Outbox> outbox, std::uint32_t target)
    : loop_(std::move(loop)),
      options_(std::move(options)),
      writer_(std::move(outbox), target),
      direct_(options_.command_timeout_ms) {}

bool RedisLink::PostOpen() {
  return loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Opened();
  });
}

bool RedisLink::PostSubmit(std::unique_ptr<resp::Stage> stage, std::uint32_t count) {
  return loop_->Post([self = shared_from_this(), stage = std::move(stage), count] {
    self->loop_->loop().AssertOnLoop();
    self->Opened().Send(*stage, count, self->writer_);
  });
}

bool RedisLink::SubmitAlone(std::unique_ptr<resp::Stage> stage, std::uint32_t count) {
  if (!loop_->Accepts()) return false;
  switch (direct_.TryWrite(*stage, count, writer_)) {
    case DirectPath::Written::kNothing:
      return PostSubmit(std::move(stage), count);
    case DirectPath::Written::kPartly: {
      // Accepted whatever comes: where the loop is ending, its end settles the commands.
      const bool woken = loop_->PostControl([self = shared_from_this()] {
        self->loop_->loop().AssertOnLoop();
        self->Made().TakeSideWrites();
      });
      (void)woken;
      return true;
    }
    case DirectPath::Written::kAll:
      return true;
  }
  return false;
}

bool RedisLink::PostQuit() {
  return loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Quit(self->writer_);
  });
}

bool RedisLink::PostClose() {
  return loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Made().Close({ErrorCode::kClosed, "The client was disconnected"});
  });
}

redis::Connection& RedisLink::Made() {
  if (connection_ == nullptr) {
    redis::ConnectionObserver& observer = *this;
    connection_ = std::make_unique<redis::Connection>(loop_->loop(), options_, observer, stats_);
    connection_->set_side_writer(direct_);
    self_ = shared_from_this();
  }
  return *connection_;
}

redis::Connection& RedisLink::Opened() {
  redis::Connection& connection = Made();
  if (connection.state() == redis::Connection::State::kIdle) connection.Open();
  return connection;
}

void RedisLink::OnClosed(const Error& why) {
  writer_.FlushReplies();
  writer_.AddEvent("close", {std::string_view(NameOf(why.code)), std::string_view(why.message)});
}

void RedisLink::OnReconnecting(std::uint64_t delay_ms, std::uint32_t attempt) {
  writer_.AddEvent("reconnecting", {static_cast<std::int64_t>(delay_ms), std::int64_t{attempt}});
}

void RedisLink::OnEnded() {
  writer_.AddEvent("end", {});
  // The connection is on the stack: it may go when this callback is over. Until then, and for as
  // long as JS holds the link, it says kClosed to latecomers.
  loop_->loop().ReleaseLater(std::move(self_));
}

}  // namespace sideloop
