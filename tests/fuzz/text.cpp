// Fuzzes the parser of graphs: what it reads and prints is read and printed the same again.
#include "compiler/ir/text.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/samples.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  dlc::Graph graph;
  if (!dlc::fuzz::accepts([&] { graph = dlc::parse(text); })) return 0;
  const std::string first = dlc::print(graph);
  std::string second;
  try {
    second = dlc::print(dlc::parse(first));
  } catch (const dlc::Error& error) {
    dlc::fuzz::finding("what was printed is not read: {}\n{}", error.what(), first);
  }
  if (first != second) dlc::fuzz::finding("printed\n{}\nand then\n{}", first, second);
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  std::vector<std::string> texts;
  for (const Graph& graph : sample_graphs()) texts.push_back(print(graph));
  return texts;
}
