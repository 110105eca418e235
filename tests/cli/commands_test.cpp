// Every command, end to end, on a trained model and on small ones.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/cli/models.h"
#include "tests/cli/run_dlc.h"
#include "tools/dlc/files.h"
#include "tools/dlc/npy.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json json_of(const std::vector<std::string>& arguments) {
  const Outcome done = run_dlc(arguments);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  return Json::parse(done.out, nullptr, false);
}

/// FOLDER with input_0.pb and output_0.pb for linear().
fs::path linear_data(const std::vector<float>& expected) {
  const fs::path folder = scratch_folder() / "data";
  fs::create_directories(folder);
  cli::write_file(folder / "input_0.pb", tensor_file({1, 3}, {1, 0, -1}));
  cli::write_file(folder / "output_0.pb", tensor_file({1, 2}, expected));
  return folder;
}

TEST(Run, ATrainedModelTellsMarkdownFromC) {
  // What the model sees of a file: its first and last 1,024 bytes, 256 where there are none.
  const auto row = [](const std::string& text) {
    Tensor bytes = Tensor::allocate(DType::i32, {1, 2048});
    const auto target = bytes.as_mutable<int32_t>();
    std::fill(target.begin(), target.end(), 256);
    for (size_t i = 0; i < text.size(); ++i) {
      target[i] = static_cast<unsigned char>(text[i]);
      target[2048 - text.size() + i] = target[i];
    }
    return bytes;
  };
  // Their places in the label list of config.min.json.
  constexpr int64_t c = 17, python = 143;
  const std::vector<std::pair<std::string, int64_t>> texts = {
      {"#include <stdio.h>\n\nint main(void) {\n  printf(\"hello\\n\");\n  return 0;\n}", c},
      {"import sys\n\n\ndef main():\n    print(sys.argv)\n\n\nif __name__ == '__main__':\n    "
       "main()",
       python}};
  const fs::path in = scratch_folder() / "in.npy", out = scratch_folder() / "out.npy";
  for (const auto& [text, label] : texts) {
    cli::write_npy(in, row(text));
    const Outcome done = run_dlc({"run", trained_model(), "-i", "bytes=@" + in.string(), "-o",
                                  "target_label=@" + out.string()});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const std::vector<double> scores = cli::read_npy(out).to_reals();
    ASSERT_EQ(scores.size(), 214u);
    EXPECT_EQ(std::max_element(scores.begin(), scores.end()) - scores.begin(), label) << text;
  }
}

TEST(Run, OutputsAreShownWithTypeAndElements) {
  const fs::path in = scratch_folder() / "x.npy";
  cli::write_npy(in, Tensor::of(DType::f32, {2, 3}, std::vector<double>{-1, 2, -3, 4, 5, -6}));
  const Outcome done = run_dlc({"run", relu().save(scratch_folder()), "-i", in});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.out, "y: f32[2,3]  min 0  max 5  mean 1.83333  [0, 2, 0, 4, 5, 0]\n");
  EXPECT_EQ(done.err, "");
}

TEST(Run, TestDataIsComparedAndTheFirstDifferenceNamed) {
  const std::string model = linear().save(scratch_folder());
  // [1, 0, -1] * w + b
  const Outcome good = run_dlc({"run", model, "--test-data", linear_data({-3.5F, -4.5F})});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_NE(good.out.find("all outputs as expected"), std::string::npos) << good.out;
  const Outcome bad = run_dlc(
      {"run", model, "--test-data", linear_data({-3.5F, -4}), "--rtol", "0.01", "--atol", "0"});
  EXPECT_EQ(bad.exit_code, 5);
  EXPECT_NE(bad.err.find("output 'y': element [0,1] is -4.5, but -4 was expected"),
            std::string::npos)
      << bad.err;
}

