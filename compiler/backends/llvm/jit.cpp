// Kernels to code in this process: IR for each, identical ones once, objects made by several
// threads, linked to one image.
// Next: kernels.h, emit.h, link.h.
#include "compiler/backends/llvm/jit.h"

#include <fmt/format.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/link.h"
#include "compiler/backends/llvm/machine.h"
#include "compiler/backends/llvm/winograd.h"
#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

constexpr const char* function_name = "kernel";

/// One kernel on its way: first IR, then an object.
struct Unit {
  CompiledKernel kernel;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::string ir;
  std::string assembly;
  llvm::SmallVector<char, 0> object;
};

struct EmitAny {
  const TargetInfo& target;
  llvm::Module& module;
  CompiledKernel operator()(const LoopKernel& kernel) const {
    return emit_loop_kernel(kernel, target, module, function_name);
  }
  CompiledKernel operator()(const StagedKernel& kernel) const {
    return emit_staged_kernel(kernel, target, module, function_name);
  }
  CompiledKernel operator()(const AttentionKernel& kernel) const {
    return emit_attention_kernel(kernel, target, module, function_name);
  }
  CompiledKernel operator()(const MatmulKernel& kernel) const {
    return emit_matmul_kernel(kernel, target, module, function_name);
  }
  CompiledKernel operator()(const ConvolutionKernel& kernel) const {
    if (is_depthwise(kernel)) return emit_depthwise_kernel(kernel, target, module, function_name);
    const std::string_view obstacle = winograd_obstacle(kernel, target);
    if (obstacle.empty()) return emit_winograd_kernel(kernel, target, module, function_name);
    CompiledKernel direct = emit_convolution_kernel(kernel, target, module, function_name);
    direct.missed = obstacle;
    return direct;
  }
};

std::string where(const Kernel& kernel) {
  std::string text = fmt::format("kernel '{}'", base(kernel).name);
  for (const std::string& origin : base(kernel).origins) {
    text += text.find(" of ") == std::string::npos ? " of " : ", ";
    text += fmt::format("'{}'", origin);
  }
  return text;
}

void make_ir(Unit& unit, const Kernel& kernel, const TargetInfo& target) {
  unit.context = std::make_unique<llvm::LLVMContext>();
  unit.module = std::make_unique<llvm::Module>("kernel", *unit.context);
  unit.kernel = with_context([&] { return where(kernel); },
                             [&] {
                               return std::visit(EmitAny{target, *unit.module}, kernel);
                             });
  llvm::raw_string_ostream stream(unit.ir);
  unit.module->print(stream, nullptr);
}

/// What decides an object: the IR and what it is compiled for.
std::string identity(const Unit& unit, const TargetInfo& target, const JitOptions& options) {
  return fmt::format("LLVM {}, {} {} bits, O{}\n{}", llvm_version(), target.cpu, target.vector_bits,
                     options.opt_level, unit.ir);
}

void make_object(Unit& unit, llvm::TargetMachine& machine, const JitOptions& options) {
  unit.module->setDataLayout(machine.createDataLayout());
  unit.module->setTargetTriple(machine.getTargetTriple());
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::verifyModule(*unit.module, &stream))
    fail_as(ErrorCode::failed, "kernel '{}': invalid IR: {}", unit.kernel.schedule, message);
  if (options.opt_level > 0) optimize(*unit.module, machine);
  if (options.keep_assembly) {
    std::string ir;
    llvm::raw_string_ostream ir_stream(ir);
    unit.module->print(ir_stream, nullptr);
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(*unit.module);
    const llvm::SmallVector<char, 0> text = generate_code(*copy, machine, true);
    unit.assembly = ir + std::string(text.begin(), text.end());
  }
  unit.object = generate_code(*unit.module, machine, false);
  unit.module.reset();
  unit.context.reset();
}

/// Runs `work(i)` for i < count on `threads` threads, each with its own `make()`. The first
/// exception is thrown again.
template <typename Make, typename Work>
void in_parallel(size_t count, int threads, Make make, Work work) {
  std::atomic<size_t> next = 0;
  std::exception_ptr failure;
  std::mutex mutex;
  const auto run = [&] {
    try {
      auto own = make();
      for (size_t i = next++; i < count; i = next++) work(i, own);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < threads && static_cast<size_t>(t) < count; ++t) helpers.emplace_back(run);
  run();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

struct Jit::State {
  JitOptions options;
  TargetInfo target;
  std::shared_ptr<const MachineCode> code;
  std::vector<std::string> assembly;
};

Jit::Jit(const JitOptions& options)
    : state_(new State{options, host_target(options.vector_bits), {}, {}}) {}
Jit::~Jit() = default;
const TargetInfo& Jit::target() const { return state_->target; }
std::shared_ptr<const MachineCode> Jit::code() const { return state_->code; }
const std::string& Jit::assembly(size_t kernel) const { return state_->assembly.at(kernel); }

std::vector<CompiledKernel> Jit::compile(std::span<const Kernel> kernels) {
  State& s = *state_;
  std::vector<Unit> units(kernels.size());
  in_parallel(
      units.size(), s.options.threads, [] { return 0; },
      [&](size_t i, int) { make_ir(units[i], kernels[i], s.target); });

  std::unordered_map<std::string, size_t> first;  // the first kernel of each IR
  std::vector<size_t> wanted;
  for (size_t i = 0; i < units.size(); ++i)
    if (first.emplace(units[i].ir, i).second) wanted.push_back(i);
  // The longest first: a long one that comes last leaves the other threads without work.
  std::stable_sort(wanted.begin(), wanted.end(),
                   [&](size_t a, size_t b) { return units[a].ir.size() > units[b].ir.size(); });
  using Machine = std::unique_ptr<llvm::TargetMachine>;
  in_parallel(
      wanted.size(), s.options.threads, [] { return Machine(); },
      [&](size_t i, Machine& machine) {
        Unit& unit = units[wanted[i]];
        const bool stored = s.options.objects.find && !s.options.keep_assembly;
        const std::string what = stored ? identity(unit, s.target, s.options) : "";
        if (stored) {
          if (const std::optional<std::string> known = s.options.objects.find(what)) {
            unit.object.assign(known->begin(), known->end());
            return;
          }
        }
        if (!machine) machine = make_target_machine(s.target, s.options.opt_level);
        make_object(unit, *machine, s.options);
        if (stored) s.options.objects.keep(what, {unit.object.data(), unit.object.size()});
      });

  Linker linker;
  std::vector<uint64_t> offsets(units.size());
  std::sort(wanted.begin(), wanted.end());
  for (const size_t i : wanted) offsets[i] = linker.add(units[i].object, function_name);
  s.code = std::make_shared<const MachineCode>(linker.take());
  s.assembly.clear();
  std::vector<CompiledKernel> result;
  for (Unit& unit : units) {
    const size_t made = first.at(unit.ir);
    if (s.options.keep_assembly) s.assembly.push_back(units[made].assembly);
    unit.kernel.function = s.code->function(offsets[made]);
    result.push_back(std::move(unit.kernel));
  }
  return result;
}

}  // namespace dlc::llvm_backend
