// Thread: loop. What a loop must wait for or close before it can end: connections, timers, tasks.
// Owns: nothing; a resource is a member of its loop's list while it is open.
// Ends: it leaves the list when its last handle is closed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/annotations.h"
#include "base/error.h"

namespace sideloop {

class Loop;

// When a flush that was asked for comes.
enum class FlushTime : std::uint8_t { kThisPass, kUrgently, kAfterPoll };
constexpr std::size_t kFlushTimes = 3;

class Resource {
 public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  // True while a stop has to wait for it, up to its deadline. Asked before each sleep of a loop
  // that stops. Opens and closes nothing.
  ON_LOOP virtual bool Busy() = 0;

  // The loop ends. Settles all that is pending with `why`, closes every handle. May destroy the
  // resource. Called at most once.
  ON_LOOP virtual void CloseBecause(const Error& why) = 0;

  // What Loop::FlushLater asked for: once, after this pass's jobs or before the loop sleeps. So
  // everything that a pass produced goes out in one write.
  ON_LOOP virtual void Flush() {}

 protected:
  virtual ~Resource() = default;

 private:
  friend class Loop;
  friend class FlushList;
  static constexpr std::size_t kNoPlace = ~std::size_t{0};
  Resource* prev_ = nullptr;
  Resource* next_ = nullptr;
  // In each list of those that asked for a flush.
  std::array<std::size_t, kFlushTimes> flush_places_ = {kNoPlace, kNoPlace, kNoPlace};
};

}  // namespace sideloop
