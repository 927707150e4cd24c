// Thread: loop.
// Owns: the jobs taken from the mailbox and not yet run.
// Ends: with its loop, when it is empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/job_list.h"
#include "base/lane.h"

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

  // Appends `jobs`, in order, to the lane, and empties it.
  void Append(Lane lane, JobList& jobs) {
    size_ += jobs.size();
    lanes_[static_cast<std::size_t>(lane)].jobs.Append(jobs);
  }

  // The blocks of jobs that have run, for whoever makes new ones.
  JobList::Pool& spare() { return spare_; }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // Runs the next job where it lies and destroys it. Requires: !empty().
  void RunNext() {
    JobList& jobs = lanes_[PickLane()].jobs;
    --size_;
    // The job may post, which fills the mailbox, never this queue: it is still the first when it
    // has run.
    jobs.Front()();
    jobs.PopFront(spare_);
  }

 private:
  struct PerLane {
    JobList jobs;
    std::uint32_t credit = 0;
  };

  std::size_t PickLane() {
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        PerLane& lane = lanes_[i];
        if (lane.jobs.empty() || lane.credit == 0) continue;
        --lane.credit;
        return i;
      }
      for (std::size_t i = 0; i < kLanes; ++i) lanes_[i].credit = kCredit[i];
    }
    // Unreachable: every lane has credit in the second round, and one of them has a job.
    std::abort();
  }

  std::array<PerLane, kLanes> lanes_;
  std::size_t size_ = 0;
  JobList::Pool spare_;
};

}  // namespace sideloop
