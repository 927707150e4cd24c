// Thread: any one: it takes the place of a JS thread. Stages commands, and settles what comes back
// in order.
// Owns: its outbox and its link; the loop, where it has made that.
// Ends: its destructor, as an environment does: with commands in flight, if need be.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/delivery_reader.h"
#include "links/redis_link.h"
#include "resp/encoder.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

namespace sideloop::test {

class JsSide final : public Bell {
 public:
  // Makes a loop and a connection.
  explicit JsSide(redis::Options options, const ReplyBounds& bounds = {})
      : loop_(StartLoop()),
        owns_loop_(true),
        link_(std::make_shared<RedisLink>(loop_, std::move(options), outbox_, 1,
                                          IntegerForm::kTextBeyond, bounds)) {
    EXPECT_TRUE(link_->PostOpen());
  }
  // Makes a connection on another's loop.
  JsSide(std::shared_ptr<EventLoop> loop, redis::Options options, const ReplyBounds& bounds = {})
      : loop_(std::move(loop)),
        owns_loop_(false),
        link_(std::make_shared<RedisLink>(loop_, std::move(options), outbox_, 1,
                                          IntegerForm::kTextBeyond, bounds)) {
    EXPECT_TRUE(link_->PostOpen());
  }
  // One more client of a connection that lets it in.
  explicit JsSide(const std::shared_ptr<SharedConnection>& connection)
      : loop_(connection->loop()),
        owns_loop_(false),
        link_(std::make_shared<RedisLink>(connection, outbox_, 1)) {
    EXPECT_TRUE(link_->PostAttach());
  }
  ~JsSide() {
    outbox_->Close();
    if (owns_loop_) {
      EXPECT_TRUE(loop_->Stop(0));
    } else {
      link_->PostDetach();
    }
  }

  // Sends `count` ECHOs of rising numbers, in the way that lib/redis chooses: on the spot where
  // nothing is pending.
  [[nodiscard]] bool Echo(std::uint32_t count) {
    const bool alone = settled.size() == sent_;
    auto stage = std::make_unique<resp::Stage>();
    stage->table = table_;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string number = std::to_string(sent_++);
      stage->heads.insert(stage->heads.end(), {0, 1, static_cast<std::int32_t>(number.size())});
      stage->text += number;
    }
    return alone ? link_->SubmitAlone(std::move(stage), count)
                 : link_->PostSubmit(std::move(stage), count);
  }

  // Settles until `done` holds. False where nothing rings any more.
  template <typename Done>
  [[nodiscard]] bool SettleUntil(Done done) {
    while (!done()) {
      {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, kHang, [this] { return rung_; })) return false;
        rung_ = false;
      }
      Settle();
    }
    return true;
  }
  [[nodiscard]] bool SettleAll() {
    return SettleUntil([this] { return settled.size() >= sent_; });
  }

  void Settle() {
    for (auto& delivery : outbox_->Take()) {
      std::uint32_t counted = 0;
      DeliveryReader reader(*delivery);
      Value value;
      while (reader.Next(value)) {
        if (delivery->purpose == Delivery::Purpose::kEvent) {
          events.emplace_back(value.text);
          break;
        }
        // Settled when its turn comes.
        if (delivery->purpose == Delivery::Purpose::kOutOfTurn) {
          if (value.kind == ValueKind::kError) {
            failed_out_of_turn.insert(failed_out_of_turn.end(), Delivery::FailedBy(value.text),
                                      std::string(value.text));
          }
          continue;
        }
        if (value.kind == ValueKind::kError) {
          const std::uint32_t failed = Delivery::FailedBy(value.text);
          settled.insert(settled.end(), failed,
                         "!" + std::string(value.text.substr(value.text.find('\n') + 1)));
          counted += failed;
        } else {
          settled.emplace_back(value.text);
          ++counted;
        }
      }
      EXPECT_EQ(reader.broken_because(), nullptr);
      EXPECT_EQ(delivery->settled, counted);
      outbox_->Recycle(std::move(delivery));
    }
  }

  // Leaves after what was sent.
  [[nodiscard]] bool Quit() {
    ++sent_;
    return link_->PostQuit();
  }

  bool Saw(std::string_view event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  std::size_t sent() const { return sent_; }
  EventLoop& loop() { return *loop_; }
  RedisLink& link() { return *link_; }
  Outbox& outbox() { return *outbox_; }

  std::vector<std::string> settled;
  std::vector<std::string> failed_out_of_turn;
  std::vector<std::string> events;

 private:
  void Ring() override {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool rung_ = false;
  const std::shared_ptr<const resp::CommandTable> table_ =
      std::make_shared<const resp::CommandTable>(resp::CommandTable{resp::EncodeArgument("ECHO")});
  const std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(*this);
  const std::shared_ptr<EventLoop> loop_;
  const bool owns_loop_;
  std::shared_ptr<RedisLink> link_;
  std::size_t sent_ = 0;
};

}  // namespace sideloop::test
