// Kernels to code in this process: IR for each, identical ones once, objects made by several
// threads, linked by ORC.
// Next: kernels.h, emit.h.
#include "compiler/backends/llvm/jit.h"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "compiler/backends/llvm/kernels.h"
#include "compiler/backends/llvm/machine.h"
#include "compiler/backends/llvm/winograd.h"
#include "runtime/error.h"
#include "runtime/numeric.h"

namespace dlc::llvm_backend {
namespace {

uint8_t encode_small_float_double(uint32_t type, double value) {
  return encode_small_float(static_cast<DType>(type), value);
}

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
  CompiledKernel operator()(const MatmulKernel& kernel) const {
    return emit_matmul_kernel(kernel, target, module, function_name);
  }
  CompiledKernel operator()(const ConvolutionKernel& kernel) const {
    if (is_depthwise(kernel)) return emit_depthwise_kernel(kernel, target, module, function_name);
    if (suits_winograd(kernel, target)) {
      return emit_winograd_kernel(kernel, target, module, function_name);
    }
    return emit_convolution_kernel(kernel, target, module, function_name);
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
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::unordered_map<std::string, KernelFunction> known;  ///< by IR
  std::vector<std::string> assembly;
  int next_library = 0;

  explicit State(const JitOptions& o) : options(o), target(host_target(o.vector_bits)) {
    initialize_llvm();
    jit = check(llvm::orc::LLJITBuilder().create(), "starting the JIT");
    llvm::orc::JITDylib& main = jit->getMainJITDylib();
    const char prefix = jit->getDataLayout().getGlobalPrefix();
    main.addGenerator(check(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(prefix),
                            "finding symbols"));
    if (auto vectors = llvm::orc::DynamicLibrarySearchGenerator::Load("libmvec.so.1", prefix)) {
      main.addGenerator(std::move(*vectors));
    } else {
      llvm::consumeError(vectors.takeError());  // then no code asks for it either
    }
    llvm::orc::SymbolMap own;
    own[jit->mangleAndIntern("dlc_encode_small_float")] =
        llvm::orc::ExecutorSymbolDef(llvm::orc::ExecutorAddr::fromPtr(&encode_small_float_double),
                                     llvm::JITSymbolFlags::Exported);
    check(main.define(llvm::orc::absoluteSymbols(std::move(own))), "defining symbols");
  }

  /// Links an object into a library of its own (all kernels have the same name).
  KernelFunction link(llvm::SmallVector<char, 0> object) {
    const std::string name = fmt::format("kernel{}", next_library++);
    llvm::orc::JITDylib& library = check(jit->createJITDylib(name), "adding a kernel");
    library.addToLinkOrder(jit->getMainJITDylib());
    auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(object), name, false);
    check(jit->addObjectFile(library, std::move(buffer)), "adding a kernel");
    return check(jit->lookup(library, function_name), "linking a kernel").toPtr<KernelFunction>();
  }
};

Jit::Jit(const JitOptions& options) : state_(std::make_shared<State>(options)) {}
Jit::~Jit() = default;
const TargetInfo& Jit::target() const { return state_->target; }
std::shared_ptr<const void> Jit::code() const { return state_; }
const std::string& Jit::assembly(size_t kernel) const { return state_->assembly.at(kernel); }

std::vector<CompiledKernel> Jit::compile(std::span<const Kernel> kernels) {
  State& s = *state_;
  std::vector<Unit> units(kernels.size());
  in_parallel(
      units.size(), s.options.threads, [] { return 0; },
      [&](size_t i, int) { make_ir(units[i], kernels[i], s.target); });

  std::unordered_map<std::string, size_t> first;
  std::vector<size_t> wanted;
  for (size_t i = 0; i < units.size(); ++i)
    if (!s.known.contains(units[i].ir) && first.emplace(units[i].ir, i).second) wanted.push_back(i);
  in_parallel(
      wanted.size(), s.options.threads,
      [&] { return make_target_machine(s.target, s.options.opt_level); },
      [&](size_t i, const std::unique_ptr<llvm::TargetMachine>& machine) {
        make_object(units[wanted[i]], *machine, s.options);
      });

  for (const size_t i : wanted) s.known[units[i].ir] = s.link(std::move(units[i].object));
  s.assembly.clear();
  std::vector<CompiledKernel> result;
  for (Unit& unit : units) {
    if (s.options.keep_assembly) {
      const auto made = first.find(unit.ir);
      s.assembly.push_back(made == first.end() ? std::string() : units[made->second].assembly);
    }
    unit.kernel.function = s.known.at(unit.ir);
    result.push_back(std::move(unit.kernel));
  }
  return result;
}

}  // namespace dlc::llvm_backend