TEST(Run, VerificationComparesWithTheInterpreterFirst) {
  const Outcome done = run_dlc({"run", linear().save(scratch_folder()), "--verify", "-i", "ones"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.err.find("agree with the interpreter"), std::string::npos) << done.err;
  EXPECT_NE(done.out.find("y: f32[1,2]"), std::string::npos) << done.out;
}

TEST(Bisect, AModelThatIsCompiledRightlyHasNothingThatAltersItsAnswer) {
  const Json json = json_of({"bisect", trained_model(), "--json", "-i", "ones"});
  EXPECT_GT(json["passes"].get<int>(), 10);
  EXPECT_GT(json["steps"].get<int>(), 1);
  EXPECT_TRUE(json["alters"].is_null()) << json;
}

TEST(Bisect, NoPassIsToBlameWhereTheModelItselfGivesSomethingElse) {
  const std::string model = linear().save(scratch_folder());
  const Outcome good = run_dlc({"bisect", model, "--test-data", linear_data({-3.5F, -4.5F})});
  EXPECT_EQ(good.exit_code, 0) << good.err;
  EXPECT_NE(good.out.find("nothing alters the answer"), std::string::npos) << good.out;
  const Outcome bad = run_dlc({"bisect", model, "--test-data", linear_data({-3.5F, -4})});
  EXPECT_EQ(bad.exit_code, 5);
  EXPECT_NE(bad.err.find("no pass is to blame"), std::string::npos) << bad.err;
}

TEST(Profile, KernelsAreShownWithTheirTime) {
  const Json json = json_of({"profile", trained_model(), "-n", "2", "--threads", "1", "--json"});
  double total = 0;
  for (const Json& step : json["steps"]) total += step["ms"].get<double>();
  EXPECT_GT(total, 0);
  EXPECT_NEAR(json["total_ms"].get<double>(), total, 1e-6);
  const Outcome text =
      run_dlc({"profile", linear().save(scratch_folder()), "-n", "2", "--in-order"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("Gemm"), std::string::npos) << text.out;
}

TEST(Run, OpenSizesCanBeGivenOrAreTakenAsOne) {
  const std::string model = linear().save(scratch_folder());
  const Json given = json_of({"run", model, "--dim", "batch=5", "-i", "ones", "--json"});
  EXPECT_EQ(given["outputs"][0]["shape"], Json({5, 2}));
  EXPECT_EQ(given["outputs"][0]["max"], 11.5);
  EXPECT_EQ(given["schema"], 1);
  const Json shaped = json_of({"run", model, "--shape", "x:4x3", "-i", "ones", "--json"});
  EXPECT_EQ(shaped["outputs"][0]["shape"], Json({4, 2}));
  const Outcome assumed = run_dlc({"run", model, "-i", "ones"});
  EXPECT_NE(assumed.out.find("y: f32[1,2]"), std::string::npos) << assumed.out;
  EXPECT_NE(assumed.err.find("batch"), std::string::npos) << assumed.err;
}

TEST(Run, TheSameSeedGivesTheSameResult) {
  const std::string model = linear().save(scratch_folder());
  const auto result = [&](const std::string& seed) {
    return run_dlc({"run", model, "--dim", "batch=2", "-i", "x=random:" + seed}).out;
  };
  EXPECT_EQ(result("7"), result("7"));
  EXPECT_NE(result("7"), result("8"));
}

TEST(Run, ResultsDoNotDependOnOptimizationThreadsOrVectorWidth) {
  const std::string model = trained_model();
  const auto best = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"run", model,      "--dim", "unk__214=3",
                                          "-i",  "random:1", "--json"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Json json = json_of(arguments);
    return json["outputs"][0]["max"].get<double>();
  };
  const double reference = best({"-O0", "--threads", "1"});
  EXPECT_NEAR(best({"--threads", "1"}), reference, 1e-5);
  EXPECT_NEAR(best({"--threads", "2"}), reference, 1e-5);
  EXPECT_NEAR(best({"--vector-bits", "128"}), reference, 1e-5);
}

TEST(Run, AnInputThatDecidesShapesIsCompiledIn) {
  Model model;
  model.input("x", {2, 3}).input("shape", {2}, ::onnx::TensorProto::INT64).output("y");
  model.node("Reshape", {"x", "shape"}, {"y"}, "fold");
  const fs::path shape = scratch_folder() / "shape.npy";
  cli::write_npy(shape, Tensor::ints(std::vector<int64_t>{3, 2}));
  const Outcome done = run_dlc({"run", model.save(scratch_folder()), "-i",
                                "shape=@" + shape.string(), "-i", "x=ones", "-v"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("y: f32[3,2]"), std::string::npos) << done.out;
}

TEST(Bench, OneModelGivesOneObjectWithTheFiguresThatScriptsRead) {
  const Json json =
      json_of({"bench", linear().save(scratch_folder()), "-n", "20", "--threads", "1", "--json"});
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["runs"], 20);
  const Json& latency = json["latency_ms"];
  EXPECT_GT(latency["min"].get<double>(), 0);
  EXPECT_LE(latency["min"].get<double>(), latency["median"].get<double>());
  EXPECT_LE(latency["median"].get<double>(), latency["p90"].get<double>());
  EXPECT_LE(latency["p90"].get<double>(), latency["p99"].get<double>());
  EXPECT_GT(json["load_ms"].get<double>(), 0);
  EXPECT_GT(json["peak_rss_mb"].get<double>(), 1);
}

TEST(Bench, SeveralSettingsAreComparedWithTheFirst) {
  const Json json = json_of(
      {"bench", linear().save(scratch_folder()), "--seconds", "0.2", "--threads", "1,2", "--json"});
  ASSERT_EQ(json["results"].size(), 2u);
  EXPECT_EQ(json["results"][0]["threads"], 1);
  EXPECT_EQ(json["results"][1]["threads"], 2);
  const Json& ratio = json["results"][1]["speed_up"];
  EXPECT_LE(ratio["low"].get<double>(), ratio["median"].get<double>());
  EXPECT_LE(ratio["median"].get<double>(), ratio["high"].get<double>());
}

TEST(Inspect, TheCostIsCountedFromTheFormulas) {
  const Json json =
      json_of({"inspect", linear().save(scratch_folder()), "--dim", "batch=10", "--json"});
  EXPECT_EQ(json["inputs"][0]["type"], "f32[10,3]");
  EXPECT_EQ(json["outputs"][0]["type"], "f32[10,2]");
  EXPECT_EQ(json["ops"]["Gemm"], 1);
  EXPECT_EQ(json["parameters"], 8);
  // 10 * 2 results of 3 multiply-adds and a bias
  EXPECT_EQ(json["operations"], 10 * 2 * (3 * 2 + 1));
  ASSERT_FALSE(json["kernels"].empty());
  EXPECT_EQ(json["kernels"][0]["origins"], Json({"fc"}));
}

TEST(Inspect, OpenSizesAreAsSmallAsTheModelAllows) {
  Model model;
  model.input("x", {1, 1, 5}).output("y").floats("w", {1, 1, 3}, {1, 2, 3});
  model.node("Conv", {"x", "w"}, {"y"});
  auto& shape = *model.graph().mutable_input(0)->mutable_type()->mutable_tensor_type();
  shape.mutable_shape()->mutable_dim(2)->set_dim_param("width");
  const std::string path = model.save(scratch_folder());
  const Json json = json_of({"inspect", path, "--json"});
  EXPECT_EQ(json["open_size"], 4) << "1 and 2 are less than a window";
  EXPECT_EQ(json["operations"], 2 * 3 * 2);
  EXPECT_EQ(json["inputs"][0]["type"], "f32[1,1,width]");
  const Outcome text = run_dlc({"inspect", path});
  EXPECT_NE(text.out.find("with every open size 4"), std::string::npos) << text.out;
}

TEST(Inspect, TheGraphIsPrintedAndDrawn) {
  const std::string model = relu().save(scratch_folder());
  const fs::path dot = scratch_folder() / "graph.dot";
  const Outcome done = run_dlc({"inspect", model, "--ir", "--dot", dot});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("Relu(%x) : f32[2,3]"), std::string::npos) << done.out;
  EXPECT_NE(cli::read_file(dot).find("Relu\\nact"), std::string::npos);
}

