// Replies that arrive in pieces, with whatever may come between two pieces: events, commands that
// fail, a connection that goes down, a JS thread that takes what is there. A failure here means a
// promise that gets another command's reply.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cross/reply_writer.h"
#include "resp/parser.h"
#include "stress/seed.h"
#include "unit/deliveries.h"

namespace sideloop {
namespace {

using test::RandomOf;

// The test stands in for the loop thread.
void AssertOnLoop() ASSERTS_ON_LOOP;
void AssertOnLoop() {}

// A reply as the server writes it, and as it must arrive.
struct Sample {
  std::string wire;
  std::string arrives;
};

class Samples {
 public:
  explicit Samples(std::mt19937_64& random) : random_(random) {}

  Sample Next() {
    if (random_() % 8 == 0) {
      const std::string text = "ERR " + std::to_string(random_() % 1000);
      return {"-" + text + "\r\n", "error<1|0|REDIS_REPLY|" + text + ">"};
    }
    return Tree(0);
  }

 private:
  Sample Tree(int depth) {
    switch (random_() % (depth < 4 ? 8 : 5)) {
      case 0:
        return {"_\r\n", "null"};
      case 1: {
        const std::string number =
            std::to_string(static_cast<int>(random_() % 2'000'000) - 1'000'000);
        return {":" + number + "\r\n", "integer<" + number + ">"};
      }
      case 2: {
        const std::string text(1 + random_() % 40, 'a');
        return {"+" + text + "\r\n", "ascii<" + text + ">"};
      }
      case 3: {
        // Around the size from which a length takes two bytes.
        const std::string text(random_() % 200, 'b');
        return {"$" + std::to_string(text.size()) + "\r\n" + text + "\r\n",
                text.empty() ? "ascii" : "ascii<" + text + ">"};
      }
      case 4:
        if (depth > 0) return {"-ERR in\r\n", "nested<ERR in>"};
        return {"$2\r\n\xc3\xa4\r\n", "utf8<\xc3\xa4>"};
      default: {
        const std::size_t length = random_() % 6;
        Sample all = {"*" + std::to_string(length) + "\r\n",
                      "array<" + std::to_string(length) + ">"};
        for (std::size_t i = 0; i < length; ++i) {
          const Sample one = Tree(depth + 1);
          all.wire += one.wire;
          all.arrives += " " + one.arrives;
        }
        return all;
      }
    }
  }

  std::mt19937_64& random_;
};

class ReplyOrder : public testing::Test {
 protected:
  // What the JS thread would do with what waits for it.
  void Take() {
    for (auto& delivery : outbox_->Take()) {
      EXPECT_EQ(delivery->target, 7u);
      DeliveryReader reader(*delivery);
      if (delivery->purpose == Delivery::Purpose::kEvent) {
        const std::string name = DescribeNext(reader);
        arrived_.push_back("event " + name + " " + DescribeNext(reader));
        EXPECT_EQ(delivery->settled, 0u);
      } else {
        std::uint32_t settled = 0;
        while (!reader.done()) {
          const std::string value = DescribeNext(reader);
          settled += value.starts_with("error<")
                         ? Delivery::FailedBy(std::string_view(value).substr(6))
                         : 1;
          arrived_.push_back(value);
        }
        EXPECT_EQ(delivery->settled, settled) << "the process would end too soon, or never";
      }
      EXPECT_TRUE(reader.done());
      EXPECT_EQ(reader.broken_because(), nullptr);
      outbox_->Recycle(std::move(delivery));
    }
  }

  void Tell() {
    AssertOnLoop();
    const std::int64_t number = ++told_;
    writer_.AddEvent("recurring", {number, std::string_view("stopped")});
    expected_.push_back("event ascii<recurring> array<2> integer<" + std::to_string(number) +
                        "> ascii<stopped>");
  }

  // Commands behind the one whose reply is in the making, if any is.
  void Fail(bool midway) {
    const std::uint32_t count = 1 + told_ % 3;
    ASSERT_TRUE(writer_.FailReplies(count, {ErrorCode::kClosed, "late"}));
    auto& list = midway ? late_ : expected_;
    list.push_back("error<" + std::to_string(count) + "|0|REDIS_CLOSED|late>");
  }

  void ExpectLate() {
    expected_.insert(expected_.end(), late_.begin(), late_.end());
    late_.clear();
  }

  CountingBell bell_;
  std::shared_ptr<Outbox> outbox_ = std::make_shared<Outbox>(bell_);
  ReplyWriter writer_{outbox_, 7};
  std::vector<std::string> expected_;
  std::vector<std::string> late_;
  std::vector<std::string> arrived_;
  std::int64_t told_ = 0;
};

TEST_F(ReplyOrder, IsThatOfWhatHappenedWhateverComesBetweenTwoPieces) {
  std::mt19937_64 random = RandomOf(31);
  Samples samples(random);
  for (int round = 0; round < 3000; ++round) {
    const Sample sample = samples.Next();
    resp::Parser parser;
    resp::ReplySink& sink = writer_.BeginReply(0);
    std::string buffer;
    std::size_t given = 0;
    const bool breaks = random() % 10 == 0;
    const std::size_t breaks_at = random() % sample.wire.size();
    bool whole = false;
    while (!whole && !(breaks && given > breaks_at)) {
      // To the end of a line, mostly: between two values.
      std::size_t end = sample.wire.find('\n', given) + 1;
      if (random() % 4 == 0) end = given + 1 + random() % (sample.wire.size() - given);
      buffer.append(sample.wire, given, end - given);
      given = end;
      const auto step = parser.Next(buffer, sink);
      ASSERT_NE(step.result, resp::Parser::Result::kBroken);
      buffer.erase(0, step.consumed);
      whole = step.result == resp::Parser::Result::kComplete;
      if (whole) break;
      if (random() % 2 == 0) Tell();
      if (random() % 4 == 0) writer_.FlushReplies();
      if (random() % 16 == 0) Fail(true);
      if (random() % 4 == 0) Take();
    }
    if (whole) {
      ASSERT_TRUE(writer_.EndReply());
      expected_.push_back(sample.arrives);
    } else {
      writer_.AbortReply();
      if (random() % 2 == 0) Tell();
      ASSERT_TRUE(writer_.FailReplies(1, {ErrorCode::kDisconnected, "gone", true}));
      expected_.push_back("error<1|1|REDIS_DISCONNECTED|gone>");
    }
    ExpectLate();
    if (random() % 8 == 0) Tell();
    if (random() % 16 == 0) Fail(false);
    if (random() % 3 == 0) writer_.FlushReplies();
    if (random() % 5 == 0) Take();
  }
  writer_.FlushReplies();
  Take();
  EXPECT_EQ(arrived_, expected_);
}

}  // namespace
}  // namespace sideloop
