#include "links/consumer_link.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

#include "cross/message_writer.h"
#include "lease/dedicated_connection.h"

namespace sideloop {

namespace {

// Reads a batch: words, and the bytes that they speak of.
class Reader {
 public:
  explicit Reader(const ConsumerLink::Batch& batch) : words_(batch.words), bytes_(batch.bytes) {}

  bool at_end() const { return next_ == words_.size(); }
  std::int32_t Word() {
    assert(!at_end());
    return words_[next_++];
  }
  lease::Holding Holding() {
    const auto handle = static_cast<std::uint32_t>(Word());
    return {handle, static_cast<std::uint32_t>(Word())};
  }
  std::uint64_t Ms() {
    const auto low = static_cast<std::uint32_t>(Word());
    return std::uint64_t{static_cast<std::uint32_t>(Word())} << 32 | low;
  }
  std::string Text() {
    const auto size = static_cast<std::size_t>(Word());
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(text.size());
    return std::string(text);
  }

 private:
  const std::vector<std::int32_t>& words_;
  std::string_view bytes_;
  std::size_t next_ = 0;
};

// Both connections are a consumer's own, and a silent one is given up in good time for the leases.
lease::ConsumerOptions WithOwnConnections(lease::ConsumerOptions options) {
  const std::uint64_t silence_ms = std::max<std::uint64_t>(options.lease_ms / 2, 100);
  options.redis = lease::DedicatedOptions(std::move(options.redis), silence_ms);
  options.redis.protocol = 2;
  return options;
}

}  // namespace

ConsumerLink::ConsumerLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
                           std::uint32_t target, lease::ConsumerOptions options)
    : loop_(std::move(loop)),
      outbox_(std::move(outbox)),
      target_(target),
      options_(WithOwnConnections(std::move(options))),
      cells_(options_.most_held()) {}

// Invariant: the consumer has ended, as it holds a share of the link until then.
ConsumerLink::~ConsumerLink() { assert(self_ == nullptr); }

bool ConsumerLink::PostStart() {
  return loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    self->Start();
  });
}

bool ConsumerLink::PostBatch(Batch batch) {
  return loop_->PostControl([self = shared_from_this(), batch = std::move(batch)] {
    self->loop_->loop().AssertOnLoop();
    self->Run(batch);
  });
}

void ConsumerLink::PostDetach() {
  const bool accepted = loop_->PostControl([self = shared_from_this()] {
    self->loop_->loop().AssertOnLoop();
    if (self->consumer_ != nullptr) self->consumer_->Abandon();
  });
  (void)accepted;  // else the loop's own end ends the consumer
}

void ConsumerLink::Start() {
  self_ = shared_from_this();
  consumer_ = std::make_unique<lease::StreamConsumer>(
      loop_->loop(), options_, cells_, stats_, *outbox_, MessageWriter(outbox_, target_), [this] {
        loop_->loop().AssertOnLoop();
        // The consumer is on the stack: it goes when nothing is, and on this thread, as its timers
        // must.
        loop_->loop().ReleaseLater(std::shared_ptr<void>(std::move(consumer_)));
        loop_->loop().ReleaseLater(std::move(self_));
      });
  consumer_->Start();
}

void ConsumerLink::Run(const Batch& batch) {
  Reader reader(batch);
  while (consumer_ != nullptr && !reader.at_end()) {
    switch (static_cast<ConsumerCommand>(reader.Word())) {
      case ConsumerCommand::kAck:
        consumer_->Ack(reader.Holding());
        break;
      case ConsumerCommand::kFail: {
        const lease::Holding holding = reader.Holding();
        lease::Failure failure;
        failure.delay_ms = reader.Ms();
        failure.is_final = reader.Word() != 0;
        failure.words = reader.Text();
        consumer_->Fail(holding, std::move(failure));
        break;
      }
      case ConsumerCommand::kExtend: {
        const lease::Holding holding = reader.Holding();
        consumer_->Extend(holding, reader.Ms());
        break;
      }
      case ConsumerCommand::kGiveBack:
        consumer_->GiveBack(reader.Holding());
        break;
      case ConsumerCommand::kClose:
        consumer_->Close(reader.Ms());
        break;
      case ConsumerCommand::kHere:
        consumer_->OnJsBack();
        break;
    }
  }
}

}  // namespace sideloop
