// Thread: loop. Commands under way whose answers go to functions, for as long as their owner lives
//
// Owns: nothing; each command is owned by its connection, and knows these only while they live.
// Ends: with its owner; answers that come later are dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "base/error.h"
#include "base/lease_clock.h"
#include "loop/loop.h"
#include "redis/connection.h"
#include "redis/one_reply.h"
#include "resp/refusal.h"
#include "resp/reply.h"

namespace sideloop::lease {

struct Answer {
  resp::Reply reply;
  Error error;  // of the server's, code kReply, or of the connection
  // When it was given to the connection, ns: never after the server got it.
  std::uint64_t sent_at = 0;

  // What it says where it is no error of anybody's, and not what was asked for either.
  Error Unreadable(std::string_view what) const {
    if (error) return error;
    return {ErrorCode::kProtocol, std::string(what) + " was answered by something else"};
  }

  // What the server's error means; kNo where it has said none.
  resp::Refusal refusal() const {
    const bool is_said = error.code == ErrorCode::kReply;
    return is_said ? resp::RefusalOf(error.message) : resp::Refusal::kNo;
  }

  // It says nothing about what was asked: the server can't for now, or it is another one's to
  // answer. Nothing ran.
  bool is_for_later() const {
    const resp::Refusal why = refusal();
    return why == resp::Refusal::kNotNow || why == resp::Refusal::kNotHere;
  }

  // The group, or the stream with all of its groups, is not there any more.
  bool has_no_group() const {
    if (error.code != ErrorCode::kReply) return false;
    // The latter says a server of a read that waits.
    return error.message.find("NOGROUP") != std::string::npos ||
           error.message.starts_with("UNBLOCKED the stream key no longer exists");
  }
};

class PendingReplies {
 public:
  using Callback = std::function<void(Answer& answer)>;

  explicit PendingReplies(Loop& loop) : loop_(loop) {}
  ~PendingReplies() { Forget(); }
  PendingReplies(const PendingReplies&) = delete;
  PendingReplies& operator=(const PendingReplies&) = delete;

  // `callback` runs once, perhaps within this call, unless Forget comes before.
  ON_LOOP void Send(redis::Connection& connection, std::span<const std::string_view> command,
                    Callback callback, std::uint32_t flags = 0) {
    auto* one = new Pending(*this, std::move(callback));
    one->place = under_way_.size();
    under_way_.push_back(one);
    connection.Send(command, *one, flags);
  }
  ON_LOOP void Send(redis::Connection& connection, std::span<const std::string> command,
                    Callback callback, std::uint32_t flags = 0) {
    const std::vector<std::string_view> views(command.begin(), command.end());
    Send(connection, std::span<const std::string_view>(views), std::move(callback), flags);
  }

  // Nobody hears of those under way.
  void Forget() {
    for (Pending* one : under_way_) one->Orphan();
    under_way_.clear();
  }

  ON_LOOP bool empty() const { return under_way_.empty(); }

 private:
  class Pending final : public redis::OneReply {
   public:
    Pending(PendingReplies& replies, Callback callback)
        : replies_(&replies), callback_(std::move(callback)) {
      answer_.sent_at = LeaseClock::Now();
    }
    void Orphan() { replies_ = nullptr; }

    std::size_t place = 0;

   private:
    void OnReply(resp::Reply reply) override {
      if (reply.is_error()) answer_.error = {ErrorCode::kReply, reply.text};
      answer_.reply = std::move(reply);
      Tell();
    }
    void OnFailure(const Error& error) override {
      answer_.error = error;
      Tell();
    }
    void Tell() {
      if (replies_ == nullptr) return;
      replies_->loop_.AssertOnLoop();
      replies_->Remove(*this);
      callback_(answer_);
    }

    PendingReplies* replies_;
    Callback callback_;
    Answer answer_;
  };

  ON_LOOP void Remove(const Pending& one) {
    under_way_[one.place] = under_way_.back();
    under_way_[one.place]->place = one.place;
    under_way_.pop_back();
  }

  Loop& loop_;
  std::vector<Pending*> under_way_;
};

}  // namespace sideloop::lease
