// Passwords in what servers say. A failure here is a password in somebody's log.
#include "base/secret.h"

#include <gtest/gtest.h>

namespace sideloop {
namespace {

TEST(WithoutSecret, HidesEachOccurrence) {
  EXPECT_EQ(WithoutSecret("ERR invalid password 'pw' and pwpw", "pw"),
            "ERR invalid password '***' and ******");
}

TEST(WithoutSecret, KeepsTheWordThatTellsErrorsApart) {
  EXPECT_EQ(WithoutSecret("NOAUTH NOAUTH required", "NOAUTH"), "NOAUTH *** required");
  EXPECT_EQ(WithoutSecret("NOAUTH", "NOAUTH"), "NOAUTH");
}

TEST(WithoutSecret, LeavesAloneWhatHasNone) {
  EXPECT_EQ(WithoutSecret("WRONGPASS invalid", ""), "WRONGPASS invalid");
  EXPECT_EQ(WithoutSecret("WRONGPASS invalid", "pw"), "WRONGPASS invalid");
  EXPECT_EQ(WithoutSecret("", "pw"), "");
}

// What hides it has it in turn: that is no reason to go on for ever.
TEST(WithoutSecret, EndsWhereTheSecretIsStars) {
  EXPECT_EQ(WithoutSecret("ERR * and **", "*"), "ERR *** and ******");
}

}  // namespace
}  // namespace sideloop
