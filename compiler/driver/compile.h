// The way from a graph to a program: passes, lowering, backend.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/backends/llvm/jit.h"
#include "compiler/lower/assemble.h"
#include "passes/pass.h"
#include "runtime/program.h"

namespace dlc {

struct CompileOptions {
  int opt_level = 2;  ///< 0: only what is needed to run; each node its own kernel
  std::vector<std::string> disabled_passes;
  std::string print_after;  ///< a pass: its graph goes to `printed`
  std::string stop_after;
  int vector_bits = 0;  ///< see JitOptions
  /// 3x3 convolutions may be computed by Winograd's F(4x4, 3x3): about twice as fast, off by up to
  /// 6e-5 of the output's root mean square instead of 1e-5. Never at opt_level 0.
  bool winograd = true;
  int threads = 0;             ///< compile threads; 0: all
  bool verify_passes = false;  ///< verify and type-check after every pass
  bool explain = false;        ///< say in the report what was fused, and what nearly was
};

/// What one kernel became, for `dlc inspect` and the demo.
struct KernelReport {
  std::string name;  ///< "Conv+Relu"
  std::string kind;  ///< "loops", "matmul", "convolution", "stages", "attention", "host", "control"
  std::vector<std::string> origins;
  std::string schedule, loops;
  std::vector<std::string> without_memory;  ///< if asked: values that it does not write
};
struct PassReport {
  std::string name;
  double milliseconds = 0;
  std::map<std::string, int> counts;  ///< "folded" -> 12
};
struct CompileReport {
  std::vector<PassReport> passes;
  std::vector<KernelReport> kernels;
  std::vector<NearMiss> near_misses;  ///< if asked
  std::string printed;                ///< graph text, if print_after asked for it
  double passes_ms = 0, lower_ms = 0, codegen_ms = 0;
  size_t nodes_before = 0, nodes_after = 0;
};

/// Where parts of a program come from and go to; what is empty does nothing.
struct CompileHooks {
  KeepWeights keep_weights;
  llvm_backend::ObjectStore objects;
  ProgramValues* values = nullptr;  ///< gets the optimized graph, and where its values are
};

/// Compiles for this machine. The graph is taken by value: passes change it. Throws Error: invalid,
/// unsupported (op, type or shape that no backend takes; all are listed in one message), failed.
std::shared_ptr<const Program> compile(Graph graph, const CompileOptions& options = {},
                                       CompileReport* report = nullptr,
                                       const CompileHooks& hooks = {});

/// The passes that `options` ask for, in order. Throws Error(usage) for a name that is none.
std::vector<const Pass*> passes_of(const CompileOptions& options);

/// The graph after the passes of `options`, for inspection.
Graph optimize(Graph graph, const CompileOptions& options = {}, CompileReport* report = nullptr);

}  // namespace dlc
