// Fuzzes passes and code generation with models: what the importer accepts stays well-formed from
// pass to pass, and now and then it is compiled.
#include <numeric>

#include "compiler/driver/compile.h"
#include "frontends/onnx/import.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dlc::Graph graph;
  if (!dlc::fuzz::accepts([&] { graph = dlc::onnx::import_bytes({data, size}); })) return 0;
  const dlc::CompileOptions options = {.threads = 1, .verify_passes = true};
  const bool compiled = std::accumulate(data, data + size, 0U) % 16 == 0;
  try {
    if (compiled) {
      dlc::compile(graph, options);
    } else {
      dlc::optimize(graph, options);
    }
  } catch (const dlc::Error& error) {
    using enum dlc::ErrorCode;
    if (error.code() == unsupported || error.code() == limit) return 0;
    dlc::fuzz::finding("what was imported is not compiled: {}", error.what());
  }
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() { return sample_models(); }
