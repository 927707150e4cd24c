// Sending commands and reading their replies. connection_connect.cc has the life of the connection,
// connection_deadlines.cc its clocks, connection_unready.cc what a server that can't serve refuses,
// connection_quit.cc its end by QUIT, CommandQueue what is pending.
#include "redis/connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sideloop::redis {

Connection::Connection(Loop& loop, const Options& options, ConnectionObserver& observer,
                       ConnectionStats& stats)
    : loop_(loop),
      options_(options),
      silence_timeout_ms_(options.silence_timeout_ms),
      observer_(observer),
      stats_(stats),
      backoff_(options.backoff_min_ms, options.backoff_max_ms, Backoff::SeedOf(this, Loop::Now())),
      parser_(options.limits),
      queue_({options.command_timeout_ms, options.silence_timeout_ms}) {
  if (!loop_.TryAdd(*this)) {
    state_ = State::kEnded;
    return;
  }
  connect_timer_ = std::make_unique<Timer>(loop_, [this] {
    loop_.AssertOnLoop();
    OnConnectTimer();
  });
  watch_timer_ = std::make_unique<Timer>(loop_, [this] {
    loop_.AssertOnLoop();
    OnWatch();
  });
}

Connection::~Connection() {
  // Invariant: a connection is destroyed after its end, or it would lose what is pending.
  assert(state_ == State::kEnded);
}

bool Connection::Busy() {
  TakeDirectWrites();
  return !queue_.is_quiet() || queue_.has_unsent();
}

// ---- Sending ----

bool Connection::Accepts(std::uint32_t count, resp::ReplyTarget& target) {
  if (state_ != State::kEnded && !quitting_ && !closing_) return true;
  stats_.failed += count;
  const Error closed = {ErrorCode::kClosed, "The connection was closed: make a new client"};
  if (target.FailReplies(count, closed)) target.FlushReplies();
  return false;
}

void Connection::Send(std::span<const std::string_view> arguments, resp::ReplyTarget& target,
                      std::uint32_t flags, std::int32_t wait_ms) {
  if (!Accepts(1, target)) return;
  CloseDirectPath();
  queue_.Add(arguments, target, flags, Loop::Now(), wait_ms);
  loop_.FlushLater(*this);
}

void Connection::Send(std::shared_ptr<const resp::Stage> stage, std::uint32_t count,
                      resp::ReplyTarget& target) {
  if (!Accepts(count, target)) return;
  CloseDirectPath();
  queue_.Add(std::move(stage), count, target, Loop::Now());
  loop_.FlushLater(*this);
}

void Connection::Flush() {
  if (std::exchange(rests_, false) && !is_paused_ && socket_ != nullptr) socket_->StartReading();
  if (state_ == State::kReady) {
    WriteUnsent();
    if (queue_.is_holding()) {
      LeaveReady();
    } else {
      OpenDirectPath();
    }
  }
  queue_.FlushTargets();
  UpdateGauges();
  WatchReplies();
}

// All that a pass brought goes out in one write, where it is not more than a slice. A pass ends
// after about a millisecond, so that no client's bulk holds up the others of the loop.
void Connection::WriteUnsent() {
  const std::uint64_t began = Loop::Now();
  std::uint64_t now = began;
  for (std::size_t slices = 0; queue_.can_send() && !socket_->writing(); ++slices) {
    if (slices == kSlicesPerPass || now - began >= Loop::kPassNs) {
      loop_.FlushAfterPoll(*this);
      return;
    }
    stats_.commands += queue_.Encode(slice_, kSlice, now);
    if (!slice_.empty()) {
      ++stats_.writes;
      stats_.bytes_sent += slice_.size();
      socket_->Write(slice_.view());
      slice_.Clear();
    }
    if (queue_.can_send()) now = Loop::Now();
  }
}

// ---- The direct path ----

void Connection::OpenDirectPath() {
  if (direct_path_ == nullptr || direct_path_open_ || quitting_ || is_paused_ ||
      queue_.is_holding() || queue_.has_unsent() || socket_->writing()) {
    return;
  }
  direct_path_open_ = true;
  direct_path_->Allow(socket_->fd());
}