TEST(Inspect, KernelsOfATrainedModelNameItsNodes) {
  const Outcome done = run_dlc({"inspect", trained_model(), "--kernels"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("convolution"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("parameters"), std::string::npos);
}

TEST(Inspect, TheGraphAfterAPassIsPrinted) {
  const Outcome done =
      run_dlc({"inspect", relu().save(scratch_folder()), "--print-after", "decompose"});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("Relu(%x)"), std::string::npos) << done.out;
}

TEST(Inspect, FusionIsExplainedWithTheConditionsOfNearMisses) {
  Model model;
  model.input("x", {4, 8}).output("y").output("z").floats("w", {8, 8}, std::vector<float>(64, 1));
  model.node("Exp", {"x"}, {"e"}, "costly");
  model.node("MatMul", {"x", "w"}, {"m"}, "product");
  model.node("Relu", {"m"}, {"r"}, "act");
  model.node("Add", {"r", "e"}, {"y"}, "sum");
  model.node("Transpose", {"e"}, {"t"}, "turned");
  model.node("Neg", {"t"}, {"z"}, "negated");
  const std::string file = model.save(scratch_folder());
  const Json json = json_of({"inspect", file, "--explain", "fusion", "--json"});
  bool fused = false, missed = false;
  for (const Json& kernel : json["kernels"]) {
    if (kernel["kind"] != "matmul") continue;
    fused = kernel["nodes"] == Json({"act", "product", "sum"}) &&
            kernel["without_memory"] == Json({"m", "r"});
  }
  for (const Json& miss : json["near_misses"])
    missed = missed ||
             (miss["node"] == "node 'costly' (Exp)" &&
              miss["condition"] == "what several nodes use takes at most 4 operations an element");
  EXPECT_TRUE(fused && missed) << json.dump(2);
  const Outcome text = run_dlc({"inspect", file, "--explain", "fusion"});
  EXPECT_NE(text.out.find("near misses"), std::string::npos) << text.out;
}

TEST(Inspect, AConvolutionThatWinogradCannotComputeSaysWhy) {
  Model model;
  model.input("x", {1, 16, 32, 32}).output("y");
  model.floats("w", {16, 16, 3, 3}, std::vector<float>(16 * 16 * 9, 0.5F));
  attribute(model.node("Conv", {"x", "w"}, {"y"}, "conv"), "strides", Dims{2, 2});
  const Json json =
      json_of({"inspect", model.save(scratch_folder()), "--explain", "fusion", "--json"});
  ASSERT_EQ(json["near_misses"].size(), 1u) << json.dump(2);
  EXPECT_EQ(json["near_misses"][0]["what"], "winograd");
  EXPECT_EQ(json["near_misses"][0]["condition"], "the strides are 1");
}

TEST(Check, AGoodModelHasNoFindings) {
  const Outcome done = run_dlc({"check", trained_model()});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.out, "nothing stands in the way\n");
}

