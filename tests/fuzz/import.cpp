// Fuzzes the importer: what it accepts is a well-formed graph whose types are right.
#include "frontends/onnx/import.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dlc::Graph graph;
  if (!dlc::fuzz::accepts([&] { graph = dlc::onnx::import_bytes({data, size}); })) return 0;
  try {
    dlc::check(graph);
  } catch (const dlc::Error& error) {
    dlc::fuzz::finding("the importer's graph is refused: {}", error.what());
  }
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() { return sample_models(); }