void Connection::CloseDirectPath() {
  if (!direct_path_open_) return;
  direct_path_->Forbid();
  TakeDirectWrites();
  direct_path_open_ = false;
}

void Connection::TakeDirectWrites() {
  if (!direct_path_open_) return;
  ByteBuffer rest;
  direct_path_->TakeWritten(direct_writes_, rest);
  for (resp::Run& run : direct_writes_) {
    stats_.commands += run.count;
    stats_.bytes_sent += run.bytes;
    ++stats_.writes;
    queue_.Sent(std::move(run));
  }
  direct_writes_.clear();
  if (!rest.empty()) socket_->Write(rest.view());
}

// ---- Replies ----

// A long string is read to where it stays.
std::span<char> Connection::ReadRoom() {
  const std::span<char> room = parser_.Room(Socket::kReadSize);
  reads_long_ = !room.empty();
  return reads_long_ ? room : std::span(in_.Reserve(Socket::kReadSize), Socket::kReadSize);
}

void Connection::OnRead(std::size_t bytes) {
  last_read_at_ = Loop::Now();
  TakeDirectWrites();
  ++stats_.reads;
  stats_.bytes_received = stats_.bytes_received + bytes;
  if (reads_long_) {
    parser_.Commit(bytes);
  } else {
    in_.Commit(bytes);
    Parse();
  }
  RecordLatency();
  // It may be the larger half.
  if (replying_ != nullptr && !is_push_) queue_.FlushSoon(*replying_);
  // Whoever hears of a reply finds it counted.
  UpdateGauges();
  queue_.FlushTargets();
  if (state_ == State::kEnded) return;
  if (in_.empty()) in_.ClearAndTrim(kKeptReadBuffer);
  EndIfOnlyQuitWaits();
  if (state_ == State::kEnded) return;
  if (quitting_ && queue_.is_quiet()) {
    if (!Busy()) {
      // The server has said OK; not every proxy hangs up after that.
      Close({ErrorCode::kClosed, "The client quit"});
      return;
    }
    // QUIT is next.
    loop_.FlushLater(*this);
  }
  UpdateGauges();
  WatchReplies();
  RestAfterPass();
}

// As long as a read fills its room libuv goes on with the next, for up to 32 of them. Behind a
// pass's time the others of the loop have their turn.
void Connection::RestAfterPass() {
  if (reading_pass_ != loop_.passes()) {
    reading_pass_ = loop_.passes();
    pass_began_at_ = last_read_at_;
  } else if (last_read_at_ - pass_began_at_ >= Loop::kPassNs && socket_ != nullptr) {
    socket_->StopReading();
    rests_ = true;
    loop_.FlushAfterPoll(*this);
  }
}

void Connection::Parse() {
  if (in_.size() < wanted_) return;
  wanted_ = 1;
  while (socket_ != nullptr && !in_.empty() && ParseNext()) {
  }
}

// Parses what has arrived of one reply. False when nothing more can be parsed for now.
bool Connection::ParseNext() {
  if (replying_ == nullptr) {
    is_push_ = in_.data()[0] == '>' ||
               (state_ == State::kReady && push_target_ != nullptr && queue_.is_quiet());
    if (!is_push_ && queue_.is_quiet()) {
      Lose({ErrorCode::kProtocol, "The server sent a reply that answers no command"});
      return false;
    }
    if (is_push_) {
      replying_ = push_target_ != nullptr ? push_target_ : &queue_.discard();
    } else {
      const resp::Run& run = queue_.front();
      replying_ = run.is_settled ? &queue_.discard() : run.target;
      const bool is_error = in_.data()[0] == '-';
      if (is_error || queue_.is_holding()) [[unlikely]] {
        BeginUnready(is_error);
      }
    }
    sink_ = &replying_->BeginReply(is_push_ ? 0 : queue_.front().flags);
  }
  const resp::Parser::Step step = parser_.Next(in_.view(), *sink_);
  in_.Consume(step.consumed);
  switch (step.result) {
    case resp::Parser::Result::kMore:
      wanted_ = step.wanted;
      // Memory grows with what arrives, not with what is announced.
      in_.Reserve(std::min(wanted_ - in_.size(), in_.size() + Socket::kReadSize));
      return false;
    case resp::Parser::Result::kBroken:
      Lose({ErrorCode::kProtocol,
            std::string("What the server sent is not RESP: ") + parser_.broken_because()});
      return false;
    case resp::Parser::Result::kComplete:
      break;
  }
  EndReply();
  return true;
}

