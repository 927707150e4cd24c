// Thread: crosses. A recurring command of a Redis client, as its JS environment holds it: begun and
// stopped by jobs; of its runs JS sees figures, of its end an event of the client's.
// Owns: the recurring command, its figures, a share of the client.
// Ends: with its last owner: the JS object, a job, or itself while the command recurs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/attachment.h"
#include "links/redis_link.h"
#include "redis/recurring.h"
#include "redis/recurring_stats.h"

namespace sideloop {

class RecurringLink final : public std::enable_shared_from_this<RecurringLink>,
                            public Attachment,
                            private redis::RecurringObserver {
 public:
  struct Options {
    redis::RecurringOptions recurring;
    bool end_on_error = false;  // a run that the server answers by an error is the last
  };

  // `id` tells it from the client's others.
  RecurringLink(std::shared_ptr<RedisLink> client, std::int64_t id,
                std::vector<std::string> command, Options options);
  ~RecurringLink();

  // The client's event `recurring` follows, with the id, the reason of the end, and the code and
  // the words of an error or nothing. False where the loop takes no job; then nothing happens.
  [[nodiscard]] ANY_THREAD bool PostStart();
  ANY_THREAD void PostStop();
  ANY_THREAD void PostDetach() override { PostStop(); }

  ANY_THREAD const redis::RecurringStats& stats() const { return stats_; }

 private:
  ON_LOOP void Start();
  ON_LOOP void Tell(std::string_view reason);

  // redis::RecurringObserver.
  ON_LOOP bool OnRun(const redis::RecurringRun& run) override;
  ON_LOOP void OnRecurringEnd(redis::RecurringEnd why) override;

  const std::shared_ptr<RedisLink> client_;
  const std::int64_t id_;
  const std::vector<std::string> command_;
  const Options options_;
  redis::RecurringStats stats_;
  LOOP_ONLY std::unique_ptr<redis::Recurring> recurring_;
  LOOP_ONLY Error error_;  // that of the last run, where it ended all
  LOOP_ONLY bool stopped_ = false;
  // Keeps the link alive while the command recurs.
  LOOP_ONLY std::shared_ptr<RecurringLink> self_;
};

}  // namespace sideloop
