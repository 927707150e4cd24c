#include "cross/event_loop.h"

#ifndef _WIN32
#include <pthread.h>
#endif

#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <utility>
#include <vector>

#include "base/weak_list.h"
#include "cross/mailbox.h"
#include "cross/thread.h"

namespace sideloop {

namespace {

// Counts forks that this process descends from since the library was loaded. Written by the fork
// handler in the child, where only one thread exists; relaxed, no partner.
std::atomic<std::uint32_t> g_forks{0};

std::uint32_t Forks() { return g_forks.load(std::memory_order_relaxed); }

void WatchForks() {
#ifndef _WIN32
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
  (void)registered;
#endif
}

void NameThisThread(const std::string& name) {
#if defined(__APPLE__)
  pthread_setname_np(name.c_str());
#elif defined(__linux__)
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
#else
  (void)name;
#endif
}

}  // namespace

// Everything the loop thread needs until its last instruction, shared by the handle and the thread.
class EventLoop::ExitState {
 public:
  explicit ExitState(Options options)
      : options_(std::move(options)),
        mailbox_(options_.mailbox_capacity),
        loop_(mailbox_, stats_) {}

  int Init() {
    WatchForks();
    forks_ = Forks();
    if (const int error = loop_.Init(); error != 0) return error;
    loop_.set_close_hook([this] {
      loop_.AssertOnLoop();
      FreezeIdleTime();
      RunEndedHook();
      TellWatchers();
      mailbox_.CloseWaker();
    });
    return mailbox_.Init(
        loop_.uv(), [](uv_async_t* waker) { static_cast<ExitState*>(waker->data)->OnWake(); },
        this);
  }

  // Starts the thread, with a share of this state. Returns a libuv error code, or 0.
  static int StartThread(const std::shared_ptr<ExitState>& self) {
    auto share = std::make_unique<std::shared_ptr<ExitState>>(self);
    MutexLock lock(self->mutex_);
    const int error = self->thread_.Start(&ThreadMain, share.get());
    if (error == 0) share.release();  // ThreadMain owns it now
    return error;
  }

  // The thread's body. Its share keeps the state alive to the end; it may be the last.
  static void ThreadMain(void* share) {
    const std::unique_ptr<std::shared_ptr<ExitState>> owned(
        static_cast<std::shared_ptr<ExitState>*>(share));
    const std::shared_ptr<ExitState>& self = *owned;
    NameThisThread(self->options_.name);
    self->loop_.Run();
    {
      MutexLock lock(self->mutex_);
      self->ended_ = true;
    }
    self->ended_changed_.notify_all();
  }

  // libuv counts it from the entry into the kernel to the way out, so that what callbacks take is
  // none of it; it knows of a sleep under way too.
  std::uint64_t IdleTime() {
    MutexLock lock(mutex_);
    return idle_frozen_ ? std::uint64_t{stats_.idle_time} : uv_metrics_idle_time(loop_.uv());
  }

  bool InForkedChild() const { return forks_ != Forks(); }

  // Refuses posts from now on. The first to ask may leave a hook, in the same step: once posts are
  // refused the loop may end at any moment. False where somebody asked before.
  bool AskToStop(const StopRequest& request, Job ended_hook = Job()) {
    bool first;
    {
      MutexLock lock(mutex_);
      first = !std::exchange(stop_asked_, true);
      if (first) ended_hook_ = std::move(ended_hook);
    }
    mailbox_.Close(request);
    return first;
  }

  bool stop_asked() {
    MutexLock lock(mutex_);
    return stop_asked_;
  }

  bool WatchEnd(std::weak_ptr<EndWatcher> watcher) {
    MutexLock lock(mutex_);
    if (watchers_told_) return false;
    watchers_.Add(std::move(watcher));
    return true;
  }

  void Detach() {
    MutexLock lock(mutex_);
    thread_.Detach();
  }

  // Waits for the thread's end, then joins it, or lets it go where it is stuck.
  bool JoinWithin(std::uint64_t ms) {
    Thread mine;
    bool ended;
    {
      MutexLock lock(mutex_);
      ended = ended_changed_.wait_for(mutex_, std::chrono::milliseconds(ms),
                                      [this]() REQUIRES_LOCK(mutex_) { return ended_; });
      mine = std::move(thread_);
    }
    if (ended) {
      mine.Join();
    } else {
      mine.Detach();
    }
    return ended;
  }

  const Options options_;
  LoopStats stats_;
  Mailbox mailbox_;
  Loop loop_;

 private:
  void OnWake() {
    loop_.AssertOnLoop();
    loop_.OnWake();
  }

