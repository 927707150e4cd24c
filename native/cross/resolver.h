// Thread: any. Asks the system for the addresses of names. It asks on threads of its own: the
// system may take its time, and libuv's pool is the application's, whose hashing would hold a
// reconnect up.
// Owns: its threads, the names that wait, the calls under way, the book of the addresses that were
// good.
// Ends: never. A call of the system's can't be cut short, so its threads are left behind at exit:
// the one exception to joining. They touch nothing but the resolver and the questions they share.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/address.h"
#include "cross/address_book.h"
#include "cross/mutex.h"

namespace sideloop {

//            a thread takes it, if fewer than kMostYoung     the system answers
//   waiting --------------------------------------------> under way -----------> answered
//             calls are under way that are younger than
//             the patience, and fewer than kMostThreads at all
//
// Names that answer are asked kMostYoung at a time, however long each takes. Calls that hang hold
// up the next name for the patience only, until kMostThreads hang. Questions for the same name
// share a call, as long as it is not so old that a new one may fare better.
class Resolver {
 public:
  static constexpr std::size_t kMostThreads = 8;
  static constexpr std::size_t kMostYoung = 4;

  struct Answer {
    int status = 0;  // or a libuv error
    std::vector<Address> addresses;
  };
  // How the system is asked. `family` is 4, 6, or 0 for both.
  using Ask = Answer (*)(const std::string& host, int family);

  struct Times {
    std::chrono::milliseconds patience{250};
    std::chrono::milliseconds shared_for{5'000};
    std::chrono::milliseconds idle{10'000};  // after which a thread ends
  };

  class Waiter {
   public:
    // The answer is there to be taken. Called under the question's mutex.
    ANY_THREAD virtual void OnAnswer() = 0;

   protected:
    ~Waiter() = default;
  };

  // What a waiter and the resolver share.
  class Question {
   public:
    explicit Question(Waiter& waiter) : waiter_(&waiter) {}

    // When it returns the waiter is not called any more.
    ANY_THREAD void Forget();
    // The answer, once.
    ANY_THREAD std::optional<Answer> Take();

   private:
    friend class Resolver;
    ANY_THREAD void Settle(const Answer& answer);
    ANY_THREAD bool IsForgotten();

    Mutex mutex_;
    Waiter* waiter_ GUARDED_BY(mutex_);
    std::optional<Answer> answer_ GUARDED_BY(mutex_);
  };

  // That of the process. A forked child has one of its own: threads and locks are its parent's.
  ANY_THREAD static Resolver& Shared();
  // For tests: has Shared() be another one.
  ANY_THREAD static void SetShared(Resolver& resolver);

  explicit Resolver(Ask ask) : Resolver(ask, Times()) {}
  Resolver(Ask ask, Times times);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The waiter is told once, on any thread, perhaps before this returns.
  [[nodiscard]] ANY_THREAD std::shared_ptr<Question> Resolve(const std::string& host, int family,
                                                             Waiter& waiter);

  // Where servers were found by their names, for whoever wants to try there while it asks.
  ANY_THREAD AddressBook& book() { return book_; }

  // For tests.
  ANY_THREAD std::size_t threads();

 private:
  using Clock = std::chrono::steady_clock;

  ~Resolver() = default;  // made by new, and left behind

  struct Call {
    std::string host;
    int family;
    Clock::time_point began_at;
    std::vector<std::shared_ptr<Question>> questions;
  };

  void Work();
  std::shared_ptr<Call> TakeNext();
  void Finish(const std::shared_ptr<Call>& call, const Answer& answer);
  bool Share(const std::string& host, int family, const std::shared_ptr<Question>& question)
      REQUIRES_LOCK(mutex_);
  int WakeOrStartThread() REQUIRES_LOCK(mutex_);
  std::shared_ptr<Call> Begin() REQUIRES_LOCK(mutex_);
  Clock::time_point NextBegin() REQUIRES_LOCK(mutex_);

  const Ask ask_;
  const Times times_;
  const int pid_;
  AddressBook book_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Call>> waiting_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Call>> under_way_ GUARDED_BY(mutex_);  // the oldest first
  std::size_t threads_ GUARDED_BY(mutex_) = 0;
  std::size_t free_ GUARDED_BY(mutex_) = 0;  // threads without a call
};

}  // namespace sideloop
