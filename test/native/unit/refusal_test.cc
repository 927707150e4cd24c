// What an error of the server's means. One that is sorted wrongly makes a finished job run twice
// (an ack given up because the server was loading) or a wrong command be asked for ever.
#include "resp/refusal.h"

#include <gtest/gtest.h>

#include <string_view>

namespace sideloop::resp {
namespace {

TEST(Refusal, WhatPassesIsNotNow) {
  for (const std::string_view error :
       {"LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "CLUSTERDOWN The cluster is down", "CLUSTERDOWN Hash slot not served",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "MISCONF Redis is configured to save RDB snapshots", "NOREPLICAS Not enough good replicas",
        "ERR max number of clients reached",
        "ERR max number of clients + cluster connections reached", "LOADING"}) {
    EXPECT_EQ(RefusalOf(error), Refusal::kNotNow) << error;
  }
}

TEST(Refusal, WhatOnlyBeginsLikeItIsNo) {
  for (const std::string_view error :
       {"BUSYGROUP Consumer Group name already exists", "BUSYKEY Target key name already exists.",
        "NOTBUSY No scripts in execution right now.", "ERR max number of keys", "ERR",
        "WRONGTYPE Operation against a key holding the wrong kind of value", "LOADINGX", "", " ",
        "ASKING is not known", "NOSCRIPT No matching script.", "EXECABORT Transaction discarded"}) {
    EXPECT_EQ(RefusalOf(error), Refusal::kNo) << error;
  }
}

TEST(Refusal, WhatAnotherServerHasIsNotHere) {
  for (const std::string_view error :
       {"MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381",
        "READONLY You can't write against a read only replica.",
        "UNBLOCKED force unblock from blocking operation, instance state changed",
        "REDIRECT 127.0.0.1:6380"}) {
    EXPECT_EQ(RefusalOf(error), Refusal::kNotHere) << error;
  }
}

TEST(Refusal, WhatAnotherUserMayIsNotPermitted) {
  for (const std::string_view error :
       {"NOAUTH Authentication required.", "WRONGPASS invalid username-password pair",
        "NOPERM this user has no permissions to run the 'get' command",
        "DENIED Redis is running in protected mode"}) {
    EXPECT_EQ(RefusalOf(error), Refusal::kNotPermitted) << error;
  }
}

// One that is taken for such runs twice.
TEST(Refusal, OnlyTheServersOwnSentenceHoldsACommandBack) {
  for (const std::string_view error :
       {"LOADING Redis is loading the dataset in memory",
        "LOADING Valkey is loading the dataset in memory",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "MASTERDOWN Link with MASTER is down and slave-serve-stale-data is set to 'no'.",
        "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and "
        "'allow-stale' flag is not set on the script."}) {
    EXPECT_TRUE(IsHeldBack(error)) << error;
  }
  for (const std::string_view error :
       {"LOADING", "LOADING ", "LOADING of my own", "LOADING  is loading the dataset in memory",
        "LOADING Redis is loading the dataset in memory script: f00, on @user_script:1.",
        "LOADINGX Redis is loading the dataset in memory", "MASTERDOWN",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'. script: "
        "f00, on @user_script:1.",
        "BUSY Redis is busy running a script.", "ERR", ""}) {
    EXPECT_FALSE(IsHeldBack(error)) << error;
  }
}

}  // namespace
}  // namespace sideloop::resp
