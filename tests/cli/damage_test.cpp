// Damage at any place of a model: dlc ends with an error or a result, never with a signal.
#include <gtest/gtest.h>

#include <set>

#include "tests/cli/models.h"
#include "tests/cli/run_dlc.h"
#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

/// Exit codes that say that dlc itself is well.
const std::set<int> orderly = {0, 1, 2, 3, 4, 6};

void expect_orderly(const std::string& bytes, const std::string& what) {
  const std::filesystem::path path = scratch_folder() / "damaged.onnx";
  cli::write_file(path, bytes);
  const Outcome done = run_dlc({"run", path, "--threads", "1"});
  EXPECT_TRUE(orderly.contains(done.exit_code)) << what << ": " << done.exit_code << done.err;
  EXPECT_EQ(done.exit_code == 0, done.err.find("error: ") == std::string::npos) << what;
}

TEST(Damage, AModelCutAtAnyPlaceEndsInOrder) {
  const std::string good = linear().bytes();
  for (size_t size = 0; size < good.size(); size += 7)
    expect_orderly(good.substr(0, size), "cut at " + std::to_string(size));
}

TEST(Damage, AFlippedBitAtAnyPlaceEndsInOrder) {
  const std::string good = linear().bytes();
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    expect_orderly(bad, "bit flipped in byte " + std::to_string(i));
  }
}

TEST(Damage, ABitFlippedInATrainedModelEndsInOrder) {
  const std::string good = cli::read_file(trained_model());
  // The nodes stand in the first part of the file; most of the rest are weights.
  for (size_t i = 11; i < 20000; i += 997) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    expect_orderly(bad, "bit flipped in byte " + std::to_string(i));
  }
}

}  // namespace
}  // namespace dlc::cli_test
