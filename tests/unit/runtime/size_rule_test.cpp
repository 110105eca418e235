// When sizes make sense together.
#include "runtime/size_rule.h"

#include <gtest/gtest.h>

#include "runtime/error.h"

namespace dlc {
namespace {

std::string broken(SizeRule rule, int64_t a, int64_t b) {
  try {
    check_sizes(rule, a, b, "sizes");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SizeRule, EqualSizesAreEqual) {
  EXPECT_EQ(broken(SizeRule::equal, 3, 3), "");
  EXPECT_EQ(broken(SizeRule::equal, 4, 3), "sizes: 4 instead of 3");
}

TEST(SizeRule, OneBroadcasts) {
  EXPECT_EQ(broken(SizeRule::broadcast, 3, 3), "");
  EXPECT_EQ(broken(SizeRule::broadcast, 1, 3), "");
  EXPECT_EQ(broken(SizeRule::broadcast, 0, 1), "");
  EXPECT_EQ(broken(SizeRule::broadcast, 0, 2), "sizes 0 and 2 do not broadcast");
}

TEST(SizeRule, ALimitIsNotExceeded) {
  EXPECT_EQ(broken(SizeRule::at_most, 3, 4), "");
  EXPECT_EQ(broken(SizeRule::at_most, 5, 4), "sizes: 5 instead of at most 4");
}

TEST(SizeRule, OtherSizesNeedAnotherProgram) {
  EXPECT_EQ(broken(SizeRule::differ, 3, 1), "");
  EXPECT_NE(broken(SizeRule::differ, 1, 1), "");
}

}  // namespace
}  // namespace dlc
