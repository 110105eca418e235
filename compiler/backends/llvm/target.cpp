// What this machine has, and LLVM's code generator for it.
// Next: jit.cpp.
#include <fmt/format.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "compiler/backends/llvm/machine.h"
#include "runtime/cpu.h"
#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

struct Host {
  std::string cpu = llvm::sys::getHostCPUName().str();
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  bool has(const char* name) const {
    const auto found = features.find(name);
    return found != features.end() && found->second;
  }
};

const Host& host() {
  static const Host result;
  return result;
}

int64_t cache_bytes(int name, int64_t otherwise) {
  const long bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

/// The host's features, none of those that wider vectors than asked for need. Features that the
/// named CPU has but this machine does not (a virtual one) are switched off by name.
std::string feature_string(int vector_bits) {
  std::string text;
  std::vector<std::pair<std::string, bool>> sorted;
  for (const auto& feature : host().features)
    sorted.emplace_back(feature.getKey().str(), feature.getValue());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, has] : sorted) {
    const bool is_512 =
        name.starts_with("avx512") || name.starts_with("avx10") || name.starts_with("amx");
    const bool is_256 = name.starts_with("avx") || name.starts_with("vaes") ||
                        name.starts_with("vpclmul") || name == "fma" || name == "fma4" ||
                        name == "f16c" || name == "xop";
    const bool allowed = vector_bits >= (is_512 ? 512 : is_256 ? 256 : 128);
    if (!text.empty()) text += ',';
    text += (has && allowed ? '+' : '-') + name;
  }
  return text;
}

}  // namespace

TargetInfo host_target(int vector_bits) {
  if (vector_bits != 0 && vector_bits != 128 && vector_bits != 256 && vector_bits != 512)
    fail_as(ErrorCode::usage, "vectors of {} bits: give 128, 256 or 512", vector_bits);
  if (!host().has("sse4.2"))
    fail_as(ErrorCode::unsupported, "this machine has no SSE4.2, which dlc's code needs");
  TargetInfo target;
  target.cpu = host().cpu;
  target.vector_bits =
      vector_bits == 0 ? widest_vector_bits() : std::min(vector_bits, widest_vector_bits());
  target.vector_registers = target.vector_bits == 512 ? 32 : 16;
  target.fma = target.vector_bits >= 256;
  target.vnni = target.vector_bits == 512   ? host().has("avx512vnni")
                : target.vector_bits == 256 ? host().has("avxvnni")
                                            : false;
  target.bf16 = target.vector_bits == 512 && host().has("avx512bf16");
  target.isa = isa_name(target.vector_bits);
  if (target.vnni) target.isa += " vnni";
  if (target.bf16) target.isa += " bf16";
  target.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, target.l1_bytes);
  target.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, target.l2_bytes);
  return target;
}

std::string llvm_version() { return LLVM_VERSION_STRING; }

void check(llvm::Error error, const char* what) {
  if (!error) return;
  fail_as(ErrorCode::failed, "LLVM, {}: {}", what, llvm::toString(std::move(error)));
}

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

std::unique_ptr<llvm::TargetMachine> make_target_machine(const TargetInfo& target, int opt_level) {
  initialize_llvm();
  const llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string error;
  const llvm::Target* llvm_target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (llvm_target == nullptr) fail_as(ErrorCode::failed, "LLVM has no code generator: {}", error);
  const auto level = opt_level == 0 ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::TargetMachine> machine(llvm_target->createTargetMachine(
      triple, target.cpu, feature_string(target.vector_bits), llvm::TargetOptions(),
      llvm::Reloc::PIC_, llvm::CodeModel::Small, level, /*JIT=*/true));
  if (machine == nullptr) fail_as(ErrorCode::failed, "LLVM cannot make code for {}", target.cpu);
  return machine;
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::InstCombinePass());
  for (llvm::Function& function : module)
    if (!function.isDeclaration()) passes.run(function, functions);
}

llvm::SmallVector<char, 0> generate_code(llvm::Module& module, llvm::TargetMachine& machine,
                                         bool assembly) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  const auto kind =
      assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    fail_as(ErrorCode::failed, "LLVM cannot write machine code for this target");
  passes.run(module);
  return bytes;
}

}  // namespace dlc::llvm_backend
