// A child of fork() has the loop's memory but not its thread, and locks that nobody will ever
// release. A failure here means a child that hangs, at its first Post or at its end.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "cross/event_loop.h"
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

#ifndef SIDELOOP_TSAN  // ThreadSanitizer ends a forked child that starts a thread.
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
