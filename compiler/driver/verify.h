// Translation validation: a graph is interpreted before and after each pass on the same inputs, and
// what the compiled program stores is compared with the interpreter, kernel by kernel.
// Next: verify_passes.cpp, verify_program.cpp, agreement.h (what counts as equal).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/driver/compile.h"
#include "runtime/thread_pool.h"

namespace dlc {

/// The first change that alters an answer.
struct Alteration {
  std::string pass;        ///< empty: a kernel does
  size_t position = 0;     ///< of the pass among those that ran, from 1
  std::string kernel;      ///< "Conv+Relu"
  Origins nodes;           ///< the model's nodes where it happens
  std::string op;          ///< of the node that is wrong now
  std::string value;       ///< the name of the first value that differs, if it has one
  std::string difference;  ///< "element [0,1] is 2, but 1 was expected (...)"

  std::string text() const;  ///< one line for people
};

/// Takes a graph from pass to pass. What a pass made anew is interpreted on the values that were
/// there before it, and compared with what it stands for: the value with the same id, name or place
/// among the outputs. So errors do not add up over passes, and the cost is that of what changed.
class PassVerifier {
 public:
  /// Interprets the whole graph. Throws Error for inputs that do not fit.
  PassVerifier(Graph graph, std::span<const Datum> inputs);
  ~PassVerifier();

  /// Runs the pass. What it may change is its row's business: nothing, or within its tolerance.
  std::optional<Alteration> run(const Pass& pass);
  const Graph& graph() const;
  std::vector<Datum> outputs() const;

 private:
  std::unique_ptr<struct GraphState> state_;
  size_t passes_ = 0;
};

/// Runs the program on the inputs and compares each value that it stores, as soon as it does, with
/// what the interpreter makes of the values that were stored before.
std::optional<Alteration> verify_program(std::shared_ptr<const Program> program,
                                         const ProgramValues& values, std::span<const Datum> inputs,
                                         ThreadPool& pool);

struct Verification {
  std::optional<Alteration> alteration;
  size_t passes = 0, steps = 0;  ///< that were found right
};
/// All passes that the options ask for, and the program that comes of them.
Verification verify(const Graph& graph, std::span<const Datum> inputs,
                    const CompileOptions& options, ThreadPool& pool);

}  // namespace dlc
