// dlc bench: how long models take, in turns, so that a machine whose speed drifts decides nothing.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "build_info.h"
#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/session.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/machine.h"
#include "tools/dlc/model.h"
#include "tools/dlc/progress.h"
#include "tools/dlc/statistics.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::vector<std::string> models;
  ModelOptions compile;
  std::vector<std::string> inputs;
  std::string test_data;
  std::vector<int> threads;
  std::vector<int> opt_levels;
  double seconds = 2;
  int64_t runs = 0;
  bool json = false;
};

constexpr int warm_up_runs = 3;
constexpr int64_t fewest_runs = 5;
/// With several settings each gets this long at a time: long against what changing costs in caches,
/// short against the drift of the machine.
constexpr double turn_ms = 50;

/// One model with one setting, ready to run, and what was measured of it.
struct Candidate {
  std::string model;
  int threads = 0, opt_level = 0;
  bool from_cache = false;
  double load_ms = 0, import_ms = 0, compile_ms = 0, first_run_ms = 0, peak_mb = 0;
  double compiler_peak_mb = 0;  ///< of the process that compiled it, if it was another
  std::vector<Datum> inputs, outputs;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Session> session;
  std::vector<double> latencies;     ///< milliseconds
  std::vector<double> turn_medians;  ///< of each turn
  double measured_ms = 0;

  double run() {
    Stopwatch watch;
    session->run(inputs, outputs);
    return watch.lap();
  }
};

Candidate load(const BenchOptions& options, const std::string& path, int threads, int opt_level,
               bool first) {
  Candidate c;
  c.model = path;
  c.opt_level = opt_level;
  // Of the first, the whole process counts; of others, what they add to it.
  const double before_mb = first || !reset_peak_resident() ? 0 : resident_mb();
  ModelOptions compile = options.compile;
  compile.compile.opt_level = opt_level;
  const InputSource source(options.inputs, options.test_data);
  LoadedModel model = load_model(path, compile, source);
  if (first) print_load_notes(model, compile);
  Stopwatch watch;
  c.pool = std::make_unique<ThreadPool>(threads);
  c.threads = c.pool->threads();
  c.session = std::make_unique<Session>(model.program, *c.pool);
  c.from_cache = model.from_cache;
  c.compiler_peak_mb = c.from_cache ? 0 : peak_resident_mb_of_children();
  c.import_ms = model.import_ms;
  c.compile_ms = model.compile_ms;
  c.load_ms = c.import_ms + c.compile_ms + watch.lap();
  c.inputs = std::move(model.inputs);
  c.outputs.resize(model.program->outputs.size());
  with_context([&] { return fs::path(path).filename().string(); },
               [&] { c.first_run_ms = c.run(); });
  for (int i = 1; i < warm_up_runs; ++i) c.run();
  c.peak_mb = peak_resident_mb() - before_mb;
  return c;
}

bool enough(const Candidate& c, const BenchOptions& options) {
  const auto runs = static_cast<int64_t>(c.latencies.size());
  if (options.runs > 0) return runs >= options.runs;
  return runs >= fewest_runs && c.measured_ms >= 1e3 * options.seconds;
}

/// Runs `c` for a turn. Alone, every run counts; in turns with others, the first finds the caches
/// full of their data and does not.
void take_turn(Candidate& c, const BenchOptions& options, bool alone) {
  if (!alone) c.run();
  std::vector<double> turn;
  double spent = 0;
  while ((turn.empty() || spent < turn_ms) &&
         (options.runs == 0 ||
          static_cast<int64_t>(c.latencies.size() + turn.size()) < options.runs)) {
    turn.push_back(c.run());
    spent += turn.back();
  }
  c.measured_ms += spent;
  c.latencies.insert(c.latencies.end(), turn.begin(), turn.end());
  c.turn_medians.push_back(median(turn));
}

void measure(std::vector<Candidate>& candidates, const BenchOptions& options) {
  ProgressBar bar("measuring");
  const bool alone = candidates.size() == 1;
  const auto done = [&](const Candidate& c) {
    return options.runs > 0
               ? static_cast<double>(c.latencies.size()) / static_cast<double>(options.runs)
               : c.measured_ms / (1e3 * options.seconds);
  };
  while (!std::ranges::all_of(candidates, [&](const auto& c) { return enough(c, options); })) {
    for (Candidate& c : candidates)
      if (options.runs == 0 || !enough(c, options)) take_turn(c, options, alone);
    bar.update(done(candidates.back()));
  }
}

/// How many times as fast as the first it is, turn by turn.
Estimate speed_up(const Candidate& first, const Candidate& c) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(first.turn_medians.size(), c.turn_medians.size()); ++i)
    ratios.push_back(first.turn_medians[i] / c.turn_medians[i]);
  return bootstrap_median(ratios);
}

Statistics figures(const Candidate& c) {
  std::vector<double> sorted = c.latencies;
  std::ranges::sort(sorted);
  return statistics(sorted);
}

