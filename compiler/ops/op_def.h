// OpDef: everything dlc knows about an op, in one row. The tables are in the files beside this one,
// joined by registry.cpp. How to add one: CONTRIBUTING.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/expr/expr.h"
#include "compiler/ir/graph.h"
#include "runtime/error.h"
#include "runtime/host.h"
#include "runtime/size_rule.h"

namespace dlc {

struct OpDef;
class Builder;

/// A set of element types, as bits 1 << DType.
using DTypes = uint32_t;
constexpr DTypes one(DType type) { return DTypes{1} << static_cast<int>(type); }
namespace types {
inline constexpr DTypes boolean = one(DType::boolean);
inline constexpr DTypes strings = one(DType::string);
inline constexpr DTypes floats =
    one(DType::f32) | one(DType::f64) | one(DType::f16) | one(DType::bf16);
inline constexpr DTypes small_floats = one(DType::f8e4m3fn) | one(DType::f8e4m3fnuz) |
                                       one(DType::f8e5m2) | one(DType::f8e5m2fnuz) |
                                       one(DType::f4e2m1) | one(DType::f8e8m0);
inline constexpr DTypes signed_ints =
    one(DType::i8) | one(DType::i16) | one(DType::i32) | one(DType::i64);
inline constexpr DTypes unsigned_ints =
    one(DType::u8) | one(DType::u16) | one(DType::u32) | one(DType::u64);
inline constexpr DTypes small_ints =
    one(DType::i4) | one(DType::u4) | one(DType::i2) | one(DType::u2);
inline constexpr DTypes ints = signed_ints | unsigned_ints;
inline constexpr DTypes indices = one(DType::i32) | one(DType::i64);
inline constexpr DTypes numbers = floats | ints;
inline constexpr DTypes complexes = one(DType::c64) | one(DType::c128);
inline constexpr DTypes all = numbers | boolean | strings | complexes | small_floats | small_ints;
/// What loops can move: everything of a fixed size of whole bytes.
inline constexpr DTypes movable = numbers | boolean;
}  // namespace types

enum class Presence : uint8_t {
  required,
  optional,
  variadic,  ///< the last one: any number, at least one
  any,       ///< the last one: any number, none too
};

struct InputSpec {
  std::string_view name;
  DTypes types = types::all;
  Presence presence = Presence::required;
  bool known = false;
};

/// Default of an attribute. `required`: must be given. monostate: optional without default.
struct RequiredAttr {};
using AttrDefault =
    std::variant<std::monostate, RequiredAttr, int64_t, double, std::string_view, Ints>;

struct AttrSpec {
  std::string_view name;
  AttrDefault value = {};
};
inline constexpr RequiredAttr required_attr = {};

/// A rule for sizes that are symbolic, so that only a run can tell whether it holds.
struct Requirement {
  SizeRule rule;
  Dim a, b;
  std::string what;
};

/// What a node's formulas need in order to be right.
struct Requirements {
  std::vector<Requirement> rules;
  bool clamped =
      false;  ///< an index was moved into its operand: the formula is more than the row's
};

/// What a row's functions see of a node: its input types, attributes (with defaults), and the
/// values of inputs as far as they are known. Names are the row's; an unknown name is an assert.
class OpArgs {
 public:
  OpArgs(const OpDef& def, const Graph& graph, std::span<const Value> inputs, const AttrMap& attrs,
         size_t outputs, Requirements* requirements = nullptr);

  const OpDef& def() const { return def_; }
  size_t input_count() const { return inputs_.size(); }
  size_t output_count() const { return outputs_; }  ///< how many outputs the node has
  /// Position of the named input; for a variadic one, of its first.
  size_t position(std::string_view input) const;

  bool has(std::string_view input) const;
  const Type& type(std::string_view input) const { return type(position(input)); }
  const Type& type(size_t position) const;
  /// Throws Error(unsupported) when the rank is not known.
  const Dims& shape(std::string_view input) const { return shape(position(input)); }
  const Dims& shape(size_t position) const;
  int64_t rank(std::string_view input) const { return static_cast<int64_t>(shape(input).size()); }
  DType dtype(std::string_view input) const { return type(input).dtype; }
  /// attr `axis` (or `value`) made non-negative; throws Error(invalid) outside [-rank, rank).
  int64_t axis(std::string_view attr, int64_t rank) const;
  static int64_t normalize_axis(int64_t axis, int64_t rank);

  /// Throws Error(invalid) that begins with `what` if the sizes break the rule. If they are
  /// symbolic, a run checks it.
  void require(SizeRule rule, const Dim& a, const Dim& b, std::string what) const;
  /// The input must have that shape: require(equal) of each axis.
  void expect_shape(std::string_view input, const Dims& shape) const;
  void expect_rank(std::string_view input, int64_t rank) const;
  /// Where require() notes rules; null: nowhere.
  Requirements* requirements() const { return requirements_; }

  // Attributes, with the row's defaults. has_attr: given, or has a default.
  bool has_attr(std::string_view attr) const;
  const Attr* attr(std::string_view name) const;  ///< as given in the node; null if not
  int64_t integer(std::string_view attr) const;
  /// The element type that an integer attribute names, by ONNX's numbers.
  DType element_type(std::string_view attr) const;
  double real(std::string_view attr) const;
  std::string text(std::string_view attr) const;
  Reals reals(std::string_view attr) const;
  Strings strings(std::string_view attr) const;
  const Graph& graph(std::string_view attr) const;
  /// The graph the node is in.
  const Graph& owner() const { return graph_; }
  /// Invalid where the input is not given.
  Value input(size_t position) const {
    return position < inputs_.size() ? inputs_[position] : Value();
  }
  /// Numbers of an attribute, or of a `known` input, whichever the row has under that name; empty
  /// if it is absent. Throws Error(unsupported) naming the input when its value is not known.
  Ints ints(std::string_view name) const;