  // From here on the uv loop may close at any moment, and sleeps no more.
  void FreezeIdleTime() {
    MutexLock lock(mutex_);
    stats_.idle_time = uv_metrics_idle_time(loop_.uv());
    idle_frozen_ = true;
  }

  void RunEndedHook() {
    Job hook;
    {
      MutexLock lock(mutex_);
      hook = std::move(ended_hook_);
    }
    if (hook) hook();
  }

  ON_LOOP void TellWatchers() {
    std::vector<std::shared_ptr<EndWatcher>> watchers;
    {
      MutexLock lock(mutex_);
      watchers_told_ = true;
      watchers = watchers_.Take();
    }
    for (const auto& watcher : watchers) watcher->OnLoopEnded();
  }

  std::uint32_t forks_ = 0;
  Mutex mutex_;
  std::condition_variable_any ended_changed_;
  bool ended_ GUARDED_BY(mutex_) = false;
  bool idle_frozen_ GUARDED_BY(mutex_) = false;
  bool stop_asked_ GUARDED_BY(mutex_) = false;
  Thread thread_ GUARDED_BY(mutex_);
  Job ended_hook_ GUARDED_BY(mutex_);
  WeakList<EndWatcher> watchers_ GUARDED_BY(mutex_);
  bool watchers_told_ GUARDED_BY(mutex_) = false;
};

std::unique_ptr<EventLoop> EventLoop::Start(Options options, std::string* error) {
  auto state = std::make_shared<ExitState>(std::move(options));
  int code = state->Init();
  if (code == 0) code = ExitState::StartThread(state);
  if (code == 0) return std::unique_ptr<EventLoop>(new EventLoop(std::move(state)));
  if (error != nullptr) *error = uv_strerror(code);
  return nullptr;
}

EventLoop::EventLoop(std::shared_ptr<ExitState> state) : state_(std::move(state)) {}

EventLoop::~EventLoop() { Destroy(); }

bool EventLoop::Post(Job job, Lane lane) {
  // Before any lock: in a forked child another thread may have held it at the fork.
  if (state_->InForkedChild()) return false;
  return state_->mailbox_.TryPush(job, lane) == Mailbox::Push::kAccepted;
}

bool EventLoop::PostControl(Job job) {
  if (state_->InForkedChild()) return false;
  return state_->mailbox_.TryPush(job, Lane::kNormal, true) == Mailbox::Push::kAccepted;
}

bool EventLoop::Accepts() const { return !state_->InForkedChild() && state_->mailbox_.has_room(); }

bool EventLoop::Stop(std::uint64_t deadline_ms) {
  if (state_->InForkedChild()) return false;
  state_->AskToStop({deadline_ms, ErrorCode::kStopped});
  return Join(deadline_ms + kGraceMs);
}

bool EventLoop::StopThen(std::uint64_t deadline_ms, Job ended) {
  if (state_->InForkedChild()) return false;
  return state_->AskToStop({deadline_ms, ErrorCode::kStopped}, std::move(ended));
}

bool EventLoop::WatchEnd(std::weak_ptr<EndWatcher> watcher) {
  if (state_->InForkedChild()) return false;
  return state_->WatchEnd(std::move(watcher));
}

bool EventLoop::InForkedChild() const { return state_->InForkedChild(); }

bool EventLoop::stop_asked() const { return state_->InForkedChild() || state_->stop_asked(); }

void EventLoop::Destroy() {
  RequestDestroy();
  Join(kGraceMs);
}

void EventLoop::RequestDestroy() {
  // In a forked child the thread's id and the locks are remains of the parent: leak them rather
  // than touch them.
  if (state_->InForkedChild()) {
    new std::shared_ptr<ExitState>(state_);
    return;
  }
  state_->AskToStop({0, ErrorCode::kDestroyed});
}

bool EventLoop::Join(std::uint64_t ms) {
  if (state_->InForkedChild()) return false;
  if (!OnLoopThread()) return state_->JoinWithin(ms);
  state_->Detach();
  return false;
}

bool EventLoop::OnLoopThread() const { return Loop::Current() == &state_->loop_; }

Loop& EventLoop::loop() { return state_->loop_; }

const LoopStats& EventLoop::stats() const { return state_->stats_; }

std::uint64_t EventLoop::idle_time() const {
  return state_->InForkedChild() ? std::uint64_t{stats().idle_time} : state_->IdleTime();
}

EventLoop::Counts EventLoop::counts() const {
  Mailbox& mailbox = state_->mailbox_;
  return {mailbox.accepted(), mailbox.rejected(), mailbox.size() + state_->stats_.queued};
}

const std::string& EventLoop::name() const { return state_->options_.name; }

}  // namespace sideloop
