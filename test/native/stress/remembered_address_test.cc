// A connector that knows where a server was last found, and asks where it is now. A failure here is
// a reconnect that waits for a dead resolver; or, worse, one that goes to a server whose name has
// moved on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cross/resolver.h"
#include "net/connector.h"
#include "stress/event.h"
#include "stress/listening.h"
#include "stress/loop_thread.h"

namespace sideloop::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kHourMs = 3'600'000;

// What the resolver asks: it hangs until the test gives the answer.
class Dns {
 public:
  void Answer(Resolver::Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    changed_.notify_all();
  }
  Resolver::Answer Await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return answer_.has_value(); });
    return *answer_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Resolver::Answer> answer_;
};
Dns* g_dns = nullptr;

Resolver::Answer AskTest(const std::string&, int) { return g_dns->Await(); }

// One connector on its way, and what it tells.
class Connecting final : private net::ConnectorListener {
 public:
  Connecting(EventLoop& loop, net::ConnectOptions options) : loop_(loop) {
    RunOn(loop_, [&] {
      loop_.loop().AssertOnLoop();
      net::ConnectorListener& listener = *this;
      connector_ = std::make_unique<net::Connector>(loop_.loop(), std::move(options), listener);
      connector_->Start();
    });
  }
  ~Connecting() {
    RunOn(loop_, [&] {
      connector_.reset();
      stream_.reset();
    });
  }

  // The digits of where it got to, or the error.
  std::string Outcome() {
    EXPECT_TRUE(over_.Wait());
    return outcome_;
  }
  bool is_over() { return over_.is_set(); }
  [[nodiscard]] bool WaitForMove() { return moved_.Wait(); }
  bool has_moved() { return moved_.is_set(); }
  // Whether the connector still waits for the answer.
  bool IsResolving() {
    bool resolving = false;
    RunOn(loop_, [&] {
      loop_.loop().AssertOnLoop();
      resolving = connector_->resolving();
    });
    return resolving;
  }
  std::vector<std::string> Failed() {
    std::vector<std::string> failed;
    RunOn(loop_, [&] { failed = failed_; });
    return failed;
  }

 private:
  void OnAddress(const Address&) override {}
  void OnAttemptFailed(int error, const Address& address) override {
    failed_.push_back(address.text() + " " + uv_err_name(error));
  }
  void OnStream(std::unique_ptr<net::Stream> stream) override {
    stream_ = std::move(stream);
    End(stream_->peer().text());
  }
  void OnConnectFailed(int error, net::Call call, const Address& address) override {
    const std::string what = call == net::Call::kGetaddrinfo ? "getaddrinfo" : address.text();
    End(what + " " + uv_err_name(error));
  }
  void OnMoved() override {
    EXPECT_TRUE(over_.is_set());
    EXPECT_FALSE(moved_.is_set());
    moved_.Set();
  }

  void End(std::string outcome) {
    EXPECT_FALSE(over_.is_set()) << outcome << " after " << outcome_;
    outcome_ = std::move(outcome);
    over_.Set();
  }

  EventLoop& loop_;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<net::Stream> stream_;
  std::vector<std::string> failed_;
  std::string outcome_;
  Event over_;
  Event moved_;
};

class Remembered : public testing::Test {
 protected:
  Remembered() : before_(Resolver::Shared()), resolver_(Make()) {
    g_dns = &dns_;
    Resolver::SetShared(resolver_);
  }
  ~Remembered() override {
    EXPECT_TRUE(loop_->Stop(0));
    Resolver::SetShared(before_);
    dns_.Answer({UV_EAI_FAIL, {}});
    EXPECT_TRUE(WaitUntil([&] { return resolver_.threads() == 0; }));
  }

  // A server was found at each of these; the last of them last.
  void Remember(const std::vector<std::string>& all) {
    for (const auto& each : all) resolver_.book().Add(name_, At(each));
  }
  std::vector<std::string> Book() {
    std::vector<std::string> all;
    for (const auto& each : resolver_.book().Find(name_)) all.push_back(each.text());
    return all;
  }
  void Answer(const std::vector<std::string>& all) {
    Resolver::Answer answer;
    for (const auto& each : all) answer.addresses.push_back(*Address::Parse(each, 0));
    dns_.Answer(answer);
  }
  void AnswerWithError(int error) { dns_.Answer({error, {}}); }

