// The way from a graph to a program.
#include "compiler/driver/compile.h"

#include <algorithm>

#include "compiler/driver/backend.h"
#include "compiler/driver/stopwatch.h"
#include "compiler/ir/text.h"
#include "compiler/lower/assemble.h"
#include "compiler/lower/packed.h"
#include "compiler/ops/infer.h"
#include "passes/pass.h"
#include "runtime/thread_pool.h"

namespace dlc {
namespace {

void check_pass_names(const CompileOptions& options) {
  std::vector<std::string> names = options.disabled_passes;
  names.push_back(options.print_after);
  names.push_back(options.stop_after);
  for (const std::string& name : names) {
    if (name.empty()) continue;
    const Pass* pass = find_pass(name);
    if (!pass) fail_as(ErrorCode::usage, "no pass '{}'; `dlc passes` lists them", name);
  }
  for (const std::string& name : options.disabled_passes) {
    if (find_pass(name)->required) fail_as(ErrorCode::usage, "pass '{}' is required", name);
  }
}

bool wanted(const Pass& pass, const CompileOptions& options) {
  if (pass.required) return true;
  if (options.opt_level == 0) return false;
  const auto& disabled = options.disabled_passes;
  return std::find(disabled.begin(), disabled.end(), pass.name) == disabled.end();
}

std::vector<KernelReport> describe(std::span<const Kernel> kernels,
                                   std::span<const CompiledKernel> compiled) {
  static constexpr const char* kinds[] = {"loops", "matmul", "convolution", "stages", "attention"};
  std::vector<KernelReport> reports;
  for (size_t k = 0; k < kernels.size(); ++k) {
    const KernelBase& kernel = base(kernels[k]);
    reports.push_back({kernel.name,
                       kinds[kernels[k].index()],
                       {kernel.origins.begin(), kernel.origins.end()},
                       compiled[k].schedule,
                       compiled[k].loops});
  }
  return reports;
}

/// Passes that run several times meet the same near misses again.
void note(std::vector<NearMiss>& all, const NearMiss& miss) {
  const bool known = std::any_of(all.begin(), all.end(), [&](const NearMiss& other) {
    return other.rewrite == miss.rewrite && other.node == miss.node &&
           other.condition == miss.condition;
  });
  if (!known) all.push_back(miss);
}

void explain(FusionNotes& notes, std::span<const CompiledKernel> compiled, CompileReport& report) {
  for (const NearMiss& miss : notes.near_misses) note(report.near_misses, miss);
  for (size_t k = 0; k < report.kernels.size(); ++k) {
    KernelReport& kernel = report.kernels[k];
    kernel.without_memory = std::move(notes.without_memory[k]);
    if (compiled[k].missed.empty()) continue;
    const std::string origin = kernel.origins.empty() ? kernel.name : kernel.origins[0];
    note(report.near_misses,
         {"winograd", fmt::format("kernel of node '{}'", origin), std::string(compiled[k].missed)});
  }
}

}  // namespace

std::vector<const Pass*> passes_of(const CompileOptions& options) {
  check_pass_names(options);
  std::vector<const Pass*> passes;
  for (const Pass* pass : pipeline()) {
    if (!wanted(*pass, options)) continue;
    passes.push_back(pass);
    if (options.stop_after == pass->name) break;
  }
  return passes;
}

Graph optimize(Graph graph, const CompileOptions& options, CompileReport* report) {
  CompileReport unused;
  CompileReport& r = report ? *report : unused;
  const Stopwatch all;
  r.nodes_before = graph.node_count();
  for (const Pass* pass : passes_of(options)) {
    const Stopwatch watch;
    PassContext context(options.explain);
    with_context([&] { return fmt::format("pass '{}'", pass->name); },
                 [&] {
                   run_pass(*pass, graph, context);
                   if (options.verify_passes) check(graph);
                 });
    r.passes.push_back({std::string(pass->name), watch.milliseconds(), context.counts()});
    for (const NearMiss& miss : context.near_misses()) note(r.near_misses, miss);
    if (options.print_after == pass->name) r.printed = print(graph, {.max_elements = 16});
  }
  r.nodes_after = graph.node_count();
  r.passes_ms = all.milliseconds();
  return graph;
}

std::shared_ptr<const Program> compile(Graph graph, const CompileOptions& options,
                                       CompileReport* report, const CompileHooks& hooks) {
  CompileReport unused;
  CompileReport& r = report ? *report : unused;
  // Passes may let an output be a value with another name (an input, another output): what the
  // caller sees stays as the model has it.
  std::vector<std::string> output_names;
  for (Value output : graph.outputs()) output_names.push_back(graph.name(output));
  // Of the model as it is: passes drop nodes, and take composites apart.
  const std::vector<NodeRequirement> rules = requirements(graph);
  graph = optimize(std::move(graph), options, &r);

  const Stopwatch lowering;
  std::vector<Kernel> kernels;
  FusionNotes notes;
  const auto parts = partition(std::move(graph),
                               {.fuse = options.opt_level > 0,
                                .winograd = options.winograd && options.opt_level > 0,
                                .notes = options.explain ? &notes : nullptr},
                               kernels);
  use_bytes(kernels);
  r.lower_ms = lowering.milliseconds();

  const Stopwatch codegen;
  const auto [compiled, code] =
      llvm().compile(kernels, {.vector_bits = options.vector_bits,
                               .opt_level = options.opt_level,
                               .threads = options.threads ? options.threads : available_threads(),
                               .objects = hooks.objects});
  auto program = assemble(*parts, kernels, compiled, rules, code, hooks.keep_weights,
                          hooks.values ? &hooks.values->slots : nullptr);
  if (hooks.values) hooks.values->graph = std::move(parts->graph);
  for (size_t k = 0; k < output_names.size(); ++k) program->outputs[k].name = output_names[k];
  r.codegen_ms = codegen.milliseconds();
  r.kernels = describe(kernels, compiled);
  if (options.explain) explain(notes, compiled, r);
  return program;
}

}  // namespace dlc
