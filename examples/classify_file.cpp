// Says what type files are, with magika's classifier: a model from file to answer in the C++ API.
// classify_file MODEL_FOLDER FILE...    (model.onnx and config.min.json; `./demo` fetches them)
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "compiler/driver/compile.h"
#include "compiler/driver/stopwatch.h"
#include "frontends/onnx/import.h"
#include "runtime/error.h"
#include "runtime/session.h"

namespace {

namespace fs = std::filesystem;

std::string read_at(std::ifstream& file, int64_t offset, int64_t size) {
  std::string bytes(static_cast<size_t>(size), '\0');
  file.seekg(offset);
  if (!file.read(bytes.data(), size)) dlc::fail_as(dlc::ErrorCode::failed, "cannot read the file");
  return bytes;
}

constexpr std::string_view white_space = " \t\n\r\v\f";

/// What the model sees: the first and the last bytes of the file without white space at either end,
/// `padding` where there are too few.
struct Preprocessing {
  int64_t begin_size, end_size, block_size;
  int32_t padding;

  void operator()(const fs::path& path, std::span<int32_t> row) const {
    std::ifstream file(path, std::ios::binary);
    if (!file || !fs::is_regular_file(path))
      dlc::fail_as(dlc::ErrorCode::failed, "{}: cannot be read", path.string());
    const auto size = static_cast<int64_t>(fs::file_size(path));
    const int64_t block = std::min(block_size, size);
    std::string head = read_at(file, 0, block);
    head.erase(0, std::min(head.size(), head.find_first_not_of(white_space)));
    head.resize(std::min(head.size(), static_cast<size_t>(begin_size)));
    std::string tail = read_at(file, size - block, block);
    tail.erase(tail.find_last_not_of(white_space) + 1);
    if (tail.size() > static_cast<size_t>(end_size)) tail.erase(0, tail.size() - end_size);

    const auto byte = [](char c) { return static_cast<int32_t>(static_cast<unsigned char>(c)); };
    std::fill(row.begin(), row.end(), padding);
    std::transform(head.begin(), head.end(), row.begin(), byte);
    std::transform(tail.begin(), tail.end(), row.end() - static_cast<int64_t>(tail.size()), byte);
  }
};

void print_kernels(const dlc::CompileReport& report) {
  fmt::print("\n{} nodes became {} kernels:\n", report.nodes_before, report.kernels.size());
  for (const dlc::KernelReport& kernel : report.kernels) {
    fmt::print("  {:12} {:48.48} {:3} node{} of the model\n", kernel.kind, kernel.name,
               kernel.origins.size(), kernel.origins.size() == 1 ? "" : "s");
  }
}

void print_answers(const dlc::Tensor& scores, const std::vector<std::string>& labels,
                   std::span<char* const> files) {
  const int64_t classes = scores.shape().at(1);
  fmt::print("\n{:32}{:16}{:>10}   next best\n", "file", "type", "confidence");
  for (size_t i = 0; i < files.size(); ++i) {
    const std::span<const float> row = scores.as<float>().subspan(i * classes, classes);
    std::array<size_t, 2> best = {};
    std::vector<size_t> order(classes);
    for (size_t k = 0; k < order.size(); ++k) order[k] = k;
    std::partial_sort_copy(order.begin(), order.end(), best.begin(), best.end(),
                           [&](size_t a, size_t b) { return row[a] > row[b]; });
    fmt::print("{:32}{:16}{:9.1f}%   {} {:.1f}%\n", files[i], labels.at(best[0]),
               100 * row[best[0]], labels.at(best[1]), 100 * row[best[1]]);
  }
}

void classify(const fs::path& folder, std::span<char* const> files) {
  const fs::path model = folder / "model.onnx";
  std::ifstream config_file(folder / "config.min.json");
  if (!config_file)
    dlc::fail_as(dlc::ErrorCode::failed, "{}: no config.min.json; run ./demo", folder.string());
  const nlohmann::json config = nlohmann::json::parse(config_file);
  const Preprocessing preprocess = {config.at("beg_size"), config.at("end_size"),
                                    config.at("block_size"), config.at("padding_token")};

  dlc::Stopwatch watch;
  dlc::Graph graph = dlc::onnx::import_file(model);
  const double import_ms = watch.lap();
  dlc::CompileReport report;
  dlc::ThreadPool pool(0);
  dlc::Session session(dlc::compile(std::move(graph), {}, &report), pool);
  const double compile_ms = watch.lap();

  const int64_t width = preprocess.begin_size + preprocess.end_size;
  dlc::Tensor bytes =
      dlc::Tensor::allocate(dlc::DType::i32, {static_cast<int64_t>(files.size()), width});
  for (size_t i = 0; i < files.size(); ++i)
    preprocess(files[i], bytes.as_mutable<int32_t>().subspan(i * width, width));

  const std::vector<dlc::Datum> inputs = {bytes};
  watch.lap();
  dlc::Tensor scores = session.run(inputs).at(0).tensor;
  const double first_ms = watch.lap();
  scores = session.run(inputs).at(0).tensor;
  const double second_ms = watch.lap();

  fmt::print("{}: {:.1f} MB\n", model.string(), 1e-6 * static_cast<double>(fs::file_size(model)));
  print_kernels(report);
  print_answers(scores, config.at("target_labels_space"), files);
  fmt::print(
      "\nread and checked the model in {:.0f} ms, compiled it in {:.0f} ms (passes {:.0f}, "
      "kernels {:.0f}, machine code {:.0f})\n",
      import_ms, compile_ms, report.passes_ms, report.lower_ms, report.codegen_ms);
  fmt::print("ran {} files as one batch on {} threads in {:.1f} ms, then again in {:.1f} ms\n",
             files.size(), pool.threads(), first_ms, second_ms);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: classify_file MODEL_FOLDER FILE...\n");
    return 2;
  }
  try {
    classify(argv[1], std::span(argv + 2, argv + argc));
  } catch (const dlc::Error& error) {
    fmt::print(stderr, "classify_file: {}\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "classify_file: {}\n", error.what());
    return 1;
  }
  return 0;
}
