// Program: a compiled model. Immutable; shared by any number of sessions.
// The compiler makes it (compiler/lower), Session (runtime/session.h) runs it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "runtime/host.h"
#include "runtime/machine_code.h"
#include "runtime/size_rule.h"
#include "runtime/tensor.h"

namespace dlc {

/// An integer expression over a program's symbols (sizes known only at run time), in postfix order.
struct DimCode {
  enum class Op : uint8_t { constant, symbol, add, multiply, floor_div, modulo, minimum, maximum };
  struct Instruction {
    Op op;
    int64_t value = 0;  ///< the constant, or the symbol's number
    bool operator==(const Instruction&) const = default;
  };
  std::vector<Instruction> code;
  bool operator==(const DimCode&) const = default;
};
/// Throws Error(limit) on overflow, Error(invalid) on division by zero.
int64_t evaluate(const DimCode& code, std::span<const int64_t> symbols);

/// Where the bytes of a value are.
enum class Storage : uint8_t {
  input,     ///< the caller's: `index` is the number of the program's input
  constant,  ///< `index` into Program::constants
  arena,     ///< planned by lifetime in the session's arena
  host,      ///< a Datum made by a host function or a nested program; its shape is known afterwards
  alias,     ///< the first bytes of slot `index`, seen under another shape
};

/// One value of a program. Its concrete shape is that of the evaluated dims (for kind tensor with
/// storage other than host).
struct Slot {
  std::string name;  ///< the name in the model, for errors and dumps
  Storage storage = Storage::arena;
  int index = -1;
  DType dtype = DType::undefined;  ///< undefined: not a tensor (sequence, optional, map)
  std::vector<int> shape;          ///< indices into Program::dims
};

struct KernelStep {
  std::string name;                  ///< e.g. "Conv+Relu", for profiles
  std::vector<std::string> origins;  ///< names of the model's nodes in it
  KernelFunction function = nullptr;
  std::vector<int> buffers;  ///< slots: what is read and written
  std::vector<int> params;   ///< indices into dims
  int items = -1;            ///< index into dims: length of the parallel loop
  int item_cost = -1;        ///< index into dims: about how many operations one item takes
  int scratch_bytes = -1;    ///< index into dims, or -1: none
};

struct HostStep {
  std::string name;
  std::vector<std::string> origins;
  HostFunction function = nullptr;
  Attributes attrs;
  std::vector<int> inputs;   ///< slots; -1: absent
  std::vector<int> outputs;  ///< slots of storage host; -1: not wanted
};

/// Binds symbols from values that earlier steps made, and begins a new epoch: dims (and arena
/// slots) of later epochs may use these symbols. A symbol that is bound already is checked instead.
struct BindStep {
  struct FromShape {
    int slot, axis, dim;  ///< dims[dim] is a bare symbol to be bound, or an expression to check
  };
  struct FromElement {
    int slot;  ///< an integer tensor
    int64_t element;
    int symbol;
  };
  std::vector<FromShape> shapes;
  std::vector<FromElement> elements;
};

struct Program;

struct IfStep {
  int condition = -1;
  std::shared_ptr<const Program> then_branch, else_branch;  ///< take `inputs`, give `outputs`
  std::vector<int> inputs, outputs;                         ///< outputs: slots of storage host
};

/// ONNX Loop-26: body(iteration, condition, states..., captures...) -> condition, states...,
/// scans...
struct LoopStep {
  int trip_count = -1, condition = -1;  ///< -1: absent
  std::shared_ptr<const Program> body;
  std::vector<int> states, captures;
  std::vector<int> outputs;  ///< final states, then stacked scans; storage host; -1: not wanted
};

/// ONNX Scan-25: body(states..., slices..., captures...) -> states..., slices...
struct ScanStep {
  std::shared_ptr<const Program> body;
  std::vector<int> states, sequences, captures;
  std::vector<int> outputs;  ///< final states, then stacked slices; storage host
  Ints input_axes, output_axes;
  std::vector<bool> input_reversed, output_reversed;
};

using Step = std::variant<KernelStep, HostStep, BindStep, IfStep, LoopStep, ScanStep>;

struct Parameter {
  std::string name;
  DType dtype = DType::undefined;  ///< undefined: not a tensor
  std::vector<std::string> dims;   ///< "batch", "3", for messages
  std::vector<int> shape;          ///< indices into dims; empty for what is not a tensor
  std::string type;                ///< "f32[batch,3]", "seq(f32[])", for messages
};

/// What two sizes must be for a node to make sense, checked as soon as they are known.
struct SizeCheck {
  SizeRule rule;
  int a, b;          ///< indices into Program::dims
  std::string what;  ///< of check_sizes()
  std::string node;  ///< "node 'x' (Add)"
};

struct Program {
  std::vector<Parameter> inputs, outputs;
  std::vector<int> input_slots, output_slots;
  std::vector<Slot> slots;
  std::vector<Tensor> constants;
  std::vector<Step> steps;

  std::vector<DimCode> dims;
  std::vector<int> dim_epoch;        ///< of each dim: how many BindSteps must have run
  std::vector<std::string> symbols;  ///< their names; the numbers are DimCode's
  std::vector<SizeCheck> checks;
  /// Nested programs: {symbol of the parent, own symbol}, copied on entry.
  std::vector<std::pair<int, int>> inherited;

  /// Where the kernels' functions are, those of nested programs included.
  std::shared_ptr<const MachineCode> code;
};

}  // namespace dlc
