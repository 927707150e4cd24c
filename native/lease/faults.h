// Thread: loop. What the server refuses to a consumer. JS is told of it once while it stays the
// same, and health of what this user may not do.
// Owns: what was told, for as long as it holds.
// Ends: with its consumer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/error.h"

namespace sideloop::lease {

// What a consumer asks of the server.
enum class Task : std::uint8_t {
  kRead,
  kReadLevel,
  kConfirm,
  kRenew,
  kAck,
  kFail,
  kHandBack,
  kRecover,
  kMove,
};

class FaultsObserver {
 public:
  // News for JS.
  ON_LOOP virtual void OnFault(const Error& why) = 0;
  // The user of the work connection may not do what `why` says; with nothing: may do all again.
  // Told with each refusal.
  ON_LOOP virtual void OnForbidden(std::string_view why) = 0;

 protected:
  ~FaultsObserver() = default;
};

// Each task of each level has a memory of its own. Words that hold for one are no news from
// another: a server that has become a replica says the same to all of them.
class Faults {
 public:
  // What concerns one job, or a part of a script, nobody calls well again. It is told again where
  // it was not heard for so long.
  static constexpr std::uint64_t kQuietNs = 60'000'000'000;

  // `keys`: the streams of the levels. `lapse_ns`: in so long what was refused for a job has been
  // asked again, if there is such a job still. Requires: both outlive it.
  Faults(const std::vector<std::string>& keys, std::uint64_t lapse_ns, FaultsObserver& observer)
      : keys_(keys), lapse_ns_(lapse_ns), observer_(observer) {}

  // The task was refused as a whole; `now` is in ns.
  ON_LOOP void Refused(Task task, std::uint32_t level, const Error& why, std::uint64_t now);
  // It was carried out.
  ON_LOOP void Answered(Task task, std::uint32_t level) {
    if (!refused_.empty()) Forget(task, level);
  }
  // The task was refused for one job, whose owner hears of it. Whether it is news to anybody else.
  [[nodiscard]] ON_LOOP bool RefusedJob(Task task, std::uint32_t level, const Error& why,
                                        std::uint64_t now);
  // A part of a script has failed that changes nothing for its jobs. Nothing: none has.
  ON_LOOP void Complained(std::string_view words, std::uint64_t now);
  // Some time has passed: what concerned jobs that are not there any more is over.
  ON_LOOP void Lapse(std::uint64_t now);

 private:
  struct Refusal {
    Task task;
    std::uint32_t level;
    std::string words;
    bool is_forbidden;
    std::uint64_t at;  // ns; when it was met last
  };
  struct Heard {
    std::string words;
    std::uint64_t at;  // ns
  };
  // Words that are remembered. Beyond it the oldest are forgotten.
  static constexpr std::size_t kMostHeard = 64;

  ON_LOOP void Remember(Task task, std::uint32_t level, const std::string& words,
                        std::uint64_t now);
  ON_LOOP void Forget(Task task, std::uint32_t level);
  ON_LOOP bool Holds(std::string_view words) const;
  ON_LOOP bool IsHeardAnew(std::string_view words, std::uint64_t now);
  ON_LOOP void TellForbidden();

  const std::vector<std::string>& keys_;
  const std::uint64_t lapse_ns_;
  FaultsObserver& observer_;
  std::vector<Refusal> refused_;  // what holds
  std::vector<Heard> heard_;      // the latest last
  bool told_forbidden_ = false;
};

}  // namespace sideloop::lease
