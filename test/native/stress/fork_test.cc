// A child of fork() has the loop's memory but not its thread, and locks that nobody will ever
// release. A failure here means a child that hangs, at its first Post or at its end.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "cross/event_loop.h"
#include "cross/resolver.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

#if defined(__SANITIZE_THREAD__)
#define SIDELOOP_TSAN 1
#endif

namespace sideloop::test {
namespace {

// Runs `body` in a child, which ends with what it returns. A child that hangs dies of the alarm.
template <typename Body>
int InChild(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_FALSE(WIFSIGNALED(status)) << "the child hung or crashed: signal " << WTERMSIG(status);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Fork, AChildIsRefusedAndMayEndEverything) {
  auto loop = StartLoop();
  std::atomic<bool> over = false;
  // Keeps the loop's locks busy, so that some child is born while one of them is held.
  std::thread producer([&] {
    while (!over) {
      const bool accepted = loop->Post([] {});
      (void)accepted;  // the mailbox may be full
    }
  });
  for (int round = 0; round < 30; ++round) {
    EXPECT_EQ(InChild([&] {
                bool destroyed = false;
                struct Probe {
                  ~Probe() { *flag = true; }
                  bool* flag;
                };
                auto probe = std::make_shared<Probe>(&destroyed);
                const bool accepted = loop->Post([probe = std::move(probe)] {});
                const bool accepts = loop->Accepts();
                const bool stopped = loop->Stop();
                const bool hooked = loop->StopThen(0, [] {});
                loop->Destroy();
                loop.reset();
                return !accepted && destroyed && !accepts && !stopped && !hooked;
              }),
              0);
  }
  over = true;
  producer.join();
  RunOn(*loop, [] {});  // the parent's loop has noticed nothing
  EXPECT_TRUE(loop->Stop());
}

Resolver::Answer AskTest(const std::string&, int) { return {0, {*Address::Parse("127.0.0.1", 0)}}; }

// Keeps a resolver's locks busy, so that some child is born while one of them is held.
class Asking final : private Resolver::Waiter {
 public:
  explicit Asking(Resolver& resolver) : resolver_(resolver), thread_([this] { Ask(); }) {
    // AddressSanitizer's own locks, which a starting thread takes, do not survive a fork.
    EXPECT_TRUE(WaitUntil([this] { return answers_ > 10; }));
  }
  ~Asking() {
    over_ = true;
    thread_.join();
  }

 private:
  void OnAnswer() override { ++answers_; }
  void Ask() {
    Resolver::Waiter& waiter = *this;
    for (int i = 0; !over_; ++i) {
      const auto question = resolver_.Resolve("name" + std::to_string(i % 5), 0, waiter);
      resolver_.book().Add({"server.example", i % 5, 0}, *Address::Parse("127.0.0.1", i % 5));
      EXPECT_TRUE(WaitUntil([&] { return answers_ > i; }));
      question->Forget();
    }
  }

  Resolver& resolver_;
  std::atomic<bool> over_ = false;
  std::atomic<int> answers_ = 0;
  std::thread thread_;  // the last, as it uses the others
};

// The resolver whose threads answer, in a process that forks.
class ForkOfAResolver : public testing::Test {
 protected:
  ForkOfAResolver() { Resolver::SetShared(resolver_); }
  ~ForkOfAResolver() override { Resolver::SetShared(before_); }

  Resolver& before_ = Resolver::Shared();
  Resolver& resolver_ = *[] {
    static Resolver* made = new Resolver(&AskTest);
    return made;
  }();
};

TEST_F(ForkOfAResolver, AChildHasAResolverOfItsOwn) {
  const Asking asking(resolver_);
  const AddressBook::Name name{"server.example", 1, 0};
  ASSERT_FALSE(resolver_.book().Find(name).empty());
  for (int round = 0; round < 30; ++round) {
    EXPECT_EQ(InChild([&] {
                Resolver& own = Resolver::Shared();
                const bool is_empty = own.book().Find(name).empty();
                own.book().Add(name, *Address::Parse("127.0.0.2", 1));
                return &own != &resolver_ && &own == &Resolver::Shared() && is_empty &&
                       own.threads() == 0 && own.book().names() == 1;
              }),
              0);
  }
  EXPECT_EQ(&Resolver::Shared(), &resolver_);
}

TEST_F(ForkOfAResolver, AChildMayRunAnotherProgram) {
  const Asking asking(resolver_);
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(InChild([] {
                execl("/bin/sh", "sh", "-c", "exit 0", nullptr);
                return false;
              }),
              0);
  }
}

#ifndef SIDELOOP_TSAN  // ThreadSanitizer ends a forked child that starts a thread.
bool Answers(Resolver& resolver, const std::string& host) {
  struct : Resolver::Waiter {
    void OnAnswer() override { answered.Set(); }
    Event answered;
  } waiter;
  const auto question = resolver.Resolve(host, 0, waiter);
  if (!waiter.answered.Wait()) return false;
  const auto answer = question->Take();
  return answer && answer->status == 0;
}

TEST_F(ForkOfAResolver, AChildHasItsAnswers) {
  // The parent's thread is there, and at rest: the locks of AddressSanitizer's that a starting
  // thread takes do not survive a fork beside one that allocates.
  EXPECT_TRUE(Answers(resolver_, "name"));
  EXPECT_EQ(InChild([] { return Answers(Resolver::Shared(), "localhost"); }), 0);
}

TEST(Fork, AChildMayHaveALoopOfItsOwn) {
  const auto parents = StartLoop();
  // AddressSanitizer's own locks, which a starting thread takes, do not survive a fork.
  RunOn(*parents, [] {});
  EXPECT_EQ(InChild([] {
              auto own = EventLoop::Start({});
              if (own == nullptr) return false;
              bool ran = false;
              return own->Post([&ran] { ran = true; }) && own->Stop() && ran;
            }),
            0);
  EXPECT_TRUE(parents->Stop());
}
#endif

}  // namespace
}  // namespace sideloop::test
