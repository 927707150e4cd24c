// Names are resolved on threads of the resolver's own, some of which may hang for as long as a name
// server pleases. A failure here is a reconnect that waits for another's name, a loop that can't
// stop, or a waiter that is told after its end.
#include "cross/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/lookup.h"
#include "stress/event.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

using namespace std::chrono_literals;

// What the resolvers of the tests ask. A name that begins with "hangs" has its answer when the test
// is over, one that begins with "slow" when the test allows one more answer.
struct System {
  std::atomic<int> calls = 0;
  std::atomic<int> hanging = 0;
  std::atomic<int> slow = 0;       // calls under way, of slow names
  std::atomic<int> most_slow = 0;  // at once
  std::atomic<int> allowed = 0;    // answers of slow names that nobody has had yet
  std::atomic<bool> lets_go = false;

  void AwaitAllowance() {
    const int now = ++slow;
    for (int most = most_slow; most < now && !most_slow.compare_exchange_weak(most, now);) {
    }
    for (int left = allowed;
         !lets_go && (left == 0 || !allowed.compare_exchange_weak(left, left - 1));
         left = allowed) {
      std::this_thread::sleep_for(1ms);
    }
    --slow;
  }
};
System* g_system = nullptr;

Resolver::Answer AskTest(const std::string& host, int family) {
  System& system = *g_system;
  ++system.calls;
  if (host.starts_with("hangs")) {
    ++system.hanging;
    while (!system.lets_go) std::this_thread::sleep_for(1ms);
    --system.hanging;
  }
  if (host.starts_with("slow")) system.AwaitAllowance();
  if (host == "nowhere") return {UV_EAI_NONAME, {}};
  return {0, {*Address::Parse(family == 6 ? "::1" : "127.0.0.1", 0)}};
}

class Asking final : public Resolver::Waiter {
 public:
  Asking(Resolver& resolver, const std::string& host, int family = 0)
      : question(resolver.Resolve(host, family, *this)) {}
  ~Asking() { question->Forget(); }

  void OnAnswer() override {
    ++times;
    answered.Set();
  }
  int Status() {
    EXPECT_TRUE(answered.Wait());
    const auto answer = question->Take();
    EXPECT_EQ(times, 1);
    return answer ? answer->status : UV_ECANCELED;
  }

  Event answered;
  std::atomic<int> times = 0;
  const std::shared_ptr<Resolver::Question> question;
};

class Names : public testing::Test {
 protected:
  Names() { g_system = &system_; }
  // A resolver is left behind, as it is in life; its calls are not.
  ~Names() override {
    system_.lets_go = true;
    for (Resolver* resolver : made_) {
      EXPECT_TRUE(WaitUntil([&] { return resolver->threads() == 0; })) << "idle threads stay";
    }
  }
  Resolver& Make(Resolver::Times times = {.patience = 1ms, .shared_for = 1h, .idle = 1ms}) {
    static std::vector<Resolver*>& all = *new std::vector<Resolver*>;
    all.push_back(new Resolver(&AskTest, times));
    made_.push_back(all.back());
    return *all.back();
  }

  System system_;
  std::vector<Resolver*> made_;
};

TEST_F(Names, HaveTheirAnswers) {
  Resolver& resolver = Make();
  Asking good(resolver, "somewhere");
  Asking bad(resolver, "nowhere");
  EXPECT_EQ(good.Status(), 0);
  EXPECT_EQ(bad.Status(), UV_EAI_NONAME);
}

TEST_F(Names, QuestionsForTheSameNameShareACall) {
  Resolver& resolver = Make();
  Asking first(resolver, "hangs");
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == 1; }));
  Asking second(resolver, "hangs");
  Asking other_family(resolver, "hangs", 6);
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == 2; }));
  system_.lets_go = true;
  EXPECT_EQ(first.Status(), 0);
  EXPECT_EQ(second.Status(), 0);
  EXPECT_EQ(other_family.Status(), 0);
  EXPECT_EQ(system_.calls, 2);
}

TEST_F(Names, AreAskedAnewBesideACallThatIsTooOld) {
  Resolver& resolver = Make({.patience = 1ms, .shared_for = 0ms, .idle = 1ms});
  Asking first(resolver, "hangs");
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == 1; }));
  Asking second(resolver, "hangs");
  EXPECT_TRUE(WaitUntil([&] { return system_.hanging == 2; }));
}

TEST_F(Names, OneThatHangsHoldsUpTheNextForThePatienceOnly) {
  Resolver& resolver = Make();
  std::vector<std::unique_ptr<Asking>> hanging;
  for (int i = 0; i < 5; ++i) {
    hanging.push_back(std::make_unique<Asking>(resolver, "hangs" + std::to_string(i)));
  }
  Asking good(resolver, "somewhere");
  EXPECT_EQ(good.Status(), 0);
}

// A patience that never ends shows what is asked without it.
constexpr Resolver::Times kPatient{.patience = 1h, .shared_for = 1h, .idle = 1ms};

