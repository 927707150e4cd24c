// Thread: loop. How a consumer gives entries up: acked, failed, or handed back. What is said in one
// pass of the loop goes out in one command for each stream.
// Owns: what is staged; commands under way are owned by the connection.
// Ends: with its consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "lease/held_entries.h"
#include "lease/pending_replies.h"
#include "lease/retry_pause.h"

namespace sideloop::lease {

// The rules:
//   1. A settlement is asked for until the server has answered, over as many connections as it
//      takes, and until the lease's window closes: then the lease has ended, and with it the
//      asking. "Not now" and "not here" are no answers; "not here" is told by name.
//   2. Where an ask was lost that may have been carried out, an entry that is pending for nobody
//      counts as settled, if the window is open still. One that is another's does not.
//   3. What is handed back is given up at once. The server is told for as long as the window would
//      have been open; where it is not, its lease runs out. What may have been carried out is not
//      said again: the entry may be ours anew.
class Acks {
 public:
  ON_LOOP Acks(const ConsumerParts& parts, HeldEntries& entries);

  // What JS says. Of a lease that is over it is nothing: JS hears of that, or has.
  ON_LOOP void Ack(Holding holding);
  ON_LOOP void Fail(Holding holding, Failure failure);
  // Others may have it at once. `counts`: this delivery was an attempt.
  ON_LOOP void HandBack(std::uint32_t handle, bool counts, JobEnd why);

  // The same for one that nobody holds, and nobody has begun.
  ON_LOOP void HandBackUnbegun(std::uint32_t level, std::string id, std::uint32_t deliveries);

  // The group of that level is not there any more: nothing can be handed back to it.
  ON_LOOP void LoseLevel(std::uint32_t level) { backs_[level].clear(); }

  // Sends what is staged and may go out.
  ON_LOOP void Flush();

  // Nothing is staged, nothing under way.
  ON_LOOP bool idle() const;

 private:
  // Commands of acks without an answer. Beyond it acks gather, and go out in larger ones.
  static constexpr std::size_t kMostUnderWay = 4;

  struct Back {
    std::string id;
    std::uint32_t deliveries;
    std::uint32_t deliveries_then;
    std::uint64_t until;  // ns; the server is told until then
  };

  ON_LOOP std::size_t levels() const { return parts_.options.levels.size(); }
  ON_LOOP bool Stage(Holding holding, std::unique_ptr<Failure> failure);
  ON_LOOP void SendAcks(std::uint32_t level);
  ON_LOOP void SendFailure(Holding holding);
  ON_LOOP void SendBacks(std::uint32_t level);
  ON_LOOP Job AtEndOfPause();
  ON_LOOP void SendSomeBacks(std::uint32_t level, std::vector<Back> some);
  ON_LOOP void OnBack(std::uint32_t level, std::vector<Back>& backs, const Answer& answer);
  ON_LOOP void OnAcked(const std::vector<Holding>& holdings, const Answer& answer);
  ON_LOOP void OnFailed(Holding holding, const Answer& answer);
  ON_LOOP void TellKept();
  // False where the lease is over.
  ON_LOOP bool OnResult(Holding holding, std::int64_t result, Outcome outcome);
  ON_LOOP void OnNoResult(Holding holding, const Answer& answer);

  const ConsumerParts& parts_;
  HeldEntries& entries_;
  std::vector<std::vector<Holding>> acks_;  // staged, by level
  std::vector<Holding> failures_;
  std::vector<std::vector<Back>> backs_;
  std::size_t acks_under_way_ = 0;  // commands
  bool told_kept_ = false;
  // Of each kind by itself: an ack needs no memory of the server's, and what fails may.
  RetryPause ack_pause_;
  RetryPause failure_pause_;
  RetryPause back_pause_;
  PendingReplies replies_;
};

}  // namespace sideloop::lease