Json row(const Candidate& c) {
  const Statistics s = figures(c);
  return {{"model", c.model},
          {"threads", c.threads},
          {"opt_level", c.opt_level},
          {"warm_up", warm_up_runs},
          {"runs", c.latencies.size()},
          {"latency_ms",
           {{"median", s.median},
            {"p90", s.p90},
            {"p99", s.p99},
            {"min", s.min},
            {"mean", s.mean},
            {"std", s.deviation}}},
          {"runs_per_second", 1e3 / s.median},
          {"load_ms", c.load_ms},
          {"from_cache", c.from_cache},
          {"import_ms", c.import_ms},
          {"compile_ms", c.compile_ms},
          {"first_run_ms", c.first_run_ms},
          {"peak_rss_mb", c.peak_mb},
          {"compiler_peak_rss_mb", c.compiler_peak_mb}};
}

Json environment() {
  return {{"schema", 1},
          {"version", build_version},
          {"commit", build_commit},
          {"build", build_type},
          {"processor", processor_name()},
          {"isa", isa_name(widest_vector_bits())},
          {"governor", governor()},
          {"load", load_average()}};
}

void print_json(const std::vector<Candidate>& candidates) {
  Json json = environment();
  if (candidates.size() == 1) {
    json.update(row(candidates[0]));
  } else {
    json["results"] = Json::array();
    for (const Candidate& c : candidates) {
      Json one = row(c);
      const Estimate ratio = speed_up(candidates[0], c);
      one["speed_up"] = {{"median", ratio.value}, {"low", ratio.low}, {"high", ratio.high}};
      json["results"].push_back(std::move(one));
    }
  }
  fmt::print("{}\n", json.dump(2));
}

/// What tells a row from the others: the settings that differ.
std::string label(const Candidate& c, const BenchOptions& options) {
  std::string text = fs::path(c.model).filename().string();
  if (text == "model.onnx" && fs::path(c.model).has_parent_path())
    text = fs::path(c.model).parent_path().filename().string();
  if (options.threads.size() > 1) text += fmt::format(" t={}", c.threads);
  if (options.opt_levels.size() > 1) text += fmt::format(" -O{}", c.opt_level);
  return text;
}

void print_text(const std::vector<Candidate>& candidates, const BenchOptions& options) {
  fmt::print("{} | {} | governor {} | threads {}\n", version_text(), processor_name(), governor(),
             candidates[0].threads);
  size_t width = 5;
  for (const Candidate& c : candidates) width = std::max(width, label(c, options).size());
  fmt::print("{:{}} {:>9} {:>8} {:>10} {:>10} {:>10} {:>10} {:>9} {:>6}\n", "", width, "load ms",
             "peak MB", "median ms", "p90", "p99", "min", "runs/s", "runs");
  for (const Candidate& c : candidates) {
    const Statistics s = figures(c);
    fmt::print("{:{}} {:9.1f} {:8.1f} {:10.4g} {:10.4g} {:10.4g} {:10.4g} {:9.1f} {:6}",
               label(c, options), width, c.load_ms, c.peak_mb, s.median, s.p90, s.p99, s.min,
               1e3 / s.median, c.latencies.size());
    if (&c != &candidates[0]) {
      const Estimate ratio = speed_up(candidates[0], c);
      fmt::print("  {:.2f}x of the first ({:.2f} to {:.2f}, 95 %)", ratio.value, ratio.low,
                 ratio.high);
    }
    fmt::print("\n");
  }
}

void warn() {
  if (std::string_view(build_type) != "Release")
    fmt::print(stderr, "warning: this is a {} build: its times say little\n",
               build_type[0] == '\0' ? "plain" : build_type);
  const double load = load_average();
  if (load > 0.5 * available_threads())
    fmt::print(stderr, "warning: the machine is busy (load {:.1f})\n", load);
}

void bench(BenchOptions options) {
  warn();
  if (options.threads.empty()) options.threads = {0};
  if (options.opt_levels.empty()) options.opt_levels = {options.compile.compile.opt_level};
  std::vector<Candidate> candidates;
  for (const std::string& model : options.models)
    for (const int threads : options.threads)
      for (const int opt_level : options.opt_levels)
        candidates.push_back(load(options, model, threads, opt_level, candidates.empty()));
  measure(candidates, options);
  options.json ? print_json(candidates) : print_text(candidates, options);
}

}  // namespace

void add_bench(CLI::App& app) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App& command =
      *app.add_subcommand("bench", "Measure models; several are run in turns and compared");
  command.add_option("models", options->models, "ONNX models")->required()->type_name("MODEL...");
  add_input_options(command, options->inputs, options->test_data);
  command.add_option("--threads", options->threads, "Threads that compute; 0: all cores")
      ->delimiter(',')
      ->check(CLI::Range(0, 1024))
      ->allow_extra_args(false)
      ->envname("DLC_THREADS")
      ->type_name("N,...");
  command.add_option("--opt-levels", options->opt_levels, "Optimization levels to compare")
      ->delimiter(',')
      ->check(CLI::Range(0, 3))
      ->allow_extra_args(false)
      ->type_name("N,...");
  command.add_option("-t,--seconds", options->seconds, "How long to measure each")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("-n,--runs", options->runs, "How many runs to measure, instead of a time")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  add_cache_options(command, options->compile);
  command.footer("Example: dlc bench small.onnx large.onnx --threads 1,2 --seconds 5");
  command.callback([options] { bench(*options); });
}

}  // namespace dlc::cli
