// Thread: loop. The entries that a consumer holds: taken from the server and not yet given up, each
// with its lease.
// Owns: a record of each, and the renewer of their leases.
// Ends: with its consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "lease/consumer_cells.h"
#include "lease/consumer_options.h"
#include "lease/consumer_reports.h"
#include "lease/faults.h"
#include "lease/held_ids.h"
#include "lease/lease_renewer.h"
#include "lease/pending_replies.h"
#include "lease/retry_pause.h"

namespace sideloop::lease {

// What the parts of one consumer share. All of it outlives them.
struct ConsumerParts {
  Loop& loop;
  const ConsumerOptions& options;
  ConsumerCells& cells;
  ConsumerStats& stats;
  ConsumerReports& reports;
  Faults& faults;
  redis::Connection& work;
  Resource& owner;  // whose Flush sees to what has changed

  ON_LOOP void Changed() const { loop.FlushLater(owner); }
  // What the server makes of a task. That it can't for now is no refusal.
  ON_LOOP void TellRefusal(Task task, std::uint32_t level, const Answer& answer) const {
    if (!answer.error) return faults.Answered(task, level);
    const bool is_said = answer.error.code == ErrorCode::kReply && !answer.has_no_group();
    if (is_said && answer.refusal() != resp::Refusal::kNotNow) {
      faults.Refused(task, level, answer.error, Loop::Now());
    }
  }
  ON_LOOP bool CanWork() const { return work.state() == redis::Connection::State::kReady; }
};

// What JS has said of a failed job.
struct Failure {
  std::uint64_t delay_ms = 0;
  bool is_final = false;  // no more attempts
  std::string words;
};

class HeldEntriesObserver {
 public:
  // The lease of an entry has ended that JS has not begun, and now never will: it was no attempt.
  ON_LOOP virtual void OnUnbegunEnd(std::uint32_t level, std::string id,
                                    std::uint32_t deliveries) = 0;
  // A lease has ended for what JS did not do in time: it may hang.
  ON_LOOP virtual void OnJsOverdue() = 0;

 protected:
  ~HeldEntriesObserver() = default;
};

// An entry that the server has given to us.
struct Taken {
  std::uint32_t level = 0;
  std::uint32_t deliveries = 0;
  std::string id;
  std::vector<std::string> fields;
  std::uint64_t sent_at = 0;  // ns; when the command was sent that has brought it
  // By a read: nobody has looked yet whether it is to be tried once more.
  bool claimed = false;
};

// The fields of an entry, moved out of a reply. Nothing where one has no value: it would shift the
// texts of all that come behind it.
std::optional<std::vector<std::string>> TakeFields(resp::Reply& fields);

// An entry that is pending for this consumer at the server.
struct Owned {
  std::string id;
  std::int64_t deliveries = 0;
};

class TakenObserver {
 public:
  ON_LOOP virtual void OnTaken(Taken taken) = 0;
  // Takes those out of the list that are held, under a window that is open.
  ON_LOOP virtual void LeaveOutHeld(std::uint32_t level, std::vector<Owned>& owned) = 0;
  // The group of a level was gone, and with it what the server knew of what was taken there.
  ON_LOOP virtual void OnGroupLost(std::uint32_t level) = 0;

 protected:
  ~TakenObserver() = default;
};

// One use of a handle.
struct Holding {
  std::uint32_t handle = 0;
  std::uint32_t serial = 0;
};

//            read in time                          JS settles it
//   (taken) ---------------> kHeld -----------------------------> kSettling
//      |                      ^  ^                                  |   |
//      | read too late,       |  +--- the server says an error -----+   | answered
//      v or by CLAIM: checked  |                                         v
//   kConfirming --------------+            the lease ends: any ----> (free)
struct Entry {
  enum class State : std::uint8_t { kFree, kConfirming, kHeld, kSettling };

  State state = State::kFree;
  bool claimed = false;  // a read has taken it over, and it has not been checked
  bool asked = false;    // its settlement was sent before, and may have been carried out
  std::uint32_t serial = 0;
  std::uint32_t level = 0;
  std::uint32_t deliveries = 0;
  Slot slot = 0;  // in the renewer; not while it is being confirmed
  std::string id;
  std::vector<std::string> fields;   // until JS has them
  std::unique_ptr<Failure> failure;  // of one that is settling: it failed; null: it is acked
};

// The rules:
//   1. The window of a lease opens with the sending of what took the entry, or confirmed it.
//   2. What was read so late that little is left of its window, or nothing, is asked for once more
//      before JS hears of it: another consumer may have it by now. A process that was stopped finds
//      such replies in its sockets. A read may also take over what others have had. Whether that is
//      to be tried once more, or was tried too often, is asked for in the same way, always.
//   3. JS hears of the end of each job that it heard of, once.
//   4. Of one entry there is one record at most. Where a group was made anew, or put back, an entry
//      that is held is read again: what the server counts for it says which of the two is pending.
class HeldEntries final : private LeaseHolder {
 public:
  ON_LOOP HeldEntries(const ConsumerParts& parts, Outbox& js, HeldEntriesObserver& observer);

