// What can't be moved, on a real server: members that are no jobs, streams and servers that take
// nothing. A failure here means a job that waits behind one of these, or a loop that never sleeps
// because of one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lease/delayed_jobs.h"
#include "stress/fake_server.h"
#include "stress/moving.h"
#include "stress/redis_server.h"

namespace sideloop::test {
namespace {

constexpr char kHigh[] = "{q}:high";
constexpr char kLow[] = "{q}:low";
constexpr char kDelayed[] = "{q}:delayed";

TEST(DelayedJobs, WhatIsNoJobIsSetAsideAndHoldsUpNobody) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  const std::vector<std::string> no_jobs = {
      "text", std::string("\xc1", 1), "",
      // Three, of which none is a list.
      std::string("\x93\xa1\x61\xa1\x61\xa1\x61"),
      // Four; its list has a field without a value.
      std::string("\x94\xa1\x61\xa1\x61\x91\xa1\x61\xa0"),
      // Four; its list is a map.
      std::string("\x94\xa1\x61\xa1\x61\x81\xa1\x61\xa1\x61\xa0")};
  for (const std::string& member : no_jobs) console.Ask({"ZADD", kDelayed, "1", member});
  console.AddDelayed("good", 0, kLow, {"n", "1"});
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  ASSERT_TRUE(moving.WaitForFailures(1));
  EXPECT_EQ(moving.stats().set_aside, no_jobs.size());
  EXPECT_EQ(console.Ask({"ZCOUNT", kDelayed, "+inf", "+inf"}).integer,
            static_cast<std::int64_t>(no_jobs.size()));
  // They are not due again.
  const std::uint64_t runs = moving.stats().runs;
  client.LetPass(50);
  EXPECT_EQ(moving.stats().runs, runs);
}

TEST(DelayedJobs, AStreamThatTakesNothingHoldsUpItsOwnJobsOnlyAndIsTriedAgain) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  console.Ask({"SET", kHigh, "no stream"});
  console.AddDelayed("a", 0, kHigh, {"n", "a"});
  console.AddDelayed("b", 0, kLow, {"n", "b"});
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  ASSERT_TRUE(moving.WaitForFailures(3));
  EXPECT_EQ(moving.failures()[0].code, ErrorCode::kReply);
  EXPECT_NE(moving.failures()[0].message.find("WRONGTYPE"), std::string::npos);
  EXPECT_EQ(console.HeldEntries(kLow).size(), 1u);
  console.Ask({"DEL", kHigh});
  ASSERT_TRUE(moving.WaitForMoved(2));
  EXPECT_EQ(console.HeldEntries(kHigh).size(), 1u);
  EXPECT_EQ(moving.stats().failed, moving.failures().size());
}

// More of them than one script looks at.
TEST(DelayedJobs, JobsThatCanNotBeMovedHoldUpNobodyHoweverManyTheyAre) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  console.Ask({"SET", kHigh, "no stream"});
  for (int i = 0; i < 20; ++i) console.AddDelayed(std::to_string(i), -60'000, kHigh, {"n", "1"});
  console.Ask({"ZADD", kDelayed, "1", "no job"});
  for (int i = 20; i < 30; ++i) console.AddDelayed(std::to_string(i), -1, kLow, {"n", "1"});
  auto options = Moving::Options();
  options.limit = 3;
  Moving moving(client, options);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(10));
  EXPECT_EQ(console.HeldEntries(kLow).size(), 10u);
  // One that comes due later is not held up either, and those that are stuck are not forgotten.
  console.AddDelayed("30", 20, kLow, {"n", "1"});
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(11));
  console.Ask({"DEL", kHigh});
  ASSERT_TRUE(moving.WaitForMoved(31));
  EXPECT_EQ(console.HeldEntries(kHigh).size(), 20u);
}

// Else a server without memory would be asked about each of a million jobs, again and again.
TEST(DelayedJobs, WhereTheServerTakesNoWritesTheRestIsNotTried) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  for (int i = 0; i < 20; ++i) console.AddDelayed(std::to_string(i), 0, kLow, {"n", "1"});
  console.Ask({"CONFIG", "SET", "maxmemory", "1"});
  auto options = Moving::Options();
  options.limit = 3;
  options.retry_min_ms = 3'600'000;
  options.retry_max_ms = 3'600'000;
  Moving moving(client, options);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForFailures(1));
  EXPECT_NE(moving.failures()[0].message.find("OOM"), std::string::npos);
  client.LetPass(30);
  EXPECT_EQ(moving.stats().runs, 1u);
  console.Ask({"CONFIG", "SET", "maxmemory", "0"});
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(20));
}

TEST(DelayedJobs, AJobThatIsDueWhileOthersAreStuckIsMovedThen) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  console.Ask({"SET", kHigh, "no stream"});
  console.AddDelayed("stuck", 0, kHigh, {"n", "1"});
  console.AddDelayed("due", 100, kLow, {"n", "1"});
  auto options = Moving::Options();
  options.retry_min_ms = 3'600'000;
  options.retry_max_ms = 3'600'000;
  Moving moving(client, options);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForMoved(1));
  EXPECT_EQ(console.HeldEntries(kLow).size(), 1u);
}

TEST(DelayedJobs, AnErrorOfTheServerIsToldAndItTriesAgain) {
  RedisServer server;
  Console console(server.options());
  Client client(server.options());
  client.OpenAndWait();
  console.Ask({"SET", kDelayed, "no sorted set"});
  Moving moving(client);
  moving.RunNow();
  ASSERT_TRUE(moving.WaitForFailures(2));
  EXPECT_EQ(moving.failures()[0].code, ErrorCode::kReply);
  console.Ask({"DEL", kDelayed});
  console.AddDelayed("a", 0, kLow, {"n", "a"});
  ASSERT_TRUE(moving.WaitForMoved(1));
}

}  // namespace
}  // namespace sideloop::test
