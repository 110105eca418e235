// dlc profile: where the time of a run goes, kernel by kernel.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/error.h"
#include "runtime/session.h"
#include "tools/dlc/commands.h"
#include "tools/dlc/model.h"
#include "tools/dlc/statistics.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ProfileOptions {
  std::string model, test_data;
  ModelOptions compile;
  std::vector<std::string> inputs;
  int threads = 0;
  int runs = 20;
  size_t top = 25;
  bool in_order = false, json = false;
};

struct StepTimes {
  std::string name;
  std::vector<std::string> origins;
  std::vector<double> milliseconds;  ///< one a run
};

template <typename T>
concept HasName = requires(const T& step) {
  step.name;
};

/// Times of the steps, by the order in which a run comes to them first; of If, Loop and Scan
/// without the steps within them.
class Recorder : public StepObserver {
 public:
  void before_step() override { within_.push_back(0); }

  void after_step(const Step& step, int64_t nanoseconds, Frame&) override {
    const int64_t own = nanoseconds - within_.back();
    within_.pop_back();
    if (!within_.empty()) within_.back() += nanoseconds;
    const auto [found, is_new] = number_.try_emplace(&step, steps_.size());
    if (is_new) steps_.push_back(describe(step));
    std::vector<double>& times = steps_[found->second].milliseconds;
    times.resize(static_cast<size_t>(runs_), 0);
    times.back() += 1e-6 * static_cast<double>(own);
  }
  void begin_run() { ++runs_; }
  std::vector<StepTimes> take() { return std::move(steps_); }

 private:
  static StepTimes describe(const Step& step) {
    static constexpr const char* kinds[] = {"kernel", "host", "sizes", "If", "Loop", "Scan"};
    StepTimes result{kinds[step.index()], {}, {}};
    std::visit(
        [&](const auto& s) {
          if constexpr (HasName<std::decay_t<decltype(s)>>) {
            result.name = s.name;
            result.origins = s.origins;
          }
        },
        step);
    return result;
  }

  std::map<const Step*, size_t> number_;
  std::vector<StepTimes> steps_;
  std::vector<int64_t> within_;  ///< of the steps under way: the time of those within each
  int runs_ = 0;
};

struct Row {
  std::string name, origin;
  size_t origins;
  double milliseconds;
};

std::vector<Row> rows(std::vector<StepTimes> steps) {
  std::vector<Row> result;
  for (const StepTimes& step : steps) {
    const std::string origin = step.origins.empty() ? "" : step.origins.front();
    result.push_back({step.name, origin, step.origins.size(), median(step.milliseconds)});
  }
  return result;
}

void print_text(const std::vector<Row>& all, const ProfileOptions& options, double total) {
  fmt::print("{} steps, {} in all, medians of {} runs\n", all.size(), human_ms(total),
             options.runs);
  fmt::print("{:>10} {:>6}  {:40} {}\n", "time", "share", "kernel", "from");
  for (size_t k = 0; k < std::min(all.size(), options.top); ++k) {
    const Row& row = all[k];
    const std::string more = row.origins > 1 ? fmt::format(" and {} more", row.origins - 1) : "";
    fmt::print("{:>10} {:5.1f}%  {:40} {}{}\n", human_ms(row.milliseconds),
               100 * row.milliseconds / total, row.name, row.origin, more);
  }
}

void print_json(const std::vector<Row>& all, double total) {
  Json json = {{"schema", 1}, {"total_ms", total}, {"steps", Json::array()}};
  for (const Row& row : all) {
    json["steps"].push_back({{"name", row.name}, {"from", row.origin}, {"ms", row.milliseconds}});
  }
  fmt::print("{}\n", json.dump(2));
}

void profile(const ProfileOptions& options) {
  const InputSource source(options.inputs, options.test_data);
  LoadedModel model = load_model(options.model, options.compile, source);
  print_load_notes(model, options.compile);
  ThreadPool pool(options.threads);
  Session session(model.program, pool);
  std::vector<Datum> outputs(model.program->outputs.size());
  constexpr int warm_up_runs = 3;
  for (int i = 0; i < warm_up_runs; ++i) session.run(model.inputs, outputs);
  Recorder recorder;
  session.observe(&recorder);
  for (int i = 0; i < options.runs; ++i) {
    recorder.begin_run();
    session.run(model.inputs, outputs);
  }
  std::vector<Row> all = rows(recorder.take());
  double total = 0;
  for (const Row& row : all) total += row.milliseconds;
  if (!options.in_order) {
    std::ranges::stable_sort(all, std::greater<>(), &Row::milliseconds);
  }
  options.json ? print_json(all, total) : print_text(all, options, total);
}

}  // namespace

void add_profile(CLI::App& app) {
  const auto options = std::make_shared<ProfileOptions>();
  CLI::App& command = *app.add_subcommand("profile", "Show where the time of a run goes");
  command.add_option("model", options->model, "ONNX model")->required()->type_name("MODEL");
  add_input_options(command, options->inputs, options->test_data);
  add_threads_option(command, options->threads);
  command.add_option("-n,--runs", options->runs, "Runs to take medians of")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--top", options->top, "How many rows to print")->capture_default_str();
  command.add_flag("--in-order", options->in_order, "In the order of the run, not by time");
  add_json_option(command, options->json);
  add_model_options(command, options->compile);
  add_cache_options(command, options->compile);
  command.footer("Example: dlc profile resnet50.onnx --threads 1 --top 10");
  command.callback([options] { profile(*options); });
}

}  // namespace dlc::cli