  // Holds it from now on.
  ON_LOOP void Add(Taken taken);
  // Asks for what has to be confirmed.
  ON_LOOP void Confirm();
  // The same for what got no answer before.
  ON_LOOP void ConfirmAgain();
  // The work connection is ready.
  ON_LOOP void OnReady();

  // Null where that use of the handle is over.
  ON_LOOP Entry* Find(Holding holding);
  ON_LOOP Entry& at(std::uint32_t handle) { return entries_[handle]; }

  // The server has carried its settlement out.
  ON_LOOP void Settle(std::uint32_t handle, Outcome outcome);
  // Its lease is over, though the renewer has not said so.
  ON_LOOP void End(std::uint32_t handle, JobEnd why);
  ON_LOOP void EndAll(JobEnd why);
  // The group of that level is not there any more, and no lease in it.
  ON_LOOP void LoseLevel(std::uint32_t level);
  // The server's answer to its settlement was an error: JS may try again.
  ON_LOOP void Refuse(std::uint32_t handle, Task task, const Error& error);

  template <typename Visit>
  ON_LOOP void ForEach(Visit visit) {
    for (std::uint32_t handle = 0; handle < entries_.size(); ++handle) {
      if (entries_[handle].state != Entry::State::kFree) visit(handle, entries_[handle]);
    }
  }

  // Until when nobody else has it, ns: the end of its window, where it has one.
  ON_LOOP std::uint64_t KeptUntil(std::uint32_t handle) const;

  ON_LOOP std::size_t held() const { return held_; }
  // Takes those out of the list that are held.
  ON_LOOP void LeaveOutHeld(std::uint32_t level, std::vector<Owned>& owned);
  ON_LOOP LeaseRenewer& renewer() { return renewer_; }

  // Entries in one script: it holds up the server while it runs.
  static constexpr std::size_t kMostInCommand = 256;

 private:
  // LeaseHolder.
  ON_LOOP std::uint32_t GroupOf(Slot slot) override { return entries_[handles_[slot]].level; }
  ON_LOOP std::vector<std::string> RenewalOf(std::uint32_t group,
                                             std::span<const Renewal> renewals) override;
  ON_LOOP void OnRenewalAnswer(std::uint32_t group, std::string_view refusal) override;
  ON_LOOP void OnLeaseEnd(Slot slot, LeaseEnd why) override;

  ON_LOOP std::vector<std::string> RenewCommand(std::uint32_t level) const;
  ON_LOOP std::vector<std::string> CheckCommand(std::uint32_t level) const;
  ON_LOOP void ConfirmAll(std::uint32_t level, const std::vector<Holding>& all, bool checks);
  ON_LOOP void ConfirmSome(std::uint32_t level, std::vector<Holding> holdings, bool checks);
  ON_LOOP void OnConfirmed(const std::vector<Holding>& holdings, const Answer& answer,
                           const std::vector<resp::Reply>& results);
  ON_LOOP void OnChecked(const std::vector<Holding>& holdings, const Answer& answer);
  ON_LOOP bool IsHeldAlready(const Taken& taken);
  ON_LOOP void Lose(std::uint32_t handle);
  ON_LOOP void Hold(std::uint32_t handle, std::uint64_t granted_at);
  ON_LOOP void Tell(std::uint32_t handle, JobEnd why);
  ON_LOOP void Free(std::uint32_t handle);

  const ConsumerParts& parts_;
  HeldEntriesObserver& observer_;
  const Terms terms_;
  std::vector<Entry> entries_;          // by handle
  std::vector<std::uint32_t> handles_;  // by slot
  std::vector<std::uint32_t> free_;
  HeldIds ids_;
  std::size_t held_ = 0;
  std::vector<std::vector<Holding>> to_confirm_;  // by level
  std::vector<Holding> unanswered_;
  RetryPause pause_;  // of what is in unanswered_
  LeaseRenewer renewer_;
  PendingReplies replies_;
};

}  // namespace sideloop::lease
