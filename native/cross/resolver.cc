#include "cross/resolver.h"

#ifndef _WIN32
#include <netdb.h>
#include <sys/socket.h>
#endif

#include <atomic>
#include <cerrno>
#include <utility>

#include "cross/thread.h"

namespace sideloop {

namespace {

// What getaddrinfo says, in libuv's numbers.
int StatusOf(int error) {
  constexpr struct {
    int system;
    int libuv;
  } kStatuses[] = {
      {EAI_AGAIN, UV_EAI_AGAIN},
      {EAI_BADFLAGS, UV_EAI_BADFLAGS},
      {EAI_FAIL, UV_EAI_FAIL},
      {EAI_FAMILY, UV_EAI_FAMILY},
      {EAI_MEMORY, UV_EAI_MEMORY},
      {EAI_NONAME, UV_EAI_NONAME},
      {EAI_SERVICE, UV_EAI_SERVICE},
      {EAI_SOCKTYPE, UV_EAI_SOCKTYPE},
#ifdef EAI_NODATA
      {EAI_NODATA, UV_EAI_NODATA},
#endif
#ifdef EAI_ADDRFAMILY
      {EAI_ADDRFAMILY, UV_EAI_ADDRFAMILY},
#endif
  };
  if (error == 0) return 0;
#ifdef EAI_SYSTEM
  if (error == EAI_SYSTEM) return uv_translate_sys_error(errno);
#endif
  for (const auto& [system, libuv] : kStatuses) {
    if (error == system) return libuv;
  }
  return UV_EAI_FAIL;
}

Resolver::Answer AskSystem(const std::string& host, int family) {
  addrinfo hints{};
  hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Resolver::Answer answer;
  answer.status = StatusOf(getaddrinfo(host.c_str(), nullptr, &hints, &found));
  if (answer.status != 0) return answer;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
      answer.addresses.emplace_back(a->ai_addr);
  }
  freeaddrinfo(found);
  if (answer.addresses.empty()) answer.status = UV_EAI_NODATA;
  return answer;
}

// Written once, and once more in a forked child: released by who made the resolver, acquired by
// who uses it.
std::atomic<Resolver*> g_shared{nullptr};

}  // namespace

Resolver& Resolver::Shared() {
  Resolver* known = g_shared.load(std::memory_order_acquire);
  if (known != nullptr && known->pid_ == uv_os_getpid()) return *known;
  // The loser of a race is left behind as well: it is of no size, and has no thread.
  auto* made = new Resolver(&AskSystem);
  if (g_shared.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return *made;
  return *known;
}

void Resolver::SetShared(Resolver& resolver) {
  g_shared.store(&resolver, std::memory_order_release);
}

Resolver::Resolver(Ask ask, Times times) : ask_(ask), times_(times), pid_(uv_os_getpid()) {}

// ---- Asking ----

std::shared_ptr<Resolver::Question> Resolver::Resolve(const std::string& host, int family,
                                                      Waiter& waiter) {
  auto question = std::make_shared<Question>(waiter);
  int error = 0;
  {
    MutexLock lock(mutex_);
    if (Share(host, family, question)) return question;
    waiting_.push_back(std::make_shared<Call>(Call{host, family, {}, {question}}));
    error = WakeOrStartThread();
    if (error != 0 && threads_ == 0) {
      waiting_.pop_back();
    } else {
      error = 0;
    }
  }
  if (error != 0) question->Settle({error, {}});
  return question;
}

bool Resolver::Share(const std::string& host, int family,
                     const std::shared_ptr<Question>& question) {
  const auto is_the_same = [&](const auto& call) {
    return call->family == family && call->host == host;
  };
  for (const auto& call : waiting_) {
    if (!is_the_same(call)) continue;
    call->questions.push_back(question);
    return true;
  }
  const auto oldest = Clock::now() - times_.shared_for;
  for (const auto& call : under_way_) {
    if (!is_the_same(call) || call->began_at < oldest) continue;
    call->questions.push_back(question);
    return true;
  }
  return false;
}

// Sees to it that a thread looks after what waits, if there may be one more. Returns a libuv error
// where none could be started.
int Resolver::WakeOrStartThread() {
  if (free_ > 0) {
    changed_.notify_one();
    return 0;
  }
  if (threads_ == kMostThreads) return 0;
  Thread thread;
  const int error =
      thread.Start([](void* resolver) { static_cast<Resolver*>(resolver)->Work(); }, this);
  if (error != 0) return error;
  thread.Detach();
  ++threads_;
  ++free_;
  return 0;
}

std::size_t Resolver::threads() {
  MutexLock lock(mutex_);
  return threads_;
}

// ---- A thread ----

void Resolver::Work() {
  while (const std::shared_ptr<Call> call = TakeNext())
    Finish(call, ask_(call->host, call->family));
}

// The next call, now under way. Null where the thread is not needed any more.
std::shared_ptr<Resolver::Call> Resolver::TakeNext() {
  MutexLock lock(mutex_);
  auto until = Clock::now() + times_.idle;
  for (;;) {
    const auto now = Clock::now();
    if (waiting_.empty()) {
      if (now >= until) break;
      changed_.wait_until(mutex_, until);
    } else if (const auto begin = NextBegin(); now < begin) {
      changed_.wait_until(mutex_, begin);
      until = Clock::now() + times_.idle;
    } else if (std::shared_ptr<Call> call = Begin()) {
      return call;
    }
  }
  --free_;
  --threads_;
  return nullptr;
}

// When the next call may begin, if there is a thread: when fewer than kMostYoung are young.
Resolver::Clock::time_point Resolver::NextBegin() {
  if (under_way_.size() < kMostYoung) return {};
  const auto& oldest_young = under_way_[under_way_.size() - kMostYoung];
  return oldest_young->began_at + times_.patience;
}

// Takes the first that somebody still waits for, if there is one.
std::shared_ptr<Resolver::Call> Resolver::Begin() {
  const std::shared_ptr<Call> call = std::move(waiting_.front());
  waiting_.pop_front();
  std::erase_if(call->questions, [](const auto& question) { return question->IsForgotten(); });
  if (call->questions.empty()) return nullptr;
  call->began_at = Clock::now();
  under_way_.push_back(call);
  --free_;
  // Where no thread can be started the others look after it when they have their answers.
  if (!waiting_.empty()) (void)WakeOrStartThread();
  return call;
}

void Resolver::Finish(const std::shared_ptr<Call>& call, const Answer& answer) {
  {
    MutexLock lock(mutex_);
    std::erase(under_way_, call);
    // Those who wait for the patience to pass need not any more.
    if (++free_ > 1) changed_.notify_all();
  }
  // Nobody can join it any more.
  for (const auto& question : call->questions) question->Settle(answer);
}

// ---- A question ----

void Resolver::Question::Forget() {
  MutexLock lock(mutex_);
  waiter_ = nullptr;
}

bool Resolver::Question::IsForgotten() {
  MutexLock lock(mutex_);
  return waiter_ == nullptr;
}

std::optional<Resolver::Answer> Resolver::Question::Take() {
  MutexLock lock(mutex_);
  return std::exchange(answer_, std::nullopt);
}

void Resolver::Question::Settle(const Answer& answer) {
  MutexLock lock(mutex_);
  if (waiter_ == nullptr) return;
  answer_ = answer;
  waiter_->OnAnswer();
}

}  // namespace sideloop
