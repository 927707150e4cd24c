// Coroutines on a loop: what a task returns, where it runs, and who destroys it. A failure means
// that a rule of native/coro/task.h is broken.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coro/post.h"
#include "coro/sleep.h"
#include "coro_runner.h"
#include "unit/coro_without_exceptions.h"

namespace sideloop {
namespace {

using coro::AssertOnLoop;
using coro::Outcome;
using coro::Sleep;
using coro::Task;
using test::PostForValue;
using test::ValueOf;

// Notes on which thread it was destroyed, once it is not moved-from.
class Witness {
 public:
  explicit Witness(std::thread::id* destroyed_on) : destroyed_on_(destroyed_on) {}
  Witness(Witness&& other) noexcept : destroyed_on_(std::exchange(other.destroyed_on_, nullptr)) {}
  Witness& operator=(Witness&&) = delete;
  ~Witness() {
    if (destroyed_on_ != nullptr) *destroyed_on_ = std::this_thread::get_id();
  }

 private:
  std::thread::id* destroyed_on_;
};

Task<int> Return(int value) {
  AssertOnLoop();
  co_return value;
}

Task<int> ReturnLater(int value) {
  AssertOnLoop();
  co_await Sleep(0);
  co_return value;
}

Task<int> Throw(std::string what) {
  AssertOnLoop();
  co_await Sleep(0);
  throw std::runtime_error(what);
}

class CoroTask : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = test::StartLoop();
};

// ---- Values ----

TEST_F(CoroTask, ReturnsItsValue) { EXPECT_EQ(ValueOf(*loop_, Return(7)), 7); }

TEST_F(CoroTask, ReturnsAValueThatCanOnlyBeMoved) {
  const auto box = [](int value) -> Task<std::unique_ptr<int>> {
    AssertOnLoop();
    co_return std::make_unique<int>(value);
  };
  EXPECT_EQ(*ValueOf(*loop_, box(7)), 7);
}

TEST_F(CoroTask, AwaitsItsChildrenInOrder) {
  const auto parent = []() -> Task<std::vector<int>> {
    AssertOnLoop();
    std::vector<int> values;
    values.push_back(co_await Return(1));
    values.push_back(co_await ReturnLater(2));
    Task<int> named = Return(3);
    values.push_back(co_await std::move(named));
    co_return values;
  };
  EXPECT_EQ(ValueOf(*loop_, parent()), (std::vector<int>{1, 2, 3}));
}

Task<void> Append(std::vector<int>& values, int depth) {
  AssertOnLoop();
  if (depth > 0) co_await Append(values, depth - 1);
  co_await Sleep(0);
  values.push_back(depth);
}

TEST_F(CoroTask, GoesOnInTheParentWhenAChildWithoutValueEnds) {
  std::vector<int> values;
  ValueOf(*loop_, Append(values, 3));
  EXPECT_EQ(values, (std::vector<int>{0, 1, 2, 3}));
}

Task<int> Depth(int depth) {
  AssertOnLoop();
  if (depth == 0) co_return 0;
  co_return 1 + co_await Depth(depth - 1);
}

// The loop's thread has 1 MiB of stack, and a frame on it for each transfer would be some 100
// bytes.
TEST_F(CoroTask, NeitherManyReadyChildrenNorDeepOnesGrowTheStack) {
  const auto sum = []() -> Task<int> {
    AssertOnLoop();
    int total = 0;
    for (int i = 0; i < 100'000; ++i) total += co_await Return(1);
    co_return total;
  };
  EXPECT_EQ(ValueOf(*loop_, sum()), 100'000);
  EXPECT_EQ(ValueOf(*loop_, Depth(20'000)), 20'000);
}

TEST_F(CoroTask, GivesAChildsExceptionToTheParent) {
  const auto parent = []() -> Task<std::string> {
    AssertOnLoop();
    try {
      co_await Throw("from below");
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing was thrown";
  };
  EXPECT_EQ(ValueOf(*loop_, parent()), "from below");
}

TEST_F(CoroTask, HandsAnUncaughtExceptionToDone) {
  // The exception stays on its thread: what arrives here is its text.
  std::promise<std::string> text;
  ASSERT_TRUE(coro::Post(*loop_, Throw("to the top"), [&text](Outcome<int> outcome) {
    EXPECT_FALSE(outcome.ok());
    try {
      std::move(outcome).Get();
    } catch (const std::runtime_error& error) {
      text.set_value(error.what());
    }
  }));
  EXPECT_EQ(text.get_future().get(), "to the top");
}

TEST_F(CoroTask, AwaitsATaskThatWasCompiledWithoutExceptions) {
  EXPECT_EQ(ValueOf(*loop_, test::DoubleWithoutExceptions(ReturnLater(21))), 42);
}

// ---- Ownership ----

Task<void> Hold([[maybe_unused]] Witness witness, bool* began) {
  AssertOnLoop();
  *began = true;
  co_await Sleep(0);
  // `witness` is a parameter: it goes with the frame, not with the body's last line.
}

TEST_F(CoroTask, DestroysAnUnstartedTaskWhereItIsDropped) {
  std::thread::id destroyed_on;
  bool began = false;
  { const Task<void> dropped = Hold(Witness(&destroyed_on), &began); }
  EXPECT_EQ(destroyed_on, std::this_thread::get_id());
  EXPECT_FALSE(began);
}

TEST_F(CoroTask, DestroysARefusedTaskAndItsDoneOnTheCallersThread) {
  loop_->Stop();
  std::thread::id task_destroyed_on;
  std::thread::id done_destroyed_on;
  bool began = false;
  bool done = false;
  std::thread caller([&] {
    EXPECT_FALSE(
        coro::Post(*loop_, Hold(Witness(&task_destroyed_on), &began),
                   [&done, witness = Witness(&done_destroyed_on)](Outcome<void>) { done = true; }));
    EXPECT_EQ(task_destroyed_on, std::this_thread::get_id());
    EXPECT_EQ(done_destroyed_on, std::this_thread::get_id());
  });
  caller.join();
  EXPECT_FALSE(began);
  EXPECT_FALSE(done);
}

TEST_F(CoroTask, DestroysTheFrameOnTheLoopThreadBeforeDone) {
  std::thread::id destroyed_on;
  bool began = false;
  std::promise<bool> was_loop_thread;
  ASSERT_TRUE(coro::Post(*loop_, Hold(Witness(&destroyed_on), &began), [&](Outcome<void> outcome) {
    EXPECT_TRUE(outcome.ok());
    was_loop_thread.set_value(destroyed_on == std::this_thread::get_id());
  }));
  EXPECT_TRUE(was_loop_thread.get_future().get());
  EXPECT_TRUE(began);
}

TEST_F(CoroTask, NeverStartsInlineFromTheLoopThreadEither) {
  const auto poster = [](EventLoop& loop, bool* began) -> Task<bool> {
    AssertOnLoop();
    std::thread::id unused;
    EXPECT_TRUE(coro::Post(loop, Hold(Witness(nullptr), began), [](Outcome<void>) {}));
    co_return *began;
  };
  bool began = false;
  EXPECT_FALSE(ValueOf(*loop_, poster(*loop_, &began)));
  loop_->Stop();
  EXPECT_TRUE(began);
}

}  // namespace
}  // namespace sideloop