  /// Elements of an integer input, symbolic where need be. Throws NeedsValue if not known.
  Dims values(std::string_view input) const;
  std::optional<Dims> values_if_known(std::string_view input) const;
  /// The tensor, if the input is a constant. constant_or_fail: or if it can be computed from
  /// constants and static sizes; throws NeedsValue if not.
  const Tensor* constant(std::string_view input) const;
  Tensor constant_or_fail(std::string_view input) const;

 private:
  const OpDef& def_;
  const Graph& graph_;
  std::span<const Value> inputs_;
  const AttrMap& attrs_;
  size_t outputs_;
  Requirements* requirements_;
};

/// Thrown when a `known` input has a value that compilation cannot know. `value` is that input.
class NeedsValue : public Error {
 public:
  NeedsValue(std::string message, Value value)
      : Error(ErrorCode::unsupported, std::move(message)), value(value) {}
  Value value;
};

/// A symbol that the node's graph does not have yet, for a size that only running the node tells:
/// `hint` and a number.
Dim fresh_dim(const OpArgs& args, std::string_view hint);

/// For `scalar`: inputs as the elements that meet at one output element. Narrow floats come as f32.
class ScalarArgs : public OpArgs {
 public:
  ScalarArgs(const OpArgs& args, std::vector<Expr> elements)
      : OpArgs(args), elements_(std::move(elements)) {}
  Expr operator[](std::string_view input) const { return elements_[position(input)]; }
  Expr element(size_t position) const { return elements_[position]; }

 private:
  std::vector<Expr> elements_;
};

/// One input inside `compute`: element at indices, narrow floats cast to f32. raw: as stored, for
/// ops that only move elements. flat: by row-major position.
class Operand {
 public:
  Operand(int number, const Type& type) : number_(number), type_(&type) {}
  Expr operator()(const Indices& indices) const;
  Expr raw(const Indices& indices) const;
  Expr raw_flat(const Expr& offset) const;
  const Dims& shape() const { return type_->shape; }
  DType dtype() const { return type_->dtype; }

 private:
  int number_;
  const Type* type_;
};

class ComputeArgs : public OpArgs {
 public:
  explicit ComputeArgs(const OpArgs& args) : OpArgs(args) {}
  Operand operator[](std::string_view input) const { return operand(position(input)); }
  Operand operand(size_t position) const {
    return Operand(static_cast<int>(position), type(position));
  }
};

/// The outputs of `compute`, one expression each. A result in f32 is rounded to the narrow float
/// type of the inputs, if they have one (unless the row says final_type).
struct Computed {
  std::vector<TensorExpr> outputs;
  Computed(TensorExpr single) { outputs.push_back(std::move(single)); }  // NOLINT
  Computed(std::vector<TensorExpr> all) : outputs(std::move(all)) {}     // NOLINT
};

/// This op is a matmul or convolution: what blocked kernels look for. Roles are input positions.
struct Contraction {
  enum class Kind : uint8_t { matmul, convolution } kind = Kind::matmul;
  int a = 0, b = 1, bias = -1;  ///< convolution: X, W, B
  // matmul (numpy's rules for leading axes): op(a) * op(b) * alpha + beta * bias
  bool transpose_a = false, transpose_b = false;
  double alpha = 1, beta = 1;
  // convolution: X [n, c, spatial...], W [m, c/group, kernel...]
  Ints strides, dilations, pads_begin, pads_end;
  int64_t group = 1;
  bool exact = false;  ///< the sums are of integers that the type holds: no other algorithm will do
};

using ScalarFunction = Expr (*)(const ScalarArgs& args);
using ComputeFunction = Computed (*)(const ComputeArgs& args);
/// Builds the composite's body: gives the outputs, made with `build` from `inputs`.
using ExpandFunction = std::vector<Value> (*)(const OpArgs& args, Builder& build,
                                              std::span<const Value> inputs);
using InferFunction = std::vector<Type> (*)(const OpArgs& args);
using ContractionFunction = Contraction (*)(const OpArgs& args);

enum class OpKind : uint8_t { elementwise, composite, loops, host, structural };

struct OpDef {
  std::string_view name;
  std::string_view doc;
  std::string_view source;
  std::vector<InputSpec> inputs;
  std::vector<std::string_view> outputs = {"output"};
  std::vector<AttrSpec> attrs;

  // What it computes: exactly one (structural ops, If, Loop, Scan and Constant, have none).
  ScalarFunction scalar = nullptr;
  std::string_view body;            ///< composite, in IR text: see expand.h
  ExpandFunction expand = nullptr;  ///< composite whose body depends on attributes or ranks
  ComputeFunction compute = nullptr;
  HostFunction host = nullptr;

  InferFunction infer = nullptr;  ///< needed by host and structural ops only
  ContractionFunction contraction = nullptr;
  /// The type of the formula is final: an f32 result is not rounded to the inputs' narrow type
  /// (Cast).
  bool final_type = false;
  /// The op that stands for an elementwise one where its input, or what it gives, is of strings.
  std::string_view on_strings;
  /// The host op that stands for it where a `known` input gets its value while the model runs.
  std::string_view on_unknown;
  bool effect = false;  ///< must not be erased, merged or folded (random numbers, ...)
  std::vector<std::string_view> samples;

  OpKind kind() const;
};

/// The row for a node's op name; null if there is none.
const OpDef* find_op(std::string_view name);
/// The same; throws Error(unsupported) that names the op.
const OpDef& op(std::string_view name);
/// All rows, sorted by name.
std::span<const OpDef* const> all_ops();
/// Adds a row to those that are built in. Not while anything else looks ops up.
void register_op(OpDef row);

}  // namespace dlc
