// Thread: crosses. A consumer of one partition, as its JS environment holds it: what a turn of JS
// has to say becomes a job, what happens becomes messages, and of a lease JS may ask at any time.
// Owns: a share of the loop, the consumer, its cells and figures.
// Ends: with its last owner: the JS object, a job, or the consumer itself until its end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "cross/event_loop.h"
#include "cross/outbox.h"
#include "lease/consumer_cells.h"
#include "lease/consumer_options.h"
#include "lease/stream_consumer.h"

namespace sideloop {

// What JS says, each word by word: lib/lease/consumer-wire.ts writes it.
enum class ConsumerCommand : std::int32_t {
  kAck = 1,   // handle, serial
  kFail,      // handle, serial, ms (2 words), 1: no more attempts, bytes of the error's words
  kExtend,    // handle, serial, ms (2 words)
  kGiveBack,  // handle, serial
  kClose,     // ms (2 words)
  kHere,      // after a lease has ended because JS was blocked
};

class ConsumerLink final : public Attachment, public std::enable_shared_from_this<ConsumerLink> {
 public:
  struct Batch {
    std::vector<std::int32_t> words;
    std::string bytes;
  };

  ConsumerLink(std::shared_ptr<EventLoop> loop, std::shared_ptr<Outbox> outbox,
               std::uint32_t target, lease::ConsumerOptions options);
  ~ConsumerLink();

  // False where the loop takes no job any more; then nothing happens. What begins and settles
  // things goes into a full mailbox too.
  [[nodiscard]] ANY_THREAD bool PostStart();
  [[nodiscard]] ANY_THREAD bool PostBatch(Batch batch);
  ANY_THREAD void PostDetach() override;

  ANY_THREAD lease::ConsumerCells& cells() { return cells_; }
  ANY_THREAD const lease::ConsumerStats& stats() const { return stats_; }

 private:
  ON_LOOP void Start();
  ON_LOOP void Run(const Batch& batch);

  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<Outbox> outbox_;
  const std::uint32_t target_;
  const lease::ConsumerOptions options_;
  lease::ConsumerCells cells_;
  lease::ConsumerStats stats_;
  LOOP_ONLY std::unique_ptr<lease::StreamConsumer> consumer_;
  // Keeps the link alive until the consumer's end: libuv's callbacks come through it.
  LOOP_ONLY std::shared_ptr<ConsumerLink> self_;
};

}  // namespace sideloop