void Connection::EndReply() {
  resp::ReplyTarget* target = std::exchange(replying_, nullptr);
  if (target == &error_) [[unlikely]] {
    EndError();
    return;
  }
  if (is_push_) {
    ++stats_.pushes;
  } else {
    const resp::Run& run = queue_.front();
    CountReply(run);
    if (run.is_settled) {
      // It has its turn.
      target = run.target;
      target->BeginReply(0).OnNull();
    }
    queue_.Answered();
  }
  if (target->EndReply()) queue_.FlushSoon(*target);
  if (queue_.is_holding()) [[unlikely]] {
    LeaveReady();
  }
}

// Replies of one write that arrive together have the same latency: they are recorded as one.
void Connection::CountReply(const resp::Run& run) {
  if (state_ == State::kGreeting) return;
  if (run.sent_at != answered_sent_at_) {
    RecordLatency();
    answered_sent_at_ = run.sent_at;
  }
  ++answered_count_;
}

void Connection::RecordLatency() {
  const std::uint64_t count = std::exchange(answered_count_, 0);
  if (count == 0) return;
  stats_.latency.Record(last_read_at_ - answered_sent_at_, count);
  stats_.replies += count;
  stats_.last_reply_at = last_read_at_;
}

// Half of a reply of the target's may be here already; the other half goes the way of the rest.
void Connection::DropReply(const resp::ReplyTarget& target) {
  if (replying_ != &target) return;
  replying_->AbortReply();
  replying_ = &queue_.discard();
  sink_ = &replying_->BeginReply(0);
}

void Connection::Fail(resp::ReplyTarget& target, const Error& why) {
  TakeDirectWrites();
  DropReply(target);
  queue_.Fail(target, why);
  queue_.FlushTargets();
  UpdateGauges();
  EndIfOnlyQuitWaits();
}

void Connection::FailInPlace(resp::ReplyTarget& target, const Error& why) {
  TakeDirectWrites();
  DropReply(target);
  queue_.FailInPlace(target, why);
  queue_.FlushTargets();
  UpdateGauges();
}

void Connection::Abandon(resp::ReplyTarget& target) {
  TakeDirectWrites();
  DropReply(target);
  queue_.Abandon(target);
  UpdateGauges();
  EndIfOnlyQuitWaits();
}

void Connection::Withdraw(std::span<resp::ReplyTarget* const> targets, const Error& why) {
  if (!queue_.has_unsent() && !HasBlocking()) return;
  TakeDirectWrites();
  // Half of the reply of one that blocks may be here already.
  if (replying_ != nullptr && !is_push_ && queue_.WithdrawsFront(targets)) {
    DropReply(*replying_);
  }
  queue_.Withdraw(targets, why);
  queue_.FlushTargets();
  UpdateGauges();
  EndIfOnlyQuitWaits();
}

bool Connection::HasPending(const resp::ReplyTarget& target) {
  TakeDirectWrites();
  return queue_.HasPending(target);
}

bool Connection::HasBlocking() {
  TakeDirectWrites();
  return queue_.has_blocking();
}

bool Connection::HasBlocking(const resp::ReplyTarget& target) {
  TakeDirectWrites();
  return queue_.HasBlocking(target);
}

bool Connection::BlocksForNobody() {
  TakeDirectWrites();
  return queue_.BlocksForNobody();
}

void Connection::UpdateGauges() {
  // Before that it is the greeting, which is nobody's command.
  const std::size_t in_flight = state_ == State::kReady ? queue_.in_flight() : 0;
  stats_.in_flight = in_flight;
  if (in_flight > stats_.peak_in_flight) stats_.peak_in_flight = in_flight;
  stats_.waiting = queue_.unsent();
  stats_.failed += queue_.TakeFailed();
}

}  // namespace sideloop::redis
