// What was compiled before is found again, and only that.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/models.h"
#include "tests/cli/run_dlc.h"
#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;

struct CacheCommand : testing::Test {
  fs::path cache = scratch_folder() / "cache";

  Outcome run(const std::string& model, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"run", model, "-v", "--cache", cache.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome done = run_dlc(arguments);
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return done;
  }
  static bool was_found(const Outcome& outcome) {
    return outcome.err.find("compiled before") != std::string::npos;
  }
  /// Compiled programs; kernels are kept as well.
  std::vector<fs::path> programs() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(cache))
      if (entry.path().extension() == ".dlc" &&
          !entry.path().filename().string().starts_with("kernel-"))
        found.push_back(entry.path());
    return found;
  }
};

TEST_F(CacheCommand, TheSecondTimeAModelIsFound) {
  const std::string model = linear().save(scratch_folder());
  const Outcome first = run(model), second = run(model);
  EXPECT_FALSE(was_found(first));
  EXPECT_TRUE(was_found(second)) << second.err;
  EXPECT_EQ(first.out, second.out);
  // The bytes count, not the name.
  fs::create_directories(scratch_folder() / "elsewhere");
  fs::copy_file(model, scratch_folder() / "elsewhere/other.onnx");
  EXPECT_TRUE(was_found(run((scratch_folder() / "elsewhere/other.onnx").string())));
}

TEST_F(CacheCommand, AnotherModelOrOtherOptionsAreNotFound) {
  const std::string model = linear().save(scratch_folder());
  run(model);
  EXPECT_FALSE(was_found(run(model, {"-O0"})));
  EXPECT_FALSE(was_found(run(model, {"--dim", "batch=2"})));
  EXPECT_FALSE(was_found(run(model, {"--vector-bits", "128"})));
  EXPECT_FALSE(was_found(run(model, {"--disable-pass", "fold-batch-norm"})));
  Model changed = linear();
  changed.proto.mutable_graph()->mutable_initializer(0)->set_float_data(0, 77);
  changed.save(scratch_folder());
  EXPECT_FALSE(was_found(run(model)));
}

TEST_F(CacheCommand, NoCacheKeepsNothing) {
  const std::string model = linear().save(scratch_folder());
  const Outcome done = run_dlc({"run", model, "-v", "--no-cache"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_FALSE(was_found(run_dlc({"run", model, "-v", "--no-cache"})));
}

TEST_F(CacheCommand, ADamagedEntryIsMadeAgain) {
  const std::string model = linear().save(scratch_folder());
  const Outcome first = run(model);
  ASSERT_EQ(programs().size(), 1u);
  for (const bool cut : {false, true}) {
    std::string bytes = cli::read_file(programs()[0]);
    if (cut) {
      bytes.resize(bytes.size() / 2);
    } else {
      bytes[bytes.size() - 9] = static_cast<char>(bytes[bytes.size() - 9] ^ 1);
    }
    cli::write_file(programs()[0], bytes);
    const Outcome again = run(model);
    EXPECT_FALSE(was_found(again));
    EXPECT_NE(again.err.find("damaged"), std::string::npos) << again.err;
    EXPECT_EQ(again.out, first.out);
    EXPECT_TRUE(was_found(run(model)));
  }
}

TEST_F(CacheCommand, DamagedKernelsAreCompiledAgain) {
  const std::string model = linear().save(scratch_folder());
  const Outcome first = run(model);
  for (const auto& entry : fs::directory_iterator(cache)) {
    if (!entry.path().filename().string().starts_with("kernel-")) continue;
    std::string bytes = cli::read_file(entry.path());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    cli::write_file(entry.path(), bytes);
  }
  fs::remove(programs()[0]);
  EXPECT_EQ(run(model).out, first.out);
}

TEST_F(CacheCommand, ExternalDataThatChangedIsNoticed) {
  Model model = linear();
  ::onnx::TensorProto& w = *model.graph().mutable_initializer(0);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const auto write = [&](float first) {
    std::string bytes(sizeof(float) * values.size(), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    std::memcpy(bytes.data(), &first, sizeof first);
    cli::write_file(scratch_folder() / "weights.bin", bytes);
  };
  w.clear_float_data();
  w.clear_raw_data();
  w.set_data_location(::onnx::TensorProto::EXTERNAL);
  auto& location = *w.add_external_data();
  location.set_key("location");
  location.set_value("weights.bin");
  write(1);
  const std::string path = model.save(scratch_folder());
  const Outcome first = run(path, {"-i", "ones"});
  EXPECT_TRUE(was_found(run(path, {"-i", "ones"})));
  write(1000);
  const Outcome changed = run(path, {"-i", "ones"});
  EXPECT_FALSE(was_found(changed));
  EXPECT_NE(changed.out, first.out);
}

TEST_F(CacheCommand, AFolderThatOthersCanWriteToIsRefused) {
  fs::create_directories(cache);
  ::chmod(cache.c_str(), 0777);
  const Outcome done = run_dlc({"run", relu().save(scratch_folder()), "--cache", cache.string()});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_NE(done.err.find("others can write there"), std::string::npos) << done.err;
}

TEST_F(CacheCommand, BenchSaysWhetherItWasFound) {
  const std::string model = relu().save(scratch_folder());
  for (const bool found : {false, true}) {
    const Outcome done =
        run_dlc({"bench", model, "--runs", "3", "--json", "--cache", cache.string()});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(nlohmann::json::parse(done.out)["from_cache"], found);
  }
}

}  // namespace
}  // namespace dlc::cli_test
