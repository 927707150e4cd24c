// The signals of the process on threads of ours. A failure here means that a handler of the host's
// runs on a loop thread, in the midst of something that it knows nothing of.
#include "cross/thread.h"

#include <gtest/gtest.h>

#ifndef _WIN32

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <memory>

#include "cross/event_loop.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

// Whether the calling thread blocks it.
bool Blocks(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

constexpr int kProcessDirected[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGALRM,
                                    SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT,
                                    SIGTSTP, SIGURG,  SIGPROF, SIGIO,   SIGWINCH};

TEST(ThreadSignals, AllOfTheProcessAreBlockedOnALoopThread) {
  auto loop = StartLoop();
  RunOn(*loop, [] {
    for (const int signal : kProcessDirected) EXPECT_TRUE(Blocks(signal)) << signal;
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      EXPECT_FALSE(Blocks(signal)) << signal;
    }
  });
  EXPECT_TRUE(loop->Stop());
}

TEST(ThreadSignals, TheMaskOfTheThreadThatMakesOneIsAsBefore) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  auto loop = StartLoop();
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
  EXPECT_TRUE(loop->Stop());
}

pthread_t g_handled_on;
volatile sig_atomic_t g_handled = 0;

TEST(ThreadSignals, AHandlerOfTheProcessRunsOnAnotherThread) {
  auto loop = StartLoop();
  pthread_t loop_thread{};
  RunOn(*loop, [&] { loop_thread = pthread_self(); });
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {
    g_handled_on = pthread_self();
    g_handled = 1;
  };
  sigaction(SIGUSR1, &action, &before);
  // The signal waits until one thread takes it: this one blocks it until it asks.
  sigset_t usr1;
  sigset_t mask;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, &mask);
  for (int i = 0; i < 100; ++i) {
    g_handled = 0;
    kill(getpid(), SIGUSR1);
    RunOn(*loop, [] {});  // it has had the processor, and a system call to return from
    sigset_t pending;
    sigpending(&pending);
    ASSERT_EQ(sigismember(&pending, SIGUSR1), 1) << "another thread has taken it";
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    while (g_handled == 0) sched_yield();  // a sanitizer may call the handler later
    pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
    ASSERT_TRUE(pthread_equal(g_handled_on, pthread_self()));
    ASSERT_FALSE(pthread_equal(g_handled_on, loop_thread));
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_TRUE(loop->Stop());
}

}  // namespace
}  // namespace sideloop::test

#endif
