// Thread: crosses. A client of a Redis connection as its JS environment holds it: calls from the JS
// thread become jobs, replies and events become deliveries.
// Owns: a share of the connection, the writer of its replies.
// Ends: with its last owner: the JS object, a job, or the connection while the client is in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/integer_form.h"
#include "cross/outbox.h"
#include "cross/reply_writer.h"
#include "links/reply_bounds.h"
#include "links/shared_connection.h"
#include "redis/options.h"
#include "resp/stage.h"
#include "timers/alarm_clock.h"

namespace sideloop {

//            first job        PostQuit, and others stay
//   kOutside ---------> kIn --------------------------> kLeaving
//                       | |                               | | its last command is settled
//    the only one quits | | PostClose, PostDetach         | |
//                       | +---------------------> kOut <----+
//                       |    the connection ends   ^      |
//                       +---------------------> kEnding <-+  by then it is the only one
//
// Replies that its JS thread does not take are bounded, in bytes. A client that has its connection
// for itself stops reading above the bound. One that shares it must not hold up the others: what it
// has in flight fails, and the replies are swallowed in their places. Until then these commands
// count as pending, or the client could ask for ever more at the expense of the others.
class RedisLink final : public std::enable_shared_from_this<RedisLink>,
                        public Attachment,
                        public RoomListener {
 public:
  // A connection of its own, for others to share later. `target` is the number under which the
  // environment knows the link.
  RedisLink(std::shared_ptr<EventLoop> loop, redis::Options options, std::shared_ptr<Outbox> outbox,
            std::uint32_t target, IntegerForm integers = IntegerForm::kTextBeyond,
            const ReplyBounds& bounds = {});
  // One more client of `connection`. Requires: it was let in by TryEnter.
  RedisLink(std::shared_ptr<SharedConnection> connection, std::shared_ptr<Outbox> outbox,
            std::uint32_t target, IntegerForm integers = IntegerForm::kTextBeyond,
            const ReplyBounds& bounds = {});

  // Each of these queues a job; false where the loop takes none any more, and then nothing happens.
  [[nodiscard]] ANY_THREAD bool PostOpen();
  // Asks how the connection stands, and to be told from now on. For one that others have opened.
  [[nodiscard]] ANY_THREAD bool PostAttach();
  [[nodiscard]] ANY_THREAD bool PostSubmit(std::shared_ptr<const resp::Stage> stage,
                                           std::uint32_t count);
  // Does without the job where it can, which pays while nothing else of the caller is pending.
  // Requires: nothing is, or commands would overtake those before them.
  [[nodiscard]] ANY_THREAD bool SubmitAlone(std::shared_ptr<const resp::Stage> stage,
                                            std::uint32_t count);
  // Leaves when all that was submitted is settled; the last client ends the connection by QUIT.
  [[nodiscard]] ANY_THREAD bool PostQuit();
  // Leaves at once; what is pending fails. The last client ends the connection.
  [[nodiscard]] ANY_THREAD bool PostClose();
  // Drops the connection, which is then lost like any other.
  [[nodiscard]] ANY_THREAD bool PostDrop();
  // Leaves because nobody is there to be told any more.
  ANY_THREAD void PostDetach() override;
  // RoomListener: its JS thread has taken enough for it to go on.
  ANY_THREAD void PostRoom() override;

  ANY_THREAD const std::shared_ptr<SharedConnection>& connection() const { return connection_; }
  ANY_THREAD EventLoop& loop() { return *connection_->loop(); }

  // For what sends by itself, on behalf of the client: the connection, opened if need be. Null
  // where the client has left it.
  ON_LOOP redis::Connection* TryUse();

  // The clock of all that sends by itself on behalf of the client. It lives while one of them does.
  ON_LOOP std::shared_ptr<timers::AlarmClock> Alarms();

  // For the connection, and for what sends by itself: what happens to it.
  ON_LOOP void OnEvent(std::string_view event, std::span<const ReplyWriter::Argument> arguments);
  ON_LOOP void OnFailed(std::string_view event, const Error& why);

 private:
  enum class State : std::uint8_t { kOutside, kIn, kLeaving, kEnding, kOut };

  // Where the replies go: the writer, and word to the link when there are no more for now.
  class Replies final : public ReplyWriter {
   public:
    Replies(RedisLink& link, std::shared_ptr<Outbox> outbox, std::uint32_t target,
            IntegerForm integers)
        : ReplyWriter(std::move(outbox), target, integers), link_(link) {}
    bool WaitsForServer() const override { return true; }
    void FlushReplies() override;

   private:
    RedisLink& link_;
  };

  ON_LOOP void Enter();
  ON_LOOP void Submit(std::shared_ptr<const resp::Stage> stage, std::uint32_t count);
  ON_LOOP void Quit();
  ON_LOOP void FailLate(std::uint32_t count);
  ON_LOOP void LeaveIfSettled();
  ON_LOOP void KeepBounds();
  // What may be held when it is told that there is room.
  ON_LOOP Outbox::Held Enough();
  ON_LOOP void RejectPending();
  ON_LOOP void Close();
  ON_LOOP void Detach();
  ON_LOOP void SayGoodbye();

  const std::shared_ptr<SharedConnection> connection_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  const ReplyBounds bounds_;
  Replies replies_;
  LOOP_ONLY bool rejects_ = false;  // a job is on its way that rejects what is pending
  LOOP_ONLY State state_ = State::kOutside;
  LOOP_ONLY std::weak_ptr<timers::AlarmClock> alarms_;
};

}  // namespace sideloop
