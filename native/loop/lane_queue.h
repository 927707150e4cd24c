// Thread: loop. Owns: the jobs taken from the mailbox and not yet run.
// Ends: with its loop, when it is empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/job.h"
#include "base/lane.h"
#include "base/ring.h"

namespace sideloop {

// Four FIFO lanes and the order among them. A higher lane goes first, but on credit: a lane that
// has spent its credit stands back until every waiting lane has spent its own. So the first job of
// any lane waits for at most kWaitBound jobs of other lanes, and within a lane the order never
// changes.
class LaneQueue {
 public:
  static constexpr std::array<std::uint32_t, kLanes> kCredit = {64, 16, 4, 1};
  // Invariant: no job at the front of its lane is overtaken more often. The lane's own credit may
  // have been spent when the job came to the front, so it can wait for what is left of one round
  // and all of the next.
  static constexpr std::uint32_t kWaitBound = 2 * (64 + 16 + 4 + 1);

  using Jobs = std::vector<Job>;

  // Appends `jobs`, in order, to the lane, and leaves in `jobs` an empty vector with capacity to
  // reuse.
  void Append(Lane lane, Jobs& jobs) {
    if (jobs.empty()) return;
    size_ += jobs.size();
    PerLane& l = lanes_[static_cast<std::size_t>(lane)];
    l.segments.push_back(std::move(jobs));
    jobs = std::exchange(l.spare, Jobs());
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Runs the next job where it lies and destroys it. Requires: !empty().
  void RunNext() {
    PerLane& lane = lanes_[PickLane()];
    --size_;
    // The job may post, which fills the mailbox, never this queue: the reference stays good.
    Job& job = lane.segments.front()[lane.next++];
    job();
    job.Reset();
    if (lane.next < lane.segments.front().size()) return;
    lane.next = 0;
    Jobs done = lane.segments.pop_front();
    done.clear();
    if (done.capacity() <= kMostSpare) lane.spare = std::move(done);
  }

 private:
  // A burst's memory is given back; what a steady load needs is kept.
  static constexpr std::size_t kMostSpare = 4096;

  struct PerLane {
    Ring<Jobs> segments;
    std::size_t next = 0;  // index in the first segment
    std::uint32_t credit = 0;
    Jobs spare;
  };

  std::size_t PickLane() {
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        PerLane& lane = lanes_[i];
        if (lane.segments.empty() || lane.credit == 0) continue;
        --lane.credit;
        return i;
      }
      for (std::size_t i = 0; i < kLanes; ++i) lanes_[i].credit = kCredit[i];
    }
    __builtin_unreachable();  // Every lane has credit in the second round, and one of them has a
                              // job.
  }

  std::array<PerLane, kLanes> lanes_;
  std::size_t size_ = 0;
};

}  // namespace sideloop