  // Unless a test has it otherwise, no time passes that decides anything.
  net::ConnectOptions Options() {
    net::ConnectOptions options;
    options.host = name_.host;
    options.port = name_.port;
    options.book = net::BookUse::kTry;
    options.confirm_ms = kHourMs;
    options.attempt_ms = kHourMs;
    return options;
  }
  net::ConnectOptions OptionsThatConfirmNothing() {
    net::ConnectOptions options = Options();
    options.confirm_ms = 0;
    return options;
  }

  Address At(const std::string& digits) { return *Address::Parse(digits, name_.port); }

  Listening two_{"127.0.0.2"};
  Listening three_{"127.0.0.3", two_.port()};
  const AddressBook::Name name_{"server.example", two_.port(), 0};
  std::unique_ptr<EventLoop> loop_ = StartLoop();

 private:
  static Resolver& Make() {
    static std::vector<Resolver*>& all = *new std::vector<Resolver*>;
    all.push_back(new Resolver(&AskTest, {.patience = 1h, .shared_for = 1h, .idle = 1ms}));
    return *all.back();
  }

  Dns dns_;
  Resolver& before_;
  Resolver& resolver_;
};

TEST_F(Remembered, IsUsedWhereTheResolverHangs) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  EXPECT_TRUE(connecting.IsResolving());
}

TEST_F(Remembered, IsUsedWhereTheResolverFails) {
  for (const int error : {UV_EAI_AGAIN, UV_EAI_FAIL, UV_EAI_MEMORY, UV_EMFILE, UV_EAGAIN, UV_EIO}) {
    Remember({"127.0.0.2"});
    AnswerWithError(error);
    Connecting connecting(*loop_, Options());
    EXPECT_EQ(connecting.Outcome(), "127.0.0.2") << uv_err_name(error);
    EXPECT_THAT(Book(), ElementsAre("127.0.0.2"));
  }
}

