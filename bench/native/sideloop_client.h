// Thread: crosses. The product's own connection on the product's own loop, without JavaScript. All
// but Execute runs on that loop's thread.
#pragma once

#include <array>
#include <deque>
#include <future>
#include <memory>
#include <string_view>

#include "closed_loop.h"
#include "cross/event_loop.h"
#include "redis/connection.h"

namespace sideloop::bench {

class SideloopClient final : public redis::ConnectionObserver,
                             public resp::ReplyTarget,
                             public resp::ReplySink {
 public:
  using Run = ClosedLoop<SideloopClient>;

  explicit SideloopClient(int port) {
    options_.port = port;
    options_.reconnect = false;
    loop_ = EventLoop::Start({.name = "bench"});
    if (loop_ == nullptr) Fail("The loop did not start.");
  }

  void Execute(Run& run) {
    run_ = &run;
    Do([this] {
      connection_ =
          std::make_unique<redis::Connection>(loop_->loop(), options_, *this, connection_stats_);
      connection_->Open();
    });
    finished_.get_future().wait();
    Do([this] {
      closing_ = true;
      connection_->Close(Error{});
      connection_.reset();
    });
    if (!loop_->Stop()) Fail("The loop did not end.");
  }

  // Replies come in the order of the commands, so that the slots need no more than a queue.
  void Send(Run::Slot& slot, std::size_t index) {
    waiting_.push_back(&slot);
    const std::array<std::string_view, 2> command = {"GET", run_->keyspace().keys[index]};
    connection_->Send(command, *this);
  }

 private:
  template <typename F>
  void Do(F&& job) {
    if (!loop_->Post(std::forward<F>(job))) Fail("The loop refused a job.");
  }

  // ConnectionObserver.
  void OnReady(int) override { run_->Start(); }
  void OnEnded() override {
    if (!closing_) Fail("sideloop lost its connection.");
  }

  // ReplyTarget. The reply counts once it is complete, as it does for hiredis; nothing is gathered,
  // so that no flush is asked for.
  resp::ReplySink& BeginReply(std::uint32_t) override { return *this; }
  bool EndReply() override {
    Run::Slot& slot = *waiting_.front();
    waiting_.pop_front();
    if (run_->OnReply(slot, text_)) finished_.set_value();
    return false;
  }
  void AbortReply() override { Fail("sideloop aborted a reply."); }
  bool FailReplies(std::uint32_t, const Error&) override { Fail("sideloop failed a command."); }

  // ReplySink: anything but a text ends the run.
  void OnText(std::string_view text) override { text_.assign(text); }
  void OnNull() override { Fail("sideloop: a null."); }
  void OnInteger(std::int64_t) override { Fail("sideloop: an integer."); }
  void OnArray(std::uint64_t) override { Fail("sideloop: an array."); }
  void OnError(std::string_view) override { Fail("sideloop: an error."); }

  redis::Options options_;
  redis::ConnectionStats connection_stats_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<redis::Connection> connection_;
  std::deque<Run::Slot*> waiting_;
  std::string text_;
  Run* run_ = nullptr;
  bool closing_ = false;
  std::promise<void> finished_;
};

}  // namespace sideloop::bench
