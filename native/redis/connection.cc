// Sending commands and pairing their replies. connection_connect.cc has the life of the connection,
// connection_deadlines.cc its clocks.
#include "redis/connection.h"

#include <algorithm>
#include <cassert>

#include "resp/encoder.h"

namespace sideloop::redis {

Connection::Connection(Loop& loop, const Options& options, ConnectionObserver& observer,
                       ConnectionStats& stats)
    : loop_(loop),
      options_(options),
      silence_timeout_ms_(options.silence_timeout_ms),
      observer_(observer),
      stats_(stats),
      backoff_(options.backoff_min_ms, options.backoff_max_ms, options.jitter_seed),
      parser_(options.limits) {
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
  TakeSideWrites();
  return !pairing_.empty() || !out_runs_.empty();
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
                      std::uint32_t flags) {
  if (!Accepts(1, target)) return;
  ForbidSideWrites();
  const std::size_t before = out_.size();
  resp::EncodeCommand(arguments, out_);
  Enqueue({.target = &target, .count = 1, .flags = flags, .bytes = out_.size() - before},
          out_runs_.size());
  loop_.FlushLater(*this);
}

void Connection::Send(const resp::Stage& stage, std::uint32_t count, resp::ReplyTarget& target) {
  if (!Accepts(count, target)) return;
  ForbidSideWrites();
  resp::StageEncoder encoder(stage);
  const std::size_t first_run = out_runs_.size();
  std::uint32_t encoded = 0;
  for (; encoded < count; ++encoded) {
    const std::size_t before = out_.size();
    std::uint32_t flags = 0;
    if (!encoder.EncodeNext(out_, flags)) {
      out_.Truncate(before);
      break;
    }
    Enqueue({.target = &target, .count = 1, .flags = flags, .bytes = out_.size() - before},
            first_run);
  }
  loop_.FlushLater(*this);
  if (encoded == count) return;
  // The two sides of the binding disagree about the stage's layout: a defect, but nothing may stay
  // unsettled.
  assert(false);
  const Error broken = {ErrorCode::kProtocol, "A command could not be encoded"};
  if (target.FailReplies(count - encoded, broken)) target.FlushReplies();
}

// Counts a command, encoded at the end of out_, into the last run if that is of the same kind and
// not older than `first_run`.
void Connection::Enqueue(const resp::Run& command, std::size_t first_run) {
  ++out_commands_;
  if (out_runs_.size() > first_run) {
    resp::Run& last = out_runs_.back();
    if (last.flags == command.flags && last.target == command.target &&
        last.bytes < options_.write_high_water) {
      ++last.count;
      last.bytes += command.bytes;
      return;
    }
  }
  resp::Run run = command;
  if (options_.command_timeout_ms && (run.flags & resp::Stage::kBlocking) == 0) {
    run.StartClock(Loop::Now(), *options_.command_timeout_ms);
  }
  out_runs_.push_back(run);
}

void Connection::Flush() {
  if (state_ == State::kReady) {
    const std::uint64_t now = Loop::Now();
    while (!out_runs_.empty() && !socket_->writing()) {
      std::size_t bytes = 0;
      while (!out_runs_.empty() && bytes < options_.write_high_water) {
        resp::Run run = out_runs_.pop_front();
        run.sent_at = now;
        bytes += run.bytes;
        out_commands_ -= run.count;
        stats_.commands += run.count;
        pairing_.Sent(run);
      }
      socket_->Write(out_.view().substr(0, bytes));
      out_.Consume(bytes);
      ++stats_.writes;
      stats_.bytes_sent += bytes;
    }
    if (out_.empty()) out_.ClearAndTrim(options_.write_high_water);
    AllowSideWrites();
  }
  UpdateGauges();
  WatchReplies();
}

void Connection::Quit(resp::ReplyTarget& target) {
  if (!Accepts(1, target)) return;
  if (state_ != State::kReady && out_runs_.empty()) {
    target.BeginReply(0).OnText("OK");
    if (target.EndReply()) target.FlushReplies();
    Close({ErrorCode::kClosed, "The client quit"});
    return;
  }
  ForbidSideWrites();
  const std::string_view quit[] = {"QUIT"};
  Send(quit, target);
  quitting_ = true;
}

// ---- The side writer ----

void Connection::AllowSideWrites() {
  if (side_writer_ == nullptr || side_writes_allowed_ || quitting_ || !out_runs_.empty() ||
      socket_->writing()) {
    return;
  }
  side_writes_allowed_ = true;
  side_writer_->Allow(socket_->fd());
}

void Connection::ForbidSideWrites() {
  if (!side_writes_allowed_) return;
  side_writer_->Forbid();
  TakeSideWrites();
  side_writes_allowed_ = false;
}

void Connection::TakeSideWrites() {
  if (!side_writes_allowed_) return;
  ByteBuffer rest;
  const std::size_t runs = pairing_.runs();
  side_writer_->TakeWritten(pairing_, rest);
  for (std::size_t i = runs; i < pairing_.runs(); ++i) {
    stats_.commands += pairing_.run(i).count;
    stats_.bytes_sent += pairing_.run(i).bytes;
    ++stats_.writes;
  }
  if (!rest.empty()) socket_->Write(rest.view());
}

// ---- Replies ----

void Connection::OnRead() {
  last_read_at_ = Loop::Now();
  TakeSideWrites();
  ++stats_.reads;
  stats_.bytes_received = stats_.bytes_received + (in_.size() - unparsed_);
  if (in_.size() >= wanted_) {
    wanted_ = 1;
    while (socket_ != nullptr && !in_.empty() && ParseNext()) {
    }
  }
  unparsed_ = in_.size();
  RecordLatency();
  FlushTargets();
  if (state_ == State::kEnded) return;
  if (in_.empty()) in_.ClearAndTrim(kKeptReadBuffer);
  if (quitting_ && !Busy()) {
    // The server has said OK; not every proxy hangs up after that.
    Close({ErrorCode::kClosed, "The client quit"});
    return;
  }
  UpdateGauges();
  WatchReplies();
}

// Parses what has arrived of one reply. False when nothing more can be parsed for now.
bool Connection::ParseNext() {
  if (replying_ == nullptr) {
    is_push_ = in_.data()[0] == '>' || (push_target_ != nullptr && pairing_.empty());
    if (!is_push_ && pairing_.empty()) {
      Lose({ErrorCode::kProtocol, "The server sent a reply that answers no command"});
      return false;
    }
    resp::ReplyTarget& pushes = push_target_ != nullptr ? *push_target_ : discard_;
    replying_ = is_push_ ? &pushes : pairing_.front().target;
    sink_ = &replying_->BeginReply(is_push_ ? 0 : pairing_.front().flags);
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
  resp::ReplyTarget& target = *std::exchange(replying_, nullptr);
  if (is_push_) {
    ++stats_.pushes;
    if (target.EndReply()) FlushSoon(target);
    return true;
  }
  CountReply(pairing_.front());
  pairing_.Answered();
  if (target.EndReply()) FlushSoon(target);
  return true;
}

// Replies of one write that arrive together have the same latency: they are recorded as one.
void Connection::CountReply(const resp::Run& run) {
  if (run.target == &greeter_) return;
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
  // Only a reply shows that the server is well; some greet and hang up.
  backoff_.Reset();
  stats_.last_reply_at = last_read_at_;
}

void Connection::FlushSoon(resp::ReplyTarget& target) {
  if (!touched_.empty() && touched_.back() == &target) return;
  if (std::find(touched_.begin(), touched_.end(), &target) == touched_.end()) {
    touched_.push_back(&target);
  }
}

void Connection::FlushTargets() {
  for (std::size_t i = 0; i < touched_.size(); ++i) touched_[i]->FlushReplies();
  touched_.clear();
}

void Connection::UpdateGauges() {
  const std::size_t in_flight = pairing_.in_flight();
  stats_.in_flight = in_flight;
  if (in_flight > stats_.peak_in_flight) stats_.peak_in_flight = in_flight;
  stats_.waiting = out_commands_;
}

}  // namespace sideloop::redis