TEST_F(Remembered, IsUsedWhereTheNameHasItStill) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, Options());
  ASSERT_TRUE(WaitUntil([&] { return two_.accepted() == 1; }));
  Answer({"127.0.0.3", "127.0.0.2"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  EXPECT_EQ(two_.accepted(), 1u);
  EXPECT_EQ(three_.accepted(), 0u);
  EXPECT_FALSE(connecting.IsResolving());
}

TEST_F(Remembered, IsDroppedWhereTheNameHasMoved) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, Options());
  ASSERT_TRUE(WaitUntil([&] { return two_.accepted() == 1; }));
  EXPECT_FALSE(connecting.is_over());
  Answer({"127.0.0.3"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
  EXPECT_THAT(Book(), IsEmpty());
}

TEST_F(Remembered, IsDroppedWhereTheNameHasNoAddressAnyMore) {
  for (const int error : {UV_EAI_NONAME, UV_EAI_NODATA}) {
    Remember({"127.0.0.2"});
    AnswerWithError(error);
    Connecting connecting(*loop_, Options());
    EXPECT_EQ(connecting.Outcome(), std::string("getaddrinfo ") + uv_err_name(error));
    EXPECT_THAT(Book(), IsEmpty());
  }
  Remember({"127.0.0.2"});
  Answer({});
  Connecting connecting(*loop_, Options());
  EXPECT_EQ(connecting.Outcome(), "getaddrinfo EAI_NODATA");
}

TEST_F(Remembered, IsDroppedWhileItDoesNotAnswerYet) {
  const Hole hole("127.0.0.4", name_.port);
  Remember({"127.0.0.4"});
  Connecting connecting(*loop_, Options());
  Answer({"127.0.0.3"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
}

TEST_F(Remembered, ThatDoesNotAnswerGetsTheNextBesideItAfterTheUsualTime) {
  const Hole hole("127.0.0.4", name_.port);
  Remember({"127.0.0.4"});
  net::ConnectOptions options = Options();
  options.attempt_ms = 1;
  Connecting connecting(*loop_, options);
  Answer({"127.0.0.4", "127.0.0.3"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
}

TEST_F(Remembered, ThatRefusesIsNotTriedTwice) {
  Remember({"127.0.0.5"});
  Connecting connecting(*loop_, Options());
  ASSERT_TRUE(WaitUntil([&] { return connecting.Failed().size() == 1; }));
  EXPECT_FALSE(connecting.is_over());
  Answer({"127.0.0.5"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.5 ECONNREFUSED");
  EXPECT_THAT(connecting.Failed(), ElementsAre("127.0.0.5 ECONNREFUSED"));
}

TEST_F(Remembered, ThatRefusesLeavesTheOthersOfTheName) {
  Remember({"127.0.0.5"});
  Connecting connecting(*loop_, Options());
  ASSERT_TRUE(WaitUntil([&] { return connecting.Failed().size() == 1; }));
  Answer({"127.0.0.6", "127.0.0.5", "127.0.0.3"});
  EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
  EXPECT_THAT(connecting.Failed(), ElementsAre("127.0.0.5 ECONNREFUSED", "127.0.0.6 ECONNREFUSED"));
}

TEST_F(Remembered, OfTwoTheSecondIsUsedWhereTheFirstRefuses) {
  Remember({"127.0.0.2", "127.0.0.5"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
}

TEST_F(Remembered, OfTwoTheSecondIsUsedWhereTheFirstDoesNotAnswer) {
  const Hole hole("127.0.0.4", name_.port);
  Remember({"127.0.0.2", "127.0.0.4"});
  net::ConnectOptions options = OptionsThatConfirmNothing();
  options.attempt_ms = 1;
  Connecting connecting(*loop_, options);
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
}

TEST_F(Remembered, WhereAllFailTheResolversFailureIsTold) {
  Remember({"127.0.0.5", "127.0.0.6"});
  {
    Connecting connecting(*loop_, Options());
    ASSERT_TRUE(WaitUntil([&] { return connecting.Failed().size() == 2; }));
    EXPECT_FALSE(connecting.is_over());
    AnswerWithError(UV_EAI_AGAIN);
    EXPECT_EQ(connecting.Outcome(), "getaddrinfo EAI_AGAIN");
  }
  // The answer may be the first.
  Connecting connecting(*loop_, Options());
  EXPECT_EQ(connecting.Outcome(), "getaddrinfo EAI_AGAIN");
  EXPECT_THAT(connecting.Failed(), ElementsAre("127.0.0.6 ECONNREFUSED", "127.0.0.5 ECONNREFUSED"));
}

TEST_F(Remembered, ALateAnswerTellsThatTheNameHasMoved) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  Answer({"127.0.0.3"});
  EXPECT_TRUE(connecting.WaitForMove());
  EXPECT_FALSE(connecting.IsResolving());
  EXPECT_THAT(Book(), IsEmpty());
}

TEST_F(Remembered, ALateAnswerTellsThatTheNameIsGone) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  AnswerWithError(UV_EAI_NONAME);
  EXPECT_TRUE(connecting.WaitForMove());
}

TEST_F(Remembered, ALateAnswerThatConfirmsIsNoNews) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  Answer({"127.0.0.3", "127.0.0.2"});
  ASSERT_TRUE(WaitUntil([&] { return !connecting.IsResolving(); }));
  EXPECT_FALSE(connecting.has_moved());
}

TEST_F(Remembered, ALateFailureIsNoNews) {
  Remember({"127.0.0.2"});
  Connecting connecting(*loop_, OptionsThatConfirmNothing());
  EXPECT_EQ(connecting.Outcome(), "127.0.0.2");
  AnswerWithError(UV_EAI_AGAIN);
  ASSERT_TRUE(WaitUntil([&] { return !connecting.IsResolving(); }));
  EXPECT_FALSE(connecting.has_moved());
  EXPECT_THAT(Book(), ElementsAre("127.0.0.2"));
}

TEST_F(Remembered, IsLeftAloneByThoseWhoDoNotAskForIt) {
  Remember({"127.0.0.2"});
  net::ConnectOptions options = Options();
  options.book = net::BookUse::kNone;
  Answer({"127.0.0.3"});
  {
    Connecting connecting(*loop_, options);
    EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
  }
  EXPECT_THAT(Book(), ElementsAre("127.0.0.2"));
  options.book = net::BookUse::kUpdate;
  Connecting connecting(*loop_, options);
  EXPECT_EQ(connecting.Outcome(), "127.0.0.3");
  EXPECT_THAT(Book(), IsEmpty());
  EXPECT_EQ(two_.accepted(), 0u);
}

TEST_F(Remembered, MayBeGivenUpAtEachStage) {
  const Hole hole("127.0.0.4", name_.port);
  Remember({"127.0.0.2"});
  { Connecting begun(*loop_, Options()); }
  const std::size_t before = two_.accepted();
  {
    Connecting kept_back(*loop_, Options());
    ASSERT_TRUE(WaitUntil([&] { return two_.accepted() > before; }));
  }
  {
    Connecting handed_over(*loop_, OptionsThatConfirmNothing());
    EXPECT_EQ(handed_over.Outcome(), "127.0.0.2");
  }
  Remember({"127.0.0.4"});
  { Connecting not_answering(*loop_, Options()); }
}

}  // namespace
}  // namespace sideloop::test
