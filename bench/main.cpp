// dlc_bench: how close generated code comes to what the machine can do.
//   dlc_bench gemm --threads 2 --only 128x
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "bench/measure.h"

int main(int argc, char** argv) {
  CLI::App app("Micro-benchmarks of dlc's kernels against the limits of this machine");
  dlc::bench::Options options;
  app.add_option("--only", options.only, "rows whose name contains this");
  app.add_option("--threads", options.threads, "threads in all")->check(CLI::PositiveNumber);
  app.add_option("--vector-bits", options.vector_bits, "128, 256 or 512");
  app.add_option("--seconds", options.seconds, "of measuring, for each row");
  app.require_subcommand(1);
  app.fallthrough();
  const auto command = [&](const char* name, const char* text,
                           void (*run)(const dlc::bench::Options&)) {
    app.add_subcommand(name, text)->callback([&options, run] { run(options); });
  };
  command("gemm", "matrix products", dlc::bench::gemm);
  command("convolution", "convolutions", dlc::bench::convolution);
  command("functions", "vector functions", dlc::bench::functions);
  command("fork-join", "the thread pool and the dispatch of a kernel", dlc::bench::fork_join);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}
