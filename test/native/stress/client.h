// Thread: the test's thread, but for what says otherwise. A connection on a loop of its own, driven
// and observed from a test.
// Owns: the loop, the connection.
// Ends: its destructor stops the loop and checks that everything was settled.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cross/event_loop.h"
#include "loop/timer.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"
#include "stress/event.h"
#include "stress/ledger.h"
#include "stress/loop_thread.h"

namespace sideloop::test {

class Client : private redis::ConnectionObserver {
 public:
  explicit Client(redis::Options options) : loop_(StartLoop()) {
    RunOn(*loop_, [&] {
      redis::ConnectionObserver& observer = *this;
      connection_ = std::make_unique<redis::Connection>(loop_->loop(), options, observer, stats_);
    });
  }
  ~Client() {
    EXPECT_TRUE(loop_->Stop(0));
    EXPECT_EQ(ledger.size(), sent_) << "commands that were never settled, or settled twice";
    EXPECT_EQ(stats_.in_flight, 0u);
    EXPECT_EQ(stats_.waiting, 0u);
    EXPECT_TRUE(events_.empty() || events_.back() == "ended");
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Open() {
    On([this] { connection_->Open(); });
  }
  void OpenAndWait() {
    Open();
    ASSERT_TRUE(WaitFor("ready"));
  }

  // Runs `body` on the loop thread and waits for it.
  void On(std::function<void()> body) { RunOn(*loop_, std::move(body)); }

  // Sends one command; its outcome is the next of the ledger.
  void Send(std::vector<std::string> command, std::uint32_t flags = 0) {
    On([&] { SendOnLoop(command, flags); });
  }
  // On the loop thread.
  void SendOnLoop(const std::vector<std::string>& command, std::uint32_t flags = 0) {
    const std::vector<std::string_view> arguments(command.begin(), command.end());
    ++sent_;
    connection_->Send(arguments, ledger, flags);
  }
  void Quit() {
    On([this] { QuitOnLoop(); });
  }
  void QuitOnLoop() {
    ++sent_;
    connection_->Quit(ledger);
  }
  void Close() {
    On([this] { CloseOnLoop(); });
  }
  void CloseOnLoop() { connection_->Close({ErrorCode::kClosed, "The test is over"}); }

  // Waits until `event` has come for the `times`-th time. Events are named as in events().
  [[nodiscard]] bool WaitFor(const std::string& event, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHang, [&] { return Count(event) >= times; });
  }
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

  // Lets time pass on the loop: for what must not happen while it does.
  void LetPass(std::uint64_t ms) {
    Event passed;
    std::unique_ptr<Timer> timer;
    On([&] {
      timer = std::make_unique<Timer>(loop_->loop(), [&] {
        timer.reset();
        passed.Set();
      });
      timer->Start(ms);
    });
    ASSERT_TRUE(passed.Wait());
  }

  EventLoop& loop() { return *loop_; }
  redis::Connection& connection() { return *connection_; }  // on the loop thread
  const redis::ConnectionStats& stats() const { return stats_; }

  Ledger ledger;
  // Called on the loop thread at each event.
  std::function<void(const std::string&)> on_event;

 private:
  std::size_t Count(const std::string& event) const {
    std::size_t count = 0;
    for (const std::string& e : events_) count += e == event ? 1 : 0;
    return count;
  }

  void Note(std::string event) {
    {
      const std::lock_guard lock(mutex_);
      EXPECT_TRUE(events_.empty() || events_.back() != "ended") << event << " came after the end";
      events_.push_back(event);
      changed_.notify_all();
    }
    if (on_event) on_event(event);
  }

  void OnConnecting() override { Note("connecting"); }
  void OnConnected() override { Note("connected"); }
  void OnReady(int) override { Note("ready"); }
  void OnClosed(const Error& why) override { Note(std::string("closed ") + NameOf(why.code)); }
  void OnReconnecting(std::uint64_t, std::uint32_t) override { Note("reconnecting"); }
  void OnEnded() override { Note("ended"); }

  const std::unique_ptr<EventLoop> loop_;
  redis::ConnectionStats stats_;
  std::unique_ptr<redis::Connection> connection_;
  std::size_t sent_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> events_;
};

}  // namespace sideloop::test
