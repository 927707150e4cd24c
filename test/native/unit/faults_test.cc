// What a consumer says of what it is refused. A failure here is an error that is told again and
// again, one that nobody hears, or a consumer that calls itself well while it may not do its work.
#include "lease/faults.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sideloop::lease {
namespace {

constexpr std::uint64_t kLapse = 100;
constexpr char kReplica[] = "READONLY You can't write against a read only replica.";
constexpr char kNoScripts[] = "NOPERM this user has no permissions to run the 'eval' command";
constexpr char kNoTime[] = "ERR The user executing the script can't run this command or subcommand";

Error Said(const std::string& words) { return {ErrorCode::kReply, words}; }

class FaultsTest : public testing::Test, public FaultsObserver {
 protected:
  void OnFault(const Error& why) override { told_.push_back(why.message); }
  void OnForbidden(std::string_view why) override { forbidden_.emplace_back(why); }

  const std::vector<std::string> keys_ = {"high", "low"};
  std::vector<std::string> told_;
  std::vector<std::string> forbidden_;
  Faults faults_{keys_, kLapse, *this};
};

TEST_F(FaultsTest, TellsOnceWhileItStaysTheSame) {
  for (int times = 0; times < 3; ++times) faults_.Refused(Task::kMove, 0, Said("WRONGTYPE no"), 1);
  EXPECT_EQ(told_.size(), 1u);
  faults_.Refused(Task::kMove, 0, Said("WRONGTYPE of another"), 1);
  EXPECT_EQ(told_.size(), 2u);
  faults_.Answered(Task::kRecover, 0);
  faults_.Refused(Task::kMove, 0, Said("WRONGTYPE of another"), 1);
  EXPECT_EQ(told_.size(), 2u);
  faults_.Answered(Task::kMove, 0);
  faults_.Refused(Task::kMove, 0, Said("WRONGTYPE of another"), 1);
  EXPECT_EQ(told_.size(), 3u);
}

TEST_F(FaultsTest, WhatHoldsForOneTaskIsNoNewsFromAnother) {
  const std::string place = " script: 3c4cfe40, on @user_script:";
  faults_.Refused(Task::kRead, 0, Said(kReplica), 1);
  faults_.Refused(Task::kRecover, 1, Said(kReplica + place + "5."), 1);
  faults_.Refused(Task::kAck, 0, Said(kReplica + place + "23."), 1);
  EXPECT_EQ(told_, std::vector<std::string>{kReplica});
  // It holds as long as it does for one of them.
  faults_.Answered(Task::kRead, 0);
  faults_.Refused(Task::kRead, 0, Said(kReplica), 1);
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(FaultsTest, NamesTheKeyThatIsWrongAndOfEachLevelByItself) {
  faults_.Refused(Task::kRecover, 0, Said("WRONGTYPE no"), 1);
  faults_.Refused(Task::kRecover, 1, Said("WRONGTYPE no"), 1);
  faults_.Refused(Task::kReadLevel, 1, Said("WRONGTYPE no"), 1);
  const std::vector<std::string> both = {"WRONGTYPE no (of the key high)",
                                         "WRONGTYPE no (of the key low)"};
  EXPECT_EQ(told_, both);
}

TEST_F(FaultsTest, APartOfAScriptIsToldAgainWhereItWasNotHeardForLong) {
  faults_.Complained("", 1);
  faults_.Complained("WRONGTYPE no", 1);
  faults_.Complained("WRONGTYPE no", Faults::kQuietNs);
  // It was heard meanwhile.
  faults_.Complained("WRONGTYPE no", 2 * Faults::kQuietNs - 1);
  EXPECT_EQ(told_.size(), 1u);
  faults_.Complained("WRONGTYPE no", 3 * Faults::kQuietNs - 1);
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(FaultsTest, RemembersABoundedNumberOfWords) {
  for (int i = 0; i < 1000; ++i) faults_.Complained(std::to_string(i), 1);
  EXPECT_EQ(told_.size(), 1000u);
  faults_.Complained("999", 2);
  EXPECT_EQ(told_.size(), 1000u);
  faults_.Complained("0", 2);
  EXPECT_EQ(told_.size(), 1001u);
}

TEST_F(FaultsTest, ARefusedJobIsNewsOnce) {
  EXPECT_TRUE(faults_.RefusedJob(Task::kFail, 0, Said("WRONGTYPE no"), 1));
  EXPECT_FALSE(faults_.RefusedJob(Task::kFail, 0, Said("WRONGTYPE no"), 2));
  // Another job was settled meanwhile.
  faults_.Answered(Task::kFail, 0);
  EXPECT_FALSE(faults_.RefusedJob(Task::kFail, 0, Said("WRONGTYPE no"), 3));
  EXPECT_TRUE(forbidden_.empty());
}

TEST_F(FaultsTest, WhatIsForbiddenIsSoUntilItIsAnswered) {
  EXPECT_TRUE(faults_.RefusedJob(Task::kAck, 0, Said(kNoTime), 1));
  faults_.Refused(Task::kMove, 0, Said(kNoTime), 1);
  faults_.Answered(Task::kMove, 0);
  EXPECT_EQ(forbidden_.back(), kNoTime);
  faults_.Answered(Task::kAck, 0);
  EXPECT_EQ(forbidden_.back(), "");
  EXPECT_TRUE(told_.empty());
}

TEST_F(FaultsTest, OneScriptThatRunsShowsThatScriptsMay) {
  EXPECT_TRUE(faults_.RefusedJob(Task::kAck, 0, Said(kNoScripts), 1));
  faults_.Refused(Task::kRenew, 1, Said(kNoScripts), 1);
  EXPECT_EQ(forbidden_.back(), kNoScripts);
  // A read is no script.
  faults_.Answered(Task::kRead, 0);
  EXPECT_EQ(forbidden_.back(), kNoScripts);
  faults_.Answered(Task::kMove, 0);
  EXPECT_EQ(forbidden_.back(), "");
  // If they are forbidden again, that is news.
  faults_.Refused(Task::kMove, 0, Said(kNoScripts), 1);
  EXPECT_EQ(told_, std::vector<std::string>{kNoScripts});
}

TEST_F(FaultsTest, TheReasonIsTheFirstThatHolds) {
  faults_.Refused(Task::kRecover, 0, Said(kNoTime), 1);
  faults_.Refused(Task::kHandBack, 0, Said("NOPERM of something else"), 1);
  EXPECT_EQ(forbidden_.back(), kNoTime);
  faults_.Answered(Task::kRecover, 0);
  EXPECT_EQ(forbidden_.back(), "NOPERM of something else");
}

TEST_F(FaultsTest, WhatConcernedAJobThatIsNotThereAnyMoreLapses) {
  EXPECT_TRUE(faults_.RefusedJob(Task::kAck, 0, Said(kNoTime), 1));
  EXPECT_FALSE(faults_.RefusedJob(Task::kAck, 0, Said(kNoTime), kLapse));
  faults_.Lapse(2 * kLapse - 1);
  EXPECT_EQ(forbidden_.back(), kNoTime);
  faults_.Lapse(2 * kLapse);
  EXPECT_EQ(forbidden_.back(), "");
  // What is asked all the time says itself that it is carried out.
  faults_.Refused(Task::kMove, 0, Said(kNoTime), 1);
  faults_.Lapse(10 * kLapse);
  EXPECT_EQ(forbidden_.back(), kNoTime);
}

TEST_F(FaultsTest, ReadsAreAMatterOfTheirOwn) {
  faults_.Refused(Task::kRead, 0, Said("NOPERM of reads"), 1);
  EXPECT_TRUE(forbidden_.empty());
  EXPECT_EQ(told_.size(), 1u);
}

}  // namespace
}  // namespace sideloop::lease
