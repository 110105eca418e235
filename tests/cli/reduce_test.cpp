// dlc reduce, end to end: commands that fail on models with a certain op.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/models.h"
#include "tests/cli/run_dlc.h"
#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;

/// A chain of twelve nodes with one Erf, and a branch besides.
std::string chain() {
  Model model;
  model.input("x", {2, 3}).output("y").output("z");
  std::string last = "x";
  for (int k = 0; k < 12; ++k) {
    const std::string name = k == 11 ? "y" : "v" + std::to_string(k);
    model.node(k == 7 ? "Erf" : k % 2 ? "Relu" : "Exp", {last}, {name}, "n" + std::to_string(k));
    last = name;
  }
  model.node("Neg", {"v3"}, {"z"}, "branch");
  return model.save(scratch_folder());
}

std::string ops_of(const fs::path& model) {
  ::onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(cli::read_file(model)));
  std::string ops;
  for (const auto& node : proto.graph().node()) ops += node.op_type() + " ";
  return ops;
}

const std::string exits_3_with_erf = "if grep -q Erf {}; then echo found; exit 3; fi";

TEST(Reduce, OnlyWhatTheFailureNeedsIsLeft) {
  const fs::path small = scratch_folder() / "small.onnx";
  const Outcome done = run_dlc({"reduce", chain(), "--check", exits_3_with_erf, "--message",
                                "found", "-o", small, "--json"});
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto json = nlohmann::json::parse(done.out);
  EXPECT_EQ(json["nodes"], 1);
  EXPECT_EQ(json["nodes_before"], 13);
  EXPECT_EQ(json["exit_code"], 3);
  EXPECT_EQ(ops_of(small), "Erf ");
  const Outcome run = run_dlc({"run", small, "-i", "ones"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
}

TEST(Reduce, ACommandThatDoesNotFailLeavesNothingToDo) {
  const fs::path small = scratch_folder() / "small.onnx";
  const Outcome done = run_dlc({"reduce", chain(), "--check", "true", "-o", small});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_NE(done.err.find("succeeds"), std::string::npos) << done.err;
  EXPECT_FALSE(fs::exists(small));
  const Outcome silent =
      run_dlc({"reduce", chain(), "--check", "false", "--message", "boo", "-o", small});
  EXPECT_EQ(silent.exit_code, 1);
  EXPECT_NE(silent.err.find("does not print 'boo'"), std::string::npos) << silent.err;
}

TEST(Reduce, ACommandThatCannotRunIsWrongUse) {
  const Outcome none = run_dlc({"reduce", chain(), "--check", "no-such-command-anywhere"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_NE(none.err.find("cannot run it"), std::string::npos) << none.err;
  const Outcome slow = run_dlc({"reduce", chain(), "--check", "sleep 5 # {}", "--timeout", "0.1"});
  EXPECT_EQ(slow.exit_code, 2);
  EXPECT_EQ(run_dlc({"reduce", "no-such.onnx", "--check", "false"}).exit_code, 1);
}

}  // namespace
}  // namespace dlc::cli_test
