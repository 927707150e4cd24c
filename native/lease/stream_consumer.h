// Thread: loop. A consumer of one partition: reads entries, keeps their leases, gives them to JS
// and carries out what JS says of them.
// Owns: two connections. One is for reads, which wait at the server; the other for all else. No
// command of anybody's delays either.
// Ends: Close, Abandon, or its loop's end. It then tells JS, and whoever made it, once and last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/job.h"
#include "cross/message_writer.h"
#include "cross/outbox.h"
#include "lease/acks.h"
#include "lease/consumer_cells.h"
#include "lease/consumer_options.h"
#include "lease/consumer_reports.h"
#include "lease/delayed_jobs.h"
#include "lease/faults.h"
#include "lease/health.h"
#include "lease/held_entries.h"
#include "lease/job_reader.h"
#include "lease/reclaimer.h"
#include "lease/retry_pause.h"
#include "loop/loop.h"
#include "loop/resource.h"
#include "loop/timer.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"

namespace sideloop::lease {

//        Start            Close, Abandon, the loop stops
//   kIdle -----> kRunning ------------------------------> kClosing ------> kLeaving -----> kEnded
//                                                       settles and        leaves the
//                                                       hands back         group
// Rules:
//   1. What was not begun is handed back as soon as it closes, and counts as no attempt. What was
//      begun may be settled until the deadline, and is handed back then.
//   2. Where the loop stops, nothing can be settled any more that was not before: all is handed
//      back at once.
//   3. Where the server can't be told, nobody waits for it beyond the deadline and kLeaveMs, in
//      which it may answer to what it is told then: leases run out.
//   4. Where a lease has ended by max_lease_ms or max_block_ms, JS may hang. Nothing is taken until
//      it has said that it is there, or it would take its own job over again, for as long as
//      before.
//   5. Where a group is gone, so are the leases in it, though their windows are open. Nothing is
//      taken before the server is past all that was said of them: it would take that for what is
//      said of the entries' next deliveries.
class StreamConsumer final : public Resource,
                             private redis::ConnectionObserver,
                             private JobReaderObserver,
                             private HeldEntriesObserver,
                             private DelayedJobsObserver,
                             private FaultsObserver,
                             private HealthObserver {
 public:
  static constexpr std::uint64_t kLeaveMs = 1'000;

  // `ended` runs when everything is closed; it may drop the consumer when no callback is on the
  // stack. The others outlive it.
  ON_LOOP StreamConsumer(Loop& loop, const ConsumerOptions& options, ConsumerCells& cells,
                         ConsumerStats& stats, Outbox& js, MessageWriter writer, Job ended);
  ON_LOOP ~StreamConsumer() override;

  ON_LOOP void Start();

  // What JS says.
  ON_LOOP void Ack(Holding holding) { acks_.Ack(holding); }
  ON_LOOP void Fail(Holding holding, Failure failure) { acks_.Fail(holding, std::move(failure)); }
  ON_LOOP void Extend(Holding holding, std::uint64_t ms);
  ON_LOOP void GiveBack(Holding holding);
  ON_LOOP void Close(std::uint64_t deadline_ms);
  // It is there, and hears: rule 4.
  ON_LOOP void OnJsBack();
  // The environment is gone: nothing more will be settled.
  ON_LOOP void Abandon();

  // Resource.
  ON_LOOP bool Busy() override;
  ON_LOOP void CloseBecause(const Error& why) override;
  ON_LOOP void Flush() override;

 private:
  enum class State : std::uint8_t { kIdle, kRunning, kClosing, kLeaving, kEnded };

  // redis::ConnectionObserver, of the work connection.
  ON_LOOP void OnReady(int protocol) override;
  ON_LOOP void OnClosed(const Error& why) override;
  ON_LOOP void OnNotNow(const Error& why) override {
    health_.Down(Health::Line::kWork, why.message);
  }
  ON_LOOP void OnEnded() override { EndIfOver(); }
  // JobReaderObserver.
  ON_LOOP void OnTaken(Taken taken) override;
  ON_LOOP void LeaveOutHeld(std::uint32_t level, std::vector<Owned>& owned) override {
    entries_.LeaveOutHeld(level, owned);
  }
  ON_LOOP void OnReadError(const Error& error) override;
  ON_LOOP void OnGroupLost(std::uint32_t level) override;
  ON_LOOP void OnReaderEnded() override;
  // HeldEntriesObserver.
  ON_LOOP void OnUnbegunEnd(std::uint32_t level, std::string id,
                            std::uint32_t deliveries) override {
    acks_.HandBackUnbegun(level, std::move(id), deliveries);
  }
  ON_LOOP void OnJsOverdue() override;
  // DelayedJobsObserver.
  ON_LOOP void OnMoved(std::uint64_t count) override { stats_.moved += count; }
  ON_LOOP void OnMoveFailed(const Error& why) override;
  ON_LOOP void OnMoverDone() override { faults_.Answered(Task::kMove, 0); }
  // FaultsObserver.
  ON_LOOP void OnFault(const Error& why) override { Complain(why); }
  ON_LOOP void OnForbidden(std::string_view why) override;
  // HealthObserver.
  ON_LOOP void OnHealth(bool healthy, std::string_view why) override;
  ON_LOOP void OnLongOutage(bool lasts) override;
  ON_LOOP void OnSilent() override;

  ON_LOOP void AskForLife();
  ON_LOOP void OnTick();
  ON_LOOP void Fetch();
  ON_LOOP void OnMarker(std::uint32_t level, const std::string& id);
  ON_LOOP void BeginClose(std::uint64_t deadline_ms, JobEnd why);
  ON_LOOP void CloseForStop();
  ON_LOOP void OnDeadline();
  ON_LOOP void HandBack(bool begun_too);
  ON_LOOP void GoOnClosing();
  ON_LOOP void Leave();
  ON_LOOP void CloseConnections(const Error& why);
  ON_LOOP void EndIfOver();
  ON_LOOP void Complain(const Error& error);

  Loop& loop_;
  const ConsumerOptions& options_;
  ConsumerStats& stats_;
  ConsumerReports reports_;
  State state_ = State::kIdle;
  JobEnd close_reason_ = JobEnd::kReleased;
  bool past_deadline_ = false;
  bool stop_asked_ = false;  // by the loop, whether it is done
  bool js_overdue_ = false;  // rule 4
  std::size_t losses_ = 0;   // of groups, that the server is not past: rule 5
  std::size_t unanswered_leaves_ = 0;
  redis::ConnectionStats connection_stats_;
  std::unique_ptr<redis::Connection> work_;
  Health health_;
  Faults faults_;
  const ConsumerParts parts_;
  HeldEntries entries_;
  Acks acks_;
  DelayedJobs delayed_jobs_;
  JobReader reader_;
  Reclaimer reclaimer_;
  RetryPause pause_;  // of a server that says that it can't for now, when asked whether it is there
  PendingReplies replies_;
  std::unique_ptr<Timer> deadline_;
  Job ended_;
};

}  // namespace sideloop::lease