TEST_F(Names, ThatAreSlowAreAskedSideBySide) {
  Resolver& resolver = Make(kPatient);
  std::vector<std::unique_ptr<Asking>> asking;
  for (int i = 0; i < 40; ++i) {
    asking.push_back(std::make_unique<Asking>(resolver, "slow" + std::to_string(i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return system_.slow == int{Resolver::kMostYoung}; }));
  // Each answer makes room for one more call, until all have been asked.
  for (int answers = 1; answers <= 40; ++answers) {
    ++system_.allowed;
    const int calls = std::min(answers + int{Resolver::kMostYoung}, 40);
    ASSERT_TRUE(WaitUntil([&] {
      return system_.allowed == 0 && system_.calls == calls && system_.slow == calls - answers;
    })) << answers;
  }
  for (const auto& each : asking) EXPECT_EQ(each->Status(), 0);
  EXPECT_EQ(system_.most_slow, int{Resolver::kMostYoung});
}

TEST_F(Names, OneThatIsSlowHoldsUpNoQuickOne) {
  Resolver& resolver = Make(kPatient);
  Asking slow(resolver, "slow");
  ASSERT_TRUE(WaitUntil([&] { return system_.slow == 1; }));
  for (int i = 0; i < 10; ++i) {
    Asking quick(resolver, "quick" + std::to_string(i));
    ASSERT_EQ(quick.Status(), 0);
  }
  EXPECT_EQ(system_.slow, 1);
}

TEST_F(Names, AreAskedSideBySideBesideCallsThatHang) {
  Resolver& resolver = Make();
  std::vector<std::unique_ptr<Asking>> asking;
  for (int i = 0; i < int{Resolver::kMostYoung}; ++i) {
    asking.push_back(std::make_unique<Asking>(resolver, "hangs" + std::to_string(i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == int{Resolver::kMostYoung}; }));
  for (int i = 0; i < int{Resolver::kMostYoung}; ++i) {
    asking.push_back(std::make_unique<Asking>(resolver, "slow" + std::to_string(i)));
  }
  EXPECT_TRUE(WaitUntil([&] { return system_.slow == int{Resolver::kMostYoung}; }));
}

TEST_F(Names, AreAskedNoMoreAtOnceThanMayBeYoung) {
  Resolver& resolver = Make(kPatient);
  std::vector<std::unique_ptr<Asking>> asking;
  for (int i = 0; i < int{Resolver::kMostYoung}; ++i) {
    asking.push_back(std::make_unique<Asking>(resolver, "slow" + std::to_string(i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return system_.slow == int{Resolver::kMostYoung}; }));
  Asking next(resolver, "next");
  Asking last(resolver, "last");
  EXPECT_EQ(system_.calls, int{Resolver::kMostYoung});
  ++system_.allowed;
  EXPECT_EQ(next.Status(), 0);
  EXPECT_EQ(last.Status(), 0);
}

TEST_F(Names, NoMoreThreadsHangThanTheBound) {
  Resolver& resolver = Make();
  std::vector<std::unique_ptr<Asking>> asking;
  for (int i = 0; i < 20; ++i) {
    asking.push_back(std::make_unique<Asking>(resolver, "hangs" + std::to_string(i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == int{Resolver::kMostThreads}; }));
  EXPECT_EQ(resolver.threads(), Resolver::kMostThreads);
  system_.lets_go = true;
  for (const auto& each : asking) EXPECT_EQ(each->Status(), 0);
  EXPECT_EQ(system_.calls, 20);
}

TEST_F(Names, ThatNobodyWaitsForAreNotAsked) {
  Resolver& resolver = Make(kPatient);
  std::vector<std::unique_ptr<Asking>> first;
  for (int i = 0; i < int{Resolver::kMostYoung}; ++i) {
    first.push_back(std::make_unique<Asking>(resolver, "hangs" + std::to_string(i)));
  }
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == int{Resolver::kMostYoung}; }));
  { Asking forgotten(resolver, "forgotten"); }
  Asking last(resolver, "last");
  system_.lets_go = true;
  EXPECT_EQ(last.Status(), 0);
  EXPECT_EQ(system_.calls, int{Resolver::kMostYoung} + 1);
}

TEST_F(Names, WaitersComeAndGoWhileTheyAreAnswered) {
  Resolver& resolver = Make({.patience = 0ms, .shared_for = 1h, .idle = 1ms});
  for (int i = 0; i < 500; ++i) {
    Asking kept(resolver, "a" + std::to_string(i % 7));
    { Asking dropped(resolver, "a" + std::to_string(i % 3)); }
    EXPECT_EQ(kept.Status(), 0);
  }
}

class NoListener final : public net::LookupListener {
 public:
  void OnResolved(int, std::vector<Address>) override { told = true; }
  std::atomic<bool> told = false;
};

TEST_F(Names, OneThatHangsDelaysNoStop) {
  Resolver& before = Resolver::Shared();
  Resolver::SetShared(Make());
  auto loop = StartLoop();
  NoListener listener;
  std::unique_ptr<net::Lookup> lookup;
  RunOn(*loop, [&] {
    loop->loop().AssertOnLoop();
    lookup = std::make_unique<net::Lookup>(loop->loop(), "hangs", 1, 0, listener);
    EXPECT_EQ(lookup->Start(), 0);
  });
  ASSERT_TRUE(WaitUntil([&] { return system_.hanging == 1; }));
  RunOn(*loop, [&] { lookup.reset(); });
  EXPECT_TRUE(loop->Stop());
  EXPECT_EQ(system_.hanging, 1) << "the stop has waited for the answer";
  system_.lets_go = true;
  Resolver::SetShared(before);
  EXPECT_FALSE(listener.told);
}

TEST_F(Names, WithANulAreRefused) {
  auto loop = StartLoop();
  NoListener listener;
  RunOn(*loop, [&] {
    loop->loop().AssertOnLoop();
    net::Lookup lookup(loop->loop(), std::string("localhost\0.example", 18), 1, 0, listener);
    EXPECT_EQ(lookup.Start(), UV_EINVAL);
  });
  EXPECT_TRUE(loop->Stop());
}

TEST(TheSystem, ResolvesAndRefuses) {
  Asking local(Resolver::Shared(), "localhost");
  EXPECT_EQ(local.Status(), 0);
  Asking nobody(Resolver::Shared(), "no-such-name.invalid");
  EXPECT_NE(nobody.Status(), 0);
}

}  // namespace
}  // namespace sideloop::test
