// Options that several commands share.
#include "tools/dlc/options.h"

#include <algorithm>
#include <charconv>

#include "passes/pass.h"
#include "runtime/error.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

void check_pass(const std::string& name) {
  if (find_pass(name)) return;
  std::vector<std::string> names;
  for (const Pass* pass : pipeline()) names.emplace_back(pass->name);
  fail_as(ErrorCode::usage, "there is no pass '{}'{}; `dlc passes` lists them", name,
          did_you_mean(name, names));
}

Shape parse_shape(std::string_view text, std::string_view option) {
  Shape shape;
  for (std::string_view part : split(text, 'x')) {
    const std::optional<int64_t> size = parse_integer(part);
    if (!size || *size < 0)
      fail_as(ErrorCode::usage, "--shape {}: '{}' is not a size; write name:1x3x224x224", option,
              part);
    shape.push_back(*size);
  }
  return shape;
}

}  // namespace

void add_model_options(CLI::App& command, ModelOptions& options) {
  const auto group = "How the model is compiled";
  command.add_option("--shape", options.shapes, "Fix an input's shape")
      ->type_name("NAME:1x3x224x224")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--dim", options.dims, "Fix a symbolic dimension")
      ->type_name("NAME=N")
      ->allow_extra_args(false)
      ->group(group);
  command
      .add_option("-O,--opt-level", options.compile.opt_level,
                  "0: only what is needed to run; 2: everything")
      ->check(CLI::Range(0, 3))
      ->capture_default_str()
      ->group(group);
  command.add_option("--disable-pass", options.compile.disabled_passes, "Leave out a pass")
      ->type_name("PASS")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--print-after", options.compile.print_after, "Print the graph after a pass")
      ->type_name("PASS")
      ->group(group);
  command
      .add_option("--vector-bits", options.compile.vector_bits,
                  "Width of vector registers to use; 0: the widest")
      ->check(CLI::IsMember({0, 128, 256, 512}))
      ->group(group);
  command
      .add_flag("!--no-winograd", options.compile.winograd,
                "Compute 3x3 convolutions by direct sums only: slower, more exact")
      ->group(group);
  command.add_option("--backend", options.backend, "What makes the machine code")
      ->check(CLI::IsMember({"auto", "llvm"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_flag("--verify-passes", options.compile.verify_passes, "Check the graph after each pass")
      ->group(group);
  command.add_flag("-v,--verbose", options.verbose, "Say more on standard error");
}

void add_cache_options(CLI::App& command, ModelOptions& options) {
  const auto group = "What was compiled before";
  command.add_option("--cache", options.cache, "Folder that keeps compiled models")
      ->type_name("DIR")
      ->envname("DLC_CACHE_DIR")
      ->group(group);
  command.add_flag("--no-cache", options.no_cache, "Compile anew and keep nothing")->group(group);
  command.add_option("--cache-size", options.cache_mb, "What it may hold; the oldest goes first")
      ->type_name("MB")
      ->envname("DLC_CACHE_SIZE")
      ->capture_default_str()
      ->group(group);
}

std::unique_ptr<Cache> open_cache(const ModelOptions& options) {
  if (options.no_cache) return nullptr;
  try {
    return std::make_unique<Cache>(CacheOptions{options.cache, options.cache_mb << 20});
  } catch (const Error& error) {
    if (!options.cache.empty()) throw;
    if (options.verbose) fmt::print(stderr, "note: {}\n", error.what());
    return nullptr;
  }
}

onnx::ImportOptions import_options(const ModelOptions& options) {
  onnx::ImportOptions import;
  for (const std::string& text : options.shapes) {
    const size_t colon = text.rfind(':');  // names may have colons themselves
    if (colon == std::string::npos || colon == 0)
      fail_as(ErrorCode::usage, "--shape {}: write name:1x3x224x224", text);
    const std::string_view sizes = std::string_view(text).substr(colon + 1);
    import.shapes[text.substr(0, colon)] = sizes.empty() ? Shape{} : parse_shape(sizes, text);
  }
  for (const std::string& text : options.dims) {
    const size_t equals = text.rfind('=');
    const std::optional<int64_t> value =
        equals == std::string::npos ? std::nullopt : parse_integer(text.substr(equals + 1));
    if (!value || *value < 0 || equals == 0)
      fail_as(ErrorCode::usage, "--dim {}: write name=4, with a size that is not negative", text);
    import.dims[text.substr(0, equals)] = *value;
  }
  return import;
}

void check_compile_options(const ModelOptions& options) {
  for (const std::string& name : options.compile.disabled_passes) check_pass(name);
  if (!options.compile.print_after.empty()) check_pass(options.compile.print_after);
  if (!options.compile.stop_after.empty()) check_pass(options.compile.stop_after);
}

void add_threads_option(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads that compute; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->envname("DLC_THREADS")
      ->capture_default_str();
  // Nothing to switch: work is cut by sizes alone, which costs nothing.
  command.add_flag_function(
      "--deterministic", [](int64_t) {},
      "The same bits on any number of threads: always so, with or without this");
}

void add_json_option(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON object instead of text");
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace dlc::cli
