#include "lease/delayed_jobs.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/delayed_jobs_script.h"
#include "lease/retry_pause.h"

namespace sideloop::lease {

namespace {

// A job that is due later than this is asked for again: the two clocks do not run alike.
constexpr std::uint64_t kLongestWaitMs = 3'600'000;

using Kind = resp::Reply::Kind;

bool IsResult(const resp::Reply& reply) {
  const auto& parts = reply.elements;
  return reply.kind == Kind::kArray && parts.size() == 4 && parts[0].kind == Kind::kInteger &&
         parts[1].kind == Kind::kInteger && parts[2].kind == Kind::kInteger &&
         parts[3].kind == Kind::kText;
}

// What the server says of any write: the next job would fare no better.
bool ConcernsAll(std::string_view complaint) {
  constexpr std::string_view kWords[] = {"OOM ", "READONLY ", "MISCONF ", "NOREPLICAS "};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return complaint.starts_with(word); });
}

}  // namespace

DelayedJobs::DelayedJobs(Loop& loop, redis::Connection& connection, DelayedJobsOptions options,
                         DelayedJobsObserver& observer)
    : loop_(loop),
      connection_(connection),
      options_(std::move(options)),
      observer_(observer),
      backoff_(options_.retry_min_ms, options_.retry_max_ms, RetryPause::SeedOf(this)),
      replies_(loop) {
  assert(options_.limit > 0 && !options_.delayed.empty() && !options_.streams.empty());
  if (!loop_.TryAdd(*this)) return;
  running_ = true;
  timer_ = std::make_unique<timers::DeadlineTimer>(loop_, [this] {
    loop_.AssertOnLoop();
    RunNow();
  });
}

DelayedJobs::~DelayedJobs() { Stop(); }

void DelayedJobs::RunNow() {
  if (!running_) return;
  // Rule 1.
  if (!replies_.empty()) {
    again_ = true;
    return;
  }
  again_ = false;
  complained_ = false;
  stuck_ = 0;
  // Rule 2.
  if (connection_.state() == redis::Connection::State::kReady) Send();
}

void DelayedJobs::Stop() {
  if (!std::exchange(running_, false)) return;
  timer_.reset();
  replies_.Forget();
  loop_.Remove(*this);
}

void DelayedJobs::Send() {
  timer_->Stop();
  ++stats_.runs;
  const std::string keys = std::to_string(1 + options_.streams.size());
  const std::string limit = std::to_string(options_.limit);
  const std::string pass = std::to_string(stuck_);
  std::vector<std::string_view> command = {"EVAL", kMoveScript, keys, options_.delayed};
  command.insert(command.end(), options_.streams.begin(), options_.streams.end());
  command.push_back(limit);
  command.push_back(pass);
  replies_.Send(connection_, command, [this](const Answer& answer) {
    loop_.AssertOnLoop();
    if (answer.error) return OnFailure(answer.error);
    OnAnswer(answer.reply);
  });
}

void DelayedJobs::OnAnswer(const resp::Reply& reply) {
  if (!IsResult(reply)) {
    return OnFailure(
        {ErrorCode::kProtocol, "What moves delayed jobs was answered by something else"});
  }
  const auto count_at = [&](std::size_t i) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, reply.elements[i].integer));
  };
  const std::uint64_t moved = count_at(0);
  const std::uint64_t aside = count_at(2);
  stats_.moved += moved;
  stats_.set_aside += aside;
  const std::string& complaint = reply.elements[3].text;
  if (moved > 0) observer_.OnMoved(moved);
  if (aside > 0) {
    Tell(std::to_string(aside) + " members of " + options_.delayed +
         " are no jobs: look at those of the score +inf");
  }
  if (!complaint.empty()) {
    ++stats_.failed;
    if (!std::exchange(complained_, true)) Tell(complaint);
  }
  // The observer may have ended it, or have asked for a run.
  if (!running_ || !replies_.empty()) return;
  const std::int64_t next = reply.elements[1].integer;
  if (next == 0 && !ConcernsAll(complaint)) {
    // Rule 6.
    const std::uint64_t done = moved + aside;
    if (done < options_.limit) stuck_ += options_.limit - done;
    // Rule 2.
    if (connection_.state() == redis::Connection::State::kReady) Send();
    return;
  }
  if (!complained_) {
    backoff_.Reset();
    observer_.OnMoverDone();
    if (!running_) return;
  }
  if (again_) return RunNow();
  // Rule 5.
  std::uint64_t next_ms = next > 0 ? std::min(count_at(1), kLongestWaitMs) : kLongestWaitMs;
  // Rule 4. Those that could not be moved are due still.
  if (complained_) next_ms = std::min(next_ms, backoff_.NextDelay());
  if (next > 0 || complained_) RunIn(next_ms);
}

void DelayedJobs::OnFailure(const Error& error) {
  switch (error.code) {
    case ErrorCode::kClosed:
    case ErrorCode::kStopped:
    case ErrorCode::kDestroyed:
      return Stop();
    default:
      // Where the connection was lost, the timer finds it down, and OnReady() does the rest.
      RunIn(backoff_.NextDelay());
      ++stats_.failed;
      observer_.OnMoveFailed(error);
  }
}

void DelayedJobs::Tell(const std::string& complaint) {
  if (running_) observer_.OnMoveFailed({ErrorCode::kReply, complaint});
}

void DelayedJobs::RunIn(std::uint64_t ms) { timer_->StartAt(Loop::Now() + ms * kNsPerMs); }

}  // namespace sideloop::lease