TEST(Check, EveryUnsupportedNodeIsListedAtOnce) {
  Model model;
  model.input("x", {2, 3}).output("y");
  model.node("NoSuchOp", {"x"}, {"a"}, "first");
  model.node("Relu", {"a"}, {"b"}, "fine");
  model.node("NeitherThis", {"b"}, {"y"}, "second");
  const Outcome done = run_dlc({"check", model.save(scratch_folder()), "--json"});
  EXPECT_EQ(done.exit_code, 3) << done.err;
  const Json json = Json::parse(done.out, nullptr, false);
  ASSERT_EQ(json["findings"].size(), 2u) << done.out;
  EXPECT_EQ(json["findings"][0]["node"], "first");
  EXPECT_EQ(json["findings"][1]["op"], "NeitherThis");
}

TEST(Doctor, TheProcessorAndTheLibrariesAreNamed) {
  const Json json = json_of({"doctor", "--json"});
  EXPECT_GE(json["vector_bits"].get<int>(), 128);
  EXPECT_GE(json["threads"].get<int>(), 1);
  EXPECT_FALSE(json["libraries"]["LLVM"].get<std::string>().empty());
  EXPECT_TRUE(json["environment"].contains("DLC_THREADS"));
}

TEST(Tables, OpsAndPassesAreListed) {
  const Json ops = json_of({"ops", "--json"}), passes = json_of({"passes", "--json"});
  EXPECT_GT(ops["ops"].size(), 100u);
  EXPECT_FALSE(passes["passes"].empty());
  EXPECT_NE(run_dlc({"ops"}).out.find("\nConv "), std::string::npos);
  EXPECT_NE(run_dlc({"passes"}).out.find("\ndecompose "), std::string::npos);
}

TEST(Tables, TheDocumentOfOperatorsIsCurrent) {
  std::ifstream file(DLC_SOURCE_DIR "/docs/operators.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_TRUE(run_dlc({"ops", "--markdown"}).out == text)
      << "docs/operators.md is not what the rows say: `ninja -C build docs` writes it anew";
}

TEST(Completion, ShellsAcceptTheirScriptAndFindEveryCommand) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const Outcome done = run_dlc({"completion", shell});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    for (const char* command :
         {"run", "bench", "inspect", "check", "bisect", "reduce", "doctor", "ops", "passes"})
      EXPECT_NE(done.out.find(command), std::string::npos) << shell << " lacks " << command;
    EXPECT_NE(done.out.find("test-data"), std::string::npos);
  }
  const fs::path script = scratch_folder() / "completion.bash";
  cli::write_file(script, run_dlc({"completion", "bash"}).out);
  const std::string complete = "bash -c 'source " + script.string() +
                               " && COMP_WORDS=(dlc ins) COMP_CWORD=1 && _dlc && "
                               "test \"${COMPREPLY[*]}\" = inspect'";
  EXPECT_EQ(std::system(complete.c_str()), 0);
}

TEST(Help, EveryCommandHasAnExample) {
  EXPECT_EQ(run_dlc({"--help"}).exit_code, 0);
  EXPECT_NE(run_dlc({"--version"}).out.find("LLVM"), std::string::npos);
  for (const char* command : {"run", "bench", "inspect", "check", "bisect", "reduce", "doctor",
                              "ops", "passes", "completion"}) {
    const Outcome done = run_dlc({command, "--help"});
    EXPECT_EQ(done.exit_code, 0);
    EXPECT_NE(done.out.find("Example: "), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace dlc::cli_test
