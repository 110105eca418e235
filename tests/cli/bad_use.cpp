// Command lines that make no sense, and input files that do not fit.
#include "tests/cli/bad_input.h"
#include "tools/dlc/files.h"
#include "tools/dlc/npy.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;

constexpr int failed = 1, usage = 2, invalid = 4, check = 5;

/// linear() with these options after it.
BadCase options_case(std::string name, int exit_code, std::vector<std::string> words,
                     std::vector<std::string> options) {
  return {std::move(name), exit_code, std::move(words), [options](const fs::path& folder) {
            std::vector<std::string> arguments = {"run", linear().save(folder)};
            arguments.insert(arguments.end(), options.begin(), options.end());
            return arguments;
          }};
}

/// linear() on a file of the given name that `make` writes.
BadCase input_case(std::string name, int exit_code, std::vector<std::string> words,
                   std::string file, std::function<void(const fs::path&)> make) {
  return {std::move(name), exit_code, std::move(words), [=](const fs::path& folder) {
            make(folder / file);
            return std::vector<std::string>{"run", linear().save(folder), "-i",
                                            "x=@" + (folder / file).string()};
          }};
}

BadCase array_case(std::string name, std::vector<std::string> words, DType dtype, Shape shape) {
  return input_case(std::move(name), invalid, std::move(words), "x.npy", [=](const fs::path& path) {
    cli::write_npy(path, Tensor::allocate(dtype, shape));
  });
}

/// linear() with test data whose output_0.pb has these bytes.
BadCase expected_case(std::string name, int exit_code, std::vector<std::string> words,
                      std::string bytes) {
  return {std::move(name), exit_code, std::move(words), [=](const fs::path& folder) {
            cli::write_file(folder / "input_0.pb", tensor_file({1, 3}, {1, 0, -1}));
            cli::write_file(folder / "output_0.pb", bytes);
            return std::vector<std::string>{"run", linear().save(folder), "--test-data", folder};
          }};
}

BadCase plain_case(std::string name, std::vector<std::string> words,
                   std::vector<std::string> arguments) {
  return {std::move(name), usage, std::move(words), [=](const fs::path&) { return arguments; }};
}

}  // namespace

std::vector<BadCase> use_cases() {
  return {
      plain_case("NoCommand", {"command"}, {}),
      plain_case("UnknownCommand", {"fly"}, {"fly"}),
      plain_case("NoModel", {"model"}, {"run"}),
      options_case("UnknownOption", usage, {"--frobnicate"}, {"--frobnicate"}),
      options_case("ShapeWithoutName", usage, {"--shape"}, {"--shape", "1x3"}),
      options_case("ShapeWithLetters", usage, {"--shape"}, {"--shape", "x:1xtwo"}),
      options_case("ShapeOfUnknownInput", usage, {"'data'"}, {"--shape", "data:1x3"}),
      options_case("ShapeOfOtherRank", usage, {"'x'"}, {"--shape", "x:1x3x1"}),
      options_case("DimWithoutValue", usage, {"--dim"}, {"--dim", "batch"}),
      options_case("DimNegative", usage, {"--dim"}, {"--dim", "batch=-1"}),
      options_case("DimUnknown", usage, {"'bach'"}, {"--dim", "bach=2"}),
      options_case("UnknownPass", usage, {"no-such-pass"}, {"--disable-pass", "no-such-pass"}),
      options_case("ThreadsNegative", usage, {"--threads"}, {"--threads", "-1"}),
      options_case("OddVectorBits", usage, {"--vector-bits"}, {"--vector-bits", "100"}),
      options_case("UnknownBackend", usage, {"--backend"}, {"--backend", "cobol"}),
      options_case("InputNotUnderstood", usage, {"x=what"}, {"-i", "x=what"}),
      options_case("UnknownInput", usage, {"'z'", "x"}, {"-i", "z=ones"}),
      options_case("SeedWithLetters", usage, {"random:abc"}, {"-i", "random:abc"}),
      options_case("UnknownOutput", usage, {"'prob'", "y"}, {"-o", "prob=@p.npy"}),
      options_case("OutputOfUnknownKind", usage, {"y=@p.jpg"}, {"-o", "y=@p.jpg"}),
      options_case("OutputFolderMissing", failed, {"/no/such/folder/y.npy"},
                   {"-o", "y=@/no/such/folder/y.npy"}),
      options_case("TestDataMissing", failed, {"/no/such/folder"},
                   {"--test-data", "/no/such/folder"}),
      input_case("InputFileMissing", failed, {"'x'", "x.npy"}, "x.npy", [](const fs::path&) {}),
      input_case("InputIsAFolder", failed, {"'x'", "x.npy"}, "x.npy",
                 [](const fs::path& path) { fs::create_directory(path); }),
      input_case("NpyIsText", invalid, {"'x'", "x.npy"}, "x.npy",
                 [](const fs::path& path) { cli::write_file(path, "1 2 3\n"); }),
      input_case("NpyIsCut", invalid, {"'x'", "x.npy"}, "x.npy",
                 [](const fs::path& path) {
                   cli::write_npy(path, Tensor::allocate(DType::f32, {1, 3}));
                   fs::resize_file(path, fs::file_size(path) - 1);
                 }),
      array_case("NpyOfOtherType", {"'x'", "f64", "f32"}, DType::f64, {1, 3}),
      array_case("NpyOfOtherRank", {"'x'"}, DType::f32, {3}),
      array_case("NpyOfOtherSize", {"'x'"}, DType::f32, {1, 4}),
      input_case("NpzIsNoZip", invalid, {"x.npz"}, "x.npz",
                 [](const fs::path& path) { cli::write_file(path, std::string(100, 'z')); }),
      input_case("PbIsNoTensor", invalid, {"'x'", "x.pb"}, "x.pb",
                 [](const fs::path& path) { cli::write_file(path, "\xFF\xFF\xFF\xFF\xFF"); }),
      input_case("PbOfOtherSize", invalid, {"'x'"}, "x.pb",
                 [](const fs::path& path) {
                   cli::write_file(path, tensor_file({1, 2}, {1, 2}));
                 }),
      expected_case("ExpectedOtherNumbers", check, {"'y'", "[0,1]"},
                    tensor_file({1, 2}, {-3.5F, 4})),
      expected_case("ExpectedOtherShape", check, {"'y'", "f32[2,1]"},
                    tensor_file({2, 1}, {-3.5F, -4.5F})),
      expected_case("ExpectedDamaged", invalid, {"output_0.pb"}, "\xFF\xFF\xFF"),
  };
}

}  // namespace dlc::cli_test
