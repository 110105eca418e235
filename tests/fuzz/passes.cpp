// Fuzzes the passes: a graph is drawn from the bytes; with any passes left out it must compute what
// it does with none, by the interpreter and now and then compiled.
//
//   1 byte: optimization level, whether to compile, vector width | 2 bytes: passes left out | graph
#include <random>

#include "compiler/driver/compile.h"
#include "compiler/ops/evaluate.h"
#include "passes/pass.h"
#include "runtime/artifact.h"
#include "runtime/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_graph.h"
#include "tests/support/rounding.h"

namespace dlc::fuzz {
namespace {

constexpr size_t header = 3;

CompileOptions options_from(const uint8_t* data) {
  static constexpr int widths[] = {128, 256, 512};
  CompileOptions options = {
      .vector_bits = widths[data[0] / 16 % 3], .threads = 1, .verify_passes = true};
  if (data[0] % 16 == 15) options.opt_level = 0;
  const unsigned mask = data[1] | data[2] << 8;
  for (size_t k = 0; k < pipeline().size(); ++k) {
    const Pass& pass = *pipeline()[k];
    if (!pass.required && (mask >> (k % 16) & 1)) options.disabled_passes.emplace_back(pass.name);
  }
  return options;
}

void compare(const test::GraphCase& c, const CompileOptions& options, bool compiled) {
  const test::Expected expected(c.graph, c.inputs);
  const auto check = [&](const char* what, std::span<const Datum> got) {
    const std::string text = expected.difference(got);
    if (text.empty()) return;
    finding("{}: {}\nwithout {}, {} bits, of {}", what, text,
            fmt::join(options.disabled_passes, " "), options.vector_bits, test::to_string(c));
  };
  check("interpreted", evaluate(optimize(c.graph, options), c.inputs));
  if (!compiled) return;
  static ThreadPool pool(1);
  const std::shared_ptr<const Program> program = compile(c.graph, options);
  check_program(*program);
  check("compiled", Session(program, pool).run(c.inputs));
}

}  // namespace
}  // namespace dlc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dlc;
  if (size <= fuzz::header) return 0;
  const test::GraphCase c = test::random_graph(std::span(data, size).subspan(fuzz::header));
  try {
    fuzz::compare(c, fuzz::options_from(data), data[0] % 8 == 7);
  } catch (const Error& error) {
    // Everything here has been interpreted; what no backend takes is said to be so.
    if (error.code() == ErrorCode::unsupported) return 0;
    fuzz::finding("{}\nof {}", error.what(), test::to_string(c));
  }
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  std::vector<std::string> all;
  std::mt19937_64 random(1);
  for (size_t k = 0; k < 48; ++k) {
    std::string bytes(64 + 8 * k, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (k % 2 == 0) bytes[1] = bytes[2] = 0;  // all passes
    all.push_back(std::move(bytes));
  }
  return all;
}
