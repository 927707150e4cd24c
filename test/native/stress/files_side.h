// Thread: the test's. What a JS thread sees of files on a loop: asks by requests, hears messages.
// Owns: the outbox's bell, what it has heard.
// Ends: with the test; Close() is the environment's cleanup hook.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "cross/read_window.h"
#include "fs/messenger.h"
#include "fs/request.h"
#include "links/files_link.h"
#include "stress/event.h"

namespace sideloop::test {

class FilesSide final : public Bell {
 public:
  // What was heard of one operation.
  struct Callback {
    std::vector<fs::Tell> words;
    std::string data;
    std::size_t counted = 0;  // the bytes of its chunks, as the window counts them
    std::int64_t written = 0;
    std::int64_t error = 0;
    bool Has(fs::Tell tell) const {
      for (const fs::Tell word : words) {
        if (word == tell) return true;
      }
      return false;
    }
  };

  explicit FilesSide(std::shared_ptr<EventLoop> loop)
      : loop_(std::move(loop)), link_(std::make_shared<FilesLink>(loop_, outbox_, 1)) {}
  ~FilesSide() { Close(); }

  // The environment ends.
  void Close() {
    outbox_->Close();
    if (link_ != nullptr) link_->PostDetach();
    link_.reset();
  }

  [[nodiscard]] bool Ask(fs::Request request) {
    if (request.window != nullptr) windows_[request.id] = request.window;
    const bool must = request.ask == fs::Ask::kClose || request.ask == fs::Ask::kResume;
    std::vector<fs::Request> requests;
    requests.push_back(std::move(request));
    return link_->PostRequests(std::move(requests), must);
  }

  // JS takes what it has heard of a stream and not taken.
  void TakeAll(std::int64_t id) {
    const std::size_t taken = heard[id].counted - std::exchange(taken_[id], heard[id].counted);
    if (taken == 0 || !windows_[id]->Take(taken)) return;
    fs::Request request;
    request.ask = fs::Ask::kResume;
    request.id = id;
    EXPECT_TRUE(Ask(std::move(request)));
  }

  // Hears until `done` holds. False where nothing comes any more.
  template <typename Done>
  [[nodiscard]] bool HearUntil(Done done) {
    Hear();
    while (!done()) {
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kHang, [this] { return rung_; })) return false;
        rung_ = false;
      }
      Hear();
    }
    return true;
  }
  [[nodiscard]] bool HearUntil(std::int64_t id, fs::Tell tell) {
    return HearUntil([&] { return heard[id].Has(tell); });
  }

  void Hear() {
    for (auto& delivery : outbox_->Take()) {
      std::size_t at = 0;
      while (at < delivery->tokens.size()) HearMessage(*delivery, at);
      outbox_->Recycle(std::move(delivery));
    }
  }

  std::map<std::int64_t, Callback> heard;
  // The code with which the loop ended, by its name.
  std::string ended;

 private:
  void HearMessage(Delivery& delivery, std::size_t& at) {
    ASSERT_EQ(delivery.tokens[at].kind, Delivery::Kind::kArray);
    std::size_t left = static_cast<std::size_t>(delivery.tokens[at++].number);
    const Delivery::Token& first = delivery.tokens[at];
    if (first.kind != Delivery::Kind::kInteger) {
      ended = delivery.TextOf(first);
      at += left;
      return;
    }
    Callback& about = heard[first.number];
    const auto tell = static_cast<fs::Tell>(delivery.tokens[at + 1].number);
    EXPECT_FALSE(about.Has(fs::Tell::kClosed)) << "the last word was not the last";
    about.words.push_back(tell);
    for (at += 2, left -= 2; left > 0; --left, ++at) {
      const Delivery::Token& token = delivery.tokens[at];
      if (token.kind == Delivery::Kind::kChunk) {
        const Chunk& chunk = delivery.chunks[static_cast<std::size_t>(token.number)];
        about.data += chunk.view();
        about.counted += ReadWindow::CountOf(chunk.size());
      } else if (tell == fs::Tell::kWritten) {
        about.written += token.number;
      } else if (tell == fs::Tell::kFailed && about.error == 0) {
        about.error = token.number;
      }
    }
  }

  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  std::shared_ptr<FilesLink> link_;
  std::map<std::int64_t, std::shared_ptr<ReadWindow>> windows_;
  std::map<std::int64_t, std::size_t> taken_;
};

}  // namespace sideloop::test
