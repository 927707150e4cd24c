#include "loop/loop.h"

#include <cassert>

namespace sideloop {

namespace {
thread_local Loop* t_current = nullptr;

void AsHandleClose(uv_handle_t* handle) { uv_close(handle, nullptr); }
}  // namespace

Loop* Loop::Current() { return t_current; }

void Loop::AssertOnLoop() const { assert(t_current == this); }

template <void (Loop::*Method)(), typename Handle>
void Loop::Call(Handle* handle) {
  auto* loop = static_cast<Loop*>(handle->data);
  loop->AssertOnLoop();
  (loop->*Method)();
}

Loop::~Loop() {
  // Run() closes the loop; this is for one that was made and never ran.
  if (!initialized_) return;
  uv_walk(
      &uv_,
      [](uv_handle_t* handle, void*) {
        if (!uv_is_closing(handle)) AsHandleClose(handle);
      },
      nullptr);
  uv_run(&uv_, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(&uv_);
  assert(closed == 0);
  (void)closed;
}

int Loop::Init() {
  if (const int error = uv_loop_init(&uv_); error != 0) return error;
  initialized_ = true;
  uv_loop_configure(&uv_, UV_METRICS_IDLE_TIME);
  uv_prepare_init(&uv_, &prepare_);
  uv_check_init(&uv_, &check_);
  uv_idle_init(&uv_, &backlog_handle_);
  uv_timer_init(&uv_, &deadline_timer_);
  prepare_.data = check_.data = backlog_handle_.data = deadline_timer_.data = this;
  uv_prepare_start(&prepare_, &Call<&Loop::OnPrepare, uv_prepare_t>);
  uv_check_start(&check_, &Call<&Loop::OnCheck, uv_check_t>);
  return 0;
}

void Loop::Run() {
  t_current = this;
  AssertOnLoop();
  stats_.started_at = Now();
  // Jobs accepted before the thread ran woke nobody who could hear it.
  RunJobs();
  uv_run(&uv_, UV_RUN_DEFAULT);
  // What is released last may have handles to close.
  while (DestroyReleased()) uv_run(&uv_, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(&uv_);
  // Invariant: every handle has an owner that closed it, so the loop is never EBUSY here.
  assert(closed == 0);
  (void)closed;
  initialized_ = false;
  stats_.ended_at = Now();
  t_current = nullptr;
}

void Loop::OnWake() {
  ++stats_.wakeups;
  // With work left over the next pass begins by itself, and looks into the source first.
  if (!uv_is_active(reinterpret_cast<const uv_handle_t*>(&backlog_handle_))) RunJobs();
}

void Loop::RunJobs() {
  const std::uint64_t began = Now();
  std::uint64_t looked_at = began;
  int run = 0;
  int until_look = 0;
  // Looks into the source at the beginning of each pass, so that a critical job overtakes a long
  // backlog.
  for (bool first = true;; first = false) {
    if (first || queue_.empty()) {
      const JobSource::Taken taken = source_.TakeInto(queue_);
      if (taken.stop) BeginStop(*taken.stop);
      if (queue_.empty()) break;
      if (taken.any) {
        const std::uint64_t now = Now();
        if (now > taken.oldest_accepted_at) {
          stats_.accept_to_run.Record(now - taken.oldest_accepted_at);
        }
      }
    }
    if (run == kJobsPerPass || looked_at - began >= kPassNs) break;
    if (run++ % kJobsPerTiming == 0) {
      RunNextTimed();
    } else {
      queue_.RunNext();
    }
    if (--until_look > 0) continue;
    const std::uint64_t now = Now();
    until_look = now - looked_at > kLongJobNs ? 1 : kJobsPerLook;
    looked_at = now;
    // Between two jobs nothing else is on the stack.
    if (urgent_.next() <= now) RunUrgent(now);
  }
  stats_.events += static_cast<std::uint64_t>(run);
  stats_.jobs_run += static_cast<std::uint64_t>(run);
  stats_.queued = queue_.size();
  FlushResources();
  UpdateBacklog();
}

void Loop::RunNextTimed() {
  const std::uint64_t began = Now();
  queue_.RunNext();
  stats_.callback_time.Record(Now() - began);
}

// What the deadlines wrote goes out before what waits for the end of the pass.
void Loop::RunUrgent(std::uint64_t now) {
  assert(!running_urgent_);
  running_urgent_ = true;
  urgent_.Run(now);
  running_urgent_ = false;
  flush_urgently_.TakeAll([this](Resource& resource) {
    AssertOnLoop();
    resource.Flush();
  });
}

// The handle is active while work is left over for the next pass: the poll does not block then.
void Loop::UpdateBacklog() {
  if (closing_) return;
  if (!queue_.empty() || !flush_after_poll_.empty()) {
    uv_idle_start(&backlog_handle_, &Call<&Loop::RunJobs, uv_idle_t>);
  } else {
    uv_idle_stop(&backlog_handle_);
  }
}

void Loop::FlushLater(Resource& resource) {
  (running_urgent_ ? flush_urgently_ : to_flush_).Add(resource);
}

void Loop::FlushAfterPoll(Resource& resource) {
  flush_after_poll_.Add(resource);
  UpdateBacklog();
}

void Loop::FlushResources() {
  // A flush may ask for another one, which then has its turn here as well.
  to_flush_.TakeAll([this](Resource& resource) {
    AssertOnLoop();
    resource.Flush();
    // Each may take a while. Between two of them nothing else is on the stack.
    if (urgent_.next() == kNever) return;
    const std::uint64_t now = Now();
    if (urgent_.next() <= now) RunUrgent(now);
  });
}

bool Loop::DestroyReleased() {
  if (released_.empty()) return false;
  // What goes may release something else, or ask for a flush.
  releasing_.swap(released_);
  releasing_.clear();
  return true;
}

void Loop::OnPrepare() {
  do FlushResources();
  while (DestroyReleased());
  if (stop_) {
    CloseIfDone();
    // Who was asked there whether it is busy may have had a last thing to say, and what has ended
    // there may have handles to close: there is no other pass where they are all that is left.
    do FlushResources();
    while (DestroyReleased());
  }
}

void Loop::OnCheck() {
  ++stats_.iterations;
  flush_after_poll_.TakeAll([this](Resource& resource) {
    AssertOnLoop();
    FlushLater(resource);
  });
}

bool Loop::TryAdd(Resource& resource) {
  if (closing_) return false;
  resource.next_ = resources_;
  if (resources_ != nullptr) resources_->prev_ = &resource;
  resources_ = &resource;
  return true;
}

void Loop::Remove(Resource& resource) {
  to_flush_.Remove(resource);
  flush_urgently_.Remove(resource);
  flush_after_poll_.Remove(resource);
  if (resource.prev_ != nullptr) {
    resource.prev_->next_ = resource.next_;
  } else if (resources_ == &resource) {
    resources_ = resource.next_;
  }
  if (resource.next_ != nullptr) resource.next_->prev_ = resource.prev_;
  resource.prev_ = resource.next_ = nullptr;
}

void Loop::BeginStop(const StopRequest& request) {
  uv_update_time(&uv_);
  if (closing_ || deadline_passed_ ||
      (stop_ && request.deadline_ms >= uv_timer_get_due_in(&deadline_timer_))) {
    return;
  }
  stop_ = request;
  if (request.code == ErrorCode::kDestroyed) {
    close_reason_ = {request.code,
                     "The loop was destroyed: await stop() first where work must finish"};
  } else {
    close_reason_ = {
        request.code,
        "The loop was stopped and its deadline passed: give stop() a longer deadlineMs"};
  }
  if (request.deadline_ms == 0) {
    deadline_passed_ = true;
    return;
  }
  uv_timer_start(
      &deadline_timer_,
      [](uv_timer_t* timer) {
        auto* loop = static_cast<Loop*>(timer->data);
        loop->AssertOnLoop();
        loop->deadline_passed_ = true;
      },
      request.deadline_ms, 0);
}

// Before each sleep of a loop that stops. Whatever could make it idle happened in a callback of
// this pass, so looking once a pass misses nothing.
void Loop::CloseIfDone() {
  if (closing_ || !queue_.empty()) return;
  if (!deadline_passed_) {
    bool busy = false;
    // All are asked: to be asked is how a resource learns of the stop.
    for (Resource* r = resources_; r != nullptr; r = r->next_) busy |= r->Busy();
    if (busy) return;
  }
  CloseAll();
}

void Loop::CloseAll() {
  closing_ = true;
  // A closing resource may close others, never add one (TryAdd refuses): the list only gets
  // shorter.
  while (resources_ != nullptr) {
    Resource& resource = *resources_;
    Remove(resource);
    resource.CloseBecause(close_reason_);
  }
  if (close_hook_) close_hook_();
  AsHandleClose(reinterpret_cast<uv_handle_t*>(&prepare_));
  AsHandleClose(reinterpret_cast<uv_handle_t*>(&check_));
  AsHandleClose(reinterpret_cast<uv_handle_t*>(&backlog_handle_));
  AsHandleClose(reinterpret_cast<uv_handle_t*>(&deadline_timer_));
}

}  // namespace sideloop
