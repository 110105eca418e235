// Work in a process of its own.
#include "tools/dlc/apart.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "runtime/error.h"

namespace dlc::cli {
namespace {

TEST(RunApart, NothingButItsErrorsComesBack) {
  int changed = 0;
  run_apart([&] { changed = 1; });
  EXPECT_EQ(changed, 0);
  try {
    run_apart([] { fail_as(ErrorCode::unsupported, "no {}", std::string(10'000, 'x')); });
    FAIL() << "the error was lost";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_EQ(error.what(), "no " + std::string(10'000, 'x'));
  }
}

TEST(RunApart, ACrashIsAnError) {
  try {
    run_apart([] {
      ::signal(SIGSEGV, SIG_DFL);
      ::raise(SIGSEGV);
    });
    FAIL() << "the crash was not noticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::failed);
    EXPECT_NE(std::string(error.what()).find("signal 11"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace dlc::cli
