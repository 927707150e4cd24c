// Thread: the test's own, as the JS thread of one environment; rung by loop threads. What lib/net
// does with a link, without JavaScript: batches of commands go out, reports come back.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "links/net_link.h"
#include "net/wire.h"
#include "stress/event.h"

namespace sideloop::test {

// One report, with the bytes that it speaks of.
struct NetReport {
  net::Id id = 0;
  net::Report kind = net::Report::kSlab;
  std::vector<std::int32_t> words;  // behind the head
  std::string bytes;
};

class NetSide final : public Bell {
 public:
  explicit NetSide(std::shared_ptr<EventLoop> loop)
      : link_(std::make_shared<NetLink>(std::move(loop), outbox_, 1)) {}
  ~NetSide() { outbox_->Close(); }

  NetSide& Listen(net::Id id, const std::string& host = "127.0.0.1", int port = 0,
                  int most_connections = -1) {
    Command(id, net::Command::kListen,
            {0, port, 511, most_connections, static_cast<std::int32_t>(host.size())});
    bytes_ += host;
    return *this;
  }
  NetSide& Connect(net::Id id, int port, const std::string& host = "127.0.0.1",
                   std::int32_t flags = 0, int deadline_ms = 0) {
    Command(id, net::Command::kConnect,
            {flags, port, deadline_ms, 250, static_cast<std::int32_t>(host.size()), 0, 0});
    bytes_ += host;
    return *this;
  }
  NetSide& Write(net::Id id, const std::string& bytes) {
    Command(id, net::Command::kWrite, {static_cast<std::int32_t>(bytes.size())});
    bytes_ += bytes;
    return *this;
  }
  NetSide& Acknowledge(net::Id id, std::int32_t count) {
    return Command(id, net::Command::kAcknowledge, {count});
  }
  NetSide& Close(net::Id id, bool reset = false) {
    return Command(id, net::Command::kClose, {reset ? 1 : 0});
  }
  NetSide& Command(net::Id id, net::Command command, std::vector<std::int32_t> words = {}) {
    words_.push_back(net::HeadOf(id, static_cast<int>(command)));
    words_.insert(words_.end(), words.begin(), words.end());
    return *this;
  }

  // Hands over what was staged.
  bool Submit() {
    auto batch = link_->TakeSpare();
    batch->words = std::move(words_);
    if (batch->bytes.capacity() <= bytes_.size()) batch->bytes = Chunk(bytes_.size() + 1);
    std::memcpy(batch->bytes.data(), bytes_.data(), bytes_.size());
    batch->bytes.set_size(bytes_.size());
    words_.clear();
    bytes_.clear();
    return link_->PostBatch(std::move(batch), true);
  }

  // Hands every report to `handle` until that returns true. False where nothing comes any more.
  template <typename Handle>
  [[nodiscard]] bool ReadUntil(Handle handle) {
    for (;;) {
      while (next_ < reports_.size()) {
        const NetReport report = std::move(reports_[next_++]);
        if (handle(report)) return true;
      }
      reports_.clear();
      next_ = 0;
      if (!WaitForRing()) return false;
      for (auto& delivery : outbox_->Take()) {
        Decode(*delivery);
        outbox_->Recycle(std::move(delivery));
      }
    }
  }

  // Reads up to the next report of this kind, and drops those before.
  [[nodiscard]] NetReport Next(net::Report kind) {
    NetReport found;
    const bool came = ReadUntil([&](const NetReport& report) {
      if (report.kind != kind) return false;
      found = report;
      return true;
    });
    EXPECT_TRUE(came) << "report " << static_cast<int>(kind);
    return found;
  }

  // The environment ends, as Environment::Shutdown has it.
  void End() {
    outbox_->Close();
    link_->PostDetach();
  }

 private:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
  }

  bool WaitForRing() {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, kHang, [this] { return rung_; });
    rung_ = false;
    return came;
  }

  // Each value of a delivery is one message: an array of words, and the items they speak of.
  void Decode(const Delivery& delivery) {
    for (std::size_t at = 0; at < delivery.tokens.size();) {
      const auto& array = delivery.tokens[at++];
      ASSERT_EQ(array.kind, Delivery::Kind::kArray);
      const std::string_view text = delivery.TextOf(delivery.tokens[at]);
      std::vector<std::int32_t> words(text.size() / sizeof(std::int32_t));
      std::memcpy(words.data(), text.data(), text.size());
      DecodeMessage(delivery, words, at + 1);
      at += static_cast<std::size_t>(array.number);
    }
  }

  void DecodeMessage(const Delivery& delivery, const std::vector<std::int32_t>& words,
                     std::size_t item) {
    std::string_view slab;
    std::size_t at = 0;
    const auto next_item = [&] {
      const Delivery::Token& token = delivery.tokens[item++];
      return token.kind == Delivery::Kind::kChunk
                 ? delivery.chunks[static_cast<std::size_t>(token.number)].view()
                 : delivery.TextOf(token);
    };
    const auto word = [&](NetReport& report) {
      report.words.push_back(words[at]);
      return words[at++];
    };
    const auto text = [&](NetReport& report) {
      const auto size = static_cast<std::size_t>(word(report));
      report.bytes += slab.substr(0, size);
      slab.remove_prefix(size);
    };
    const auto endpoint = [&](NetReport& report) {
      word(report);
      word(report);
      text(report);
    };
    while (at < words.size()) {
      NetReport report;
      const std::int32_t head = words[at++];
      report.id = head >> net::kKindBits;
      report.kind = static_cast<net::Report>(head & ((1 << net::kKindBits) - 1));
      switch (report.kind) {
        case net::Report::kSlab:
          slab = next_item();
          continue;
        case net::Report::kLarge:
          report.bytes = next_item();
          break;
        case net::Report::kData:
          text(report);
          break;
        case net::Report::kWritten:
          word(report);
          break;
        case net::Report::kClosed:
          word(report);
          word(report);
          break;
        case net::Report::kError:
          word(report);
          word(report);
          word(report);
          text(report);
          break;
        case net::Report::kAccepted:
          word(report);
          endpoint(report);
          endpoint(report);
          break;
        case net::Report::kConnected:
        case net::Report::kDropped:
          endpoint(report);
          endpoint(report);
          break;
        case net::Report::kListening:
          endpoint(report);
          break;
        case net::Report::kLookup:
          word(report);
          text(report);
          break;
        case net::Report::kAttempt:
          word(report);
          word(report);
          text(report);
          break;
        case net::Report::kEnd:
        case net::Report::kFinished:
        case net::Report::kTimedOut:
          break;
      }
      reports_.push_back(std::move(report));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  const std::shared_ptr<NetLink> link_;
  std::vector<std::int32_t> words_;
  std::string bytes_;
  std::vector<NetReport> reports_;
  std::size_t next_ = 0;
};

}  // namespace sideloop::test
