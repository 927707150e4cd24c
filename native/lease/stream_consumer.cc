#include "lease/stream_consumer.h"

#include <array>
#include <cassert>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/consumer_scripts.h"

namespace sideloop::lease {

namespace {

std::unique_ptr<redis::Connection> NewConnection(Loop& loop, const redis::Options& options,
                                                 redis::ConnectionObserver& observer,
                                                 redis::ConnectionStats& stats) {
  return std::make_unique<redis::Connection>(loop, options, observer, stats);
}

DelayedJobsOptions DelayedJobsOptionsOf(const ConsumerOptions& options) {
  DelayedJobsOptions delayed;
  delayed.delayed = options.delayed;
  delayed.streams = options.levels;
  return delayed;
}

// How a producer wakes one consumer: it is no job.
bool IsMarker(const std::vector<std::string>& fields) {
  return fields.size() == 2 && fields[0] == "sideloop" && fields[1] == "wake";
}

}  // namespace

StreamConsumer::StreamConsumer(Loop& loop, const ConsumerOptions& options, ConsumerCells& cells,
                               ConsumerStats& stats, Outbox& js, MessageWriter writer, Job ended)
    : loop_(loop),
      options_(options),
      stats_(stats),
      reports_(std::move(writer)),
      work_(NewConnection(loop, options.redis, *this, connection_stats_)),
      health_(loop, options.lease_ms, *this),
      faults_(options.levels, ToNs(2 * (options.lease_ms + options.recover_every_ms)), *this),
      parts_{loop, options, cells, stats, reports_, faults_, *work_, *this},
      entries_(parts_, js, *this),
      acks_(parts_, entries_),
      delayed_jobs_(loop, *work_, DelayedJobsOptionsOf(options), *this),
      reader_(parts_, health_, *this),
      reclaimer_(
          parts_, *this,
          [this] {
            loop_.AssertOnLoop();
            OnTick();
          },
          [this] {
            loop_.AssertOnLoop();
            reader_.Prepare();
          }),
      pause_(loop, options.lease_ms,
             [this] {
               loop_.AssertOnLoop();
               if (parts_.CanWork()) AskForLife();
             }),
      replies_(loop),
      deadline_(std::make_unique<Timer>(loop,
                                        [this] {
                                          loop_.AssertOnLoop();
                                          OnDeadline();
                                        })),
      ended_(std::move(ended)) {}

StreamConsumer::~StreamConsumer() { assert(state_ == State::kIdle || state_ == State::kEnded); }

void StreamConsumer::Start() {
  stats_.healthy = 1;
  state_ = State::kRunning;
  if (!loop_.TryAdd(*this)) return CloseConnections(loop_.close_reason());
  health_.Down(Health::Line::kWork, "No connection yet");
  work_->Open();
  reader_.Open();
  reclaimer_.Start();
}

// ---- Getting entries ----

// Reclaiming and reads take turns: each knows how much room there is. Where reads recover, only
// they, but only while nothing is held here: one does not know what is, and where the server's
// clock is put forward it would take a consumer's own jobs over from it.
void StreamConsumer::Fetch() {
  if (js_overdue_ || !parts_.CanWork() || !reader_.ready() || reclaimer_.running()) return;
  if (entries_.held() >= options_.room || losses_ > 0) return;
  const std::size_t room = options_.room - entries_.held();
  const bool claims = reader_.can_claim() && entries_.held() == 0;
  if (claims) reclaimer_.PassOver();
  if (!claims && reclaimer_.due()) {
    reclaimer_.Run(room);
  } else {
    reader_.Read(room, claims);
  }
}

void StreamConsumer::OnTick() {
  faults_.Lapse(Loop::Now());
  entries_.ConfirmAgain();
  delayed_jobs_.RunNow();
  if (!reader_.claims() && entries_.held() < options_.room) reader_.Interrupt();
}

void StreamConsumer::OnTaken(Taken taken) {
  if (IsMarker(taken.fields)) return OnMarker(taken.level, taken.id);
  if (state_ == State::kRunning && !js_overdue_) return entries_.Add(std::move(taken));
  acks_.HandBackUnbegun(taken.level, std::move(taken.id), taken.deliveries);
}

void StreamConsumer::OnMarker(std::uint32_t level, const std::string& id) {
  const std::string& stream = options_.levels[level];
  if (state_ != State::kRunning || js_overdue_) {
    // It is for somebody else to see to.
    const std::array<std::string_view, 5> pass_on = {"XADD", stream, "*", "sideloop", "wake"};
    replies_.Send(*work_, pass_on, [](const Answer&) {});
  }
  const std::array<std::string_view, 4> ack = {"XACK", stream, options_.group, id};
  const std::array<std::string_view, 3> remove = {"XDEL", stream, id};
  replies_.Send(*work_, ack, [](const Answer&) {});
  replies_.Send(*work_, remove, [](const Answer&) {});
  if (state_ != State::kRunning) return;
  delayed_jobs_.RunNow();
  reclaimer_.RunSoon();
}

void StreamConsumer::OnReadError(const Error& error) { Complain(error); }

// Rule 5.
void StreamConsumer::OnGroupLost(std::uint32_t level) {
  entries_.LoseLevel(level);
  acks_.LoseLevel(level);
  parts_.Changed();
  ++losses_;
  const std::array<std::string_view, 1> ping = {"PING"};
  replies_.Send(*work_, ping, [this](const Answer&) {
    loop_.AssertOnLoop();
    --losses_;
    parts_.Changed();
  });
}

// ---- What JS says ----

void StreamConsumer::Extend(Holding holding, std::uint64_t ms) {
  const Entry* entry = entries_.Find(holding);
  if (entry != nullptr) entries_.renewer().Extend(entry->slot, ms);
}

// Rule 4.
void StreamConsumer::OnJsOverdue() {
  js_overdue_ = true;
  reader_.Interrupt();
}

void StreamConsumer::OnJsBack() {
  js_overdue_ = false;
  parts_.Changed();
}

void StreamConsumer::GiveBack(Holding holding) {
  const Entry* entry = entries_.Find(holding);
  if (entry == nullptr || entry->state != Entry::State::kHeld) return;
  acks_.HandBack(holding.handle, true, JobEnd::kReleased);
}

void StreamConsumer::Flush() {
  if (std::exchange(stop_asked_, false)) CloseForStop();
  acks_.Flush();
  entries_.Confirm();
  if (state_ == State::kRunning) Fetch();
  if (state_ == State::kClosing) GoOnClosing();
  reports_.Commit();
}

// ---- The work connection, health ----

void StreamConsumer::OnReady(int) {
  AskForLife();
  entries_.OnReady();
  if (state_ == State::kRunning) {
    reclaimer_.OnReady();
    delayed_jobs_.OnReady();
  }
  parts_.Changed();
}

// A server that takes connections, and answers to nothing, is not well.
void StreamConsumer::AskForLife() {
  const std::array<std::string_view, 1> ping = {"PING"};
  replies_.Send(*work_, ping, [this](const Answer& answer) {
    loop_.AssertOnLoop();
    if (answer.refusal() == resp::Refusal::kNotNow) {
      health_.Down(Health::Line::kWork, answer.error.message);
      pause_.Begin();
    } else if (!answer.error || answer.error.code == ErrorCode::kReply) {
      pause_.Reset();
      health_.Up(Health::Line::kWork);
    }
  });
}

void StreamConsumer::OnClosed(const Error& why) {
  health_.Down(Health::Line::kWork, why.message);
  if (state_ == State::kRunning) Complain(why);
  parts_.Changed();
}

// That the connection is down is told where that is heard.
void StreamConsumer::OnMoveFailed(const Error& why) {
  if (parts_.CanWork()) faults_.Refused(Task::kMove, 0, why, Loop::Now());
}

void StreamConsumer::OnForbidden(std::string_view why) {
  if (why.empty()) return health_.Up(Health::Line::kPermission);
  health_.Down(Health::Line::kPermission, why);
}

void StreamConsumer::OnHealth(bool healthy, std::string_view why) {
  stats_.healthy = healthy ? 1 : 0;
  reports_.AddHealth(healthy, why);
  parts_.Changed();
}

// To renew what it holds while it gets nothing new would be to look alive, and do nothing.
void StreamConsumer::OnLongOutage(bool lasts) {
  if (lasts) {
    entries_.renewer().Pause();
  } else {
    entries_.renewer().Resume();
  }
}

void StreamConsumer::OnSilent() {
  reader_.Break({ErrorCode::kSilent, "A read got no answer in time"});
}

void StreamConsumer::Complain(const Error& error) {
  reports_.AddFailure(error);
  parts_.Changed();
}

// ---- Closing ----

void StreamConsumer::Close(std::uint64_t deadline_ms) {
  BeginClose(deadline_ms, JobEnd::kReleased);
}

void StreamConsumer::Abandon() {
  if (state_ == State::kRunning) return BeginClose(0, JobEnd::kReleased);
  if (state_ == State::kClosing && !past_deadline_) OnDeadline();
}

// To be asked is how it learns of the stop; what it closes then it closes in Flush.
bool StreamConsumer::Busy() {
  const bool is_open = state_ == State::kRunning || state_ == State::kClosing;
  if (is_open && !past_deadline_) {
    stop_asked_ = true;
    parts_.Changed();
  }
  return state_ != State::kEnded;
}

// Rule 2.
void StreamConsumer::CloseForStop() {
  if (state_ == State::kRunning) {
    BeginClose(0, JobEnd::kLoopStopped);
  } else if (state_ == State::kClosing && !past_deadline_) {
    close_reason_ = JobEnd::kLoopStopped;
    OnDeadline();
  }
}

// Rule 1.
void StreamConsumer::BeginClose(std::uint64_t deadline_ms, JobEnd why) {
  if (state_ != State::kRunning) return;
  state_ = State::kClosing;
  close_reason_ = why;
  reclaimer_.Stop();
  delayed_jobs_.Stop();
  HandBack(false);
  reader_.Stop();
  if (deadline_ms == 0) {
    OnDeadline();
  } else {
    deadline_->Start(deadline_ms);
  }
  parts_.Changed();
}

void StreamConsumer::HandBack(bool begun_too) {
  entries_.ForEach([this, begun_too](std::uint32_t handle, const Entry& entry) {
    loop_.AssertOnLoop();
    if (entry.state == Entry::State::kSettling) return;
    const bool begun = parts_.cells.Seal(handle);
    if (!begun || begun_too) acks_.HandBack(handle, begun, close_reason_);
  });
}

void StreamConsumer::OnDeadline() {
  // Rule 3.
  if (std::exchange(past_deadline_, true)) {
    return CloseConnections({ErrorCode::kClosed, "The consumer was closed"});
  }
  deadline_->Start(kLeaveMs);
  HandBack(true);
  parts_.Changed();
}

void StreamConsumer::GoOnClosing() {
  // Rule 3.
  if (past_deadline_ && !parts_.CanWork()) {
    return CloseConnections({ErrorCode::kClosed, "The consumer was closed"});
  }
  // Of those whose settlement was refused since.
  if (past_deadline_ && entries_.held() > 0) HandBack(true);
  if (reader_.ended() && !reclaimer_.running() && entries_.held() == 0 && acks_.idle()) Leave();
}

void StreamConsumer::Leave() {
  state_ = State::kLeaving;
  const Error closed = {ErrorCode::kClosed, "The consumer was closed"};
  if (!parts_.CanWork()) return CloseConnections(closed);
  unanswered_leaves_ = options_.levels.size();
  for (const std::string& level : options_.levels) {
    const std::array<std::string_view, 6> command = {"EVAL", kLeaveGroup,    "1",
                                                     level,  options_.group, options_.name};
    replies_.Send(*work_, command, [this, closed](const Answer&) {
      loop_.AssertOnLoop();
      if (--unanswered_leaves_ == 0) CloseConnections(closed);
    });
  }
}

void StreamConsumer::CloseBecause(const Error& why) { CloseConnections(why); }

void StreamConsumer::OnReaderEnded() {
  parts_.Changed();
  EndIfOver();
}

void StreamConsumer::CloseConnections(const Error& why) {
  // Whose end is told of here is the end of all: see EndIfOver.
  reader_.Close(why);
  work_->Close(why);
  EndIfOver();
}

void StreamConsumer::EndIfOver() {
  const bool over = reader_.ended() && work_->state() == redis::Connection::State::kEnded;
  if (!over || state_ == State::kEnded) return;
  // Nobody but the loop ends them while it runs.
  const JobEnd why = state_ == State::kRunning ? JobEnd::kLoopStopped : close_reason_;
  state_ = State::kEnded;
  health_.Stop();
  reclaimer_.Stop();
  delayed_jobs_.Stop();
  deadline_.reset();
  entries_.EndAll(why);
  pause_.Stop();
  replies_.Forget();
  reports_.AddClosed();
  reports_.Commit();
  loop_.Remove(*this);
  ended_();
}

}  // namespace sideloop::lease
