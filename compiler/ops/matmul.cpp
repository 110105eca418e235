// Products of matrices: MatMul, Gemm, MatMulInteger, Det. Einsum: einsum.cpp.
// Blocked kernels find them by `contraction`.
#include "compiler/ops/elementwise_shape.h"
#include "compiler/ops/index_math.h"
#include "compiler/ops/registry.h"
#include "compiler/ops/scalar_rows.h"
#include "compiler/ops/term.h"
#include "runtime/host/linear_algebra.h"

#include <algorithm>
#include <optional>

namespace dlc {
namespace {

using types::floats;
constexpr DTypes multipliable = floats | types::indices | one(DType::u32) | one(DType::u64);
constexpr DTypes bytes = one(DType::i8) | one(DType::u8);

/// The length of the sums.
Dim inner_size(const OpArgs& args, const Dim& columns, const Dim& rows) {
  if (columns.is_number() && rows.is_number() && !(columns == rows))
    fail("A has {} columns, but B has {} rows", columns.number(), rows.number());
  return common_dim(args, columns, rows, "rows of B");
}

/// NumPy's rules: leading axes broadcast; a vector is a row on the left, a column on the right, and
/// has no axis in the result.
class Product {
 public:
  Product(const OpArgs& args, const Dims& a, const Dims& b) : a_(a), b_(b) {
    if (a.empty() || b.empty()) fail("the inputs of a matrix product must not be scalars");
    inner_ = inner_size(args, a.back(), b.size() > 1 ? b[b.size() - 2] : b[0]);
    if (a.size() > 2) a_batch_.assign(a.begin(), a.end() - 2);
    if (b.size() > 2) b_batch_.assign(b.begin(), b.end() - 2);
    batch_ = broadcast_shapes(args, a_batch_, b_batch_);
  }

  const Dim& inner() const { return inner_; }
  Dims shape() const {
    Dims shape = batch_;
    if (a_.size() > 1) shape.push_back(a_[a_.size() - 2]);
    if (b_.size() > 1) shape.push_back(b_.back());
    return shape;
  }
  /// Where element i of the result finds its k-th factors.
  Indices in_a(const Indices& i, const Expr& k) const {
    Indices at = broadcast_indices(batch(i), batch_, a_batch_);
    if (a_.size() > 1) at.push_back(i[batch_.size()]);
    at.push_back(k);
    return at;
  }
  Indices in_b(const Indices& i, const Expr& k) const {
    Indices at = broadcast_indices(batch(i), batch_, b_batch_);
    at.push_back(k);
    if (b_.size() > 1) at.push_back(i.back());
    return at;
  }

 private:
  Indices batch(const Indices& i) const { return {i.begin(), i.begin() + batch_.size()}; }

  Dims a_, b_, a_batch_, b_batch_, batch_;
  Dim inner_;
};

/// y[b, m, n] = sum over k of a[b, m, k] * b[b, k, n]
Computed matmul(const ComputeArgs& args) {
  require_one_type(args);
  const Operand a = args["A"], b = args["B"];
  const Product product(args, a.shape(), b.shape());
  return tensor(product.shape(), [&](const Indices& i) {
    return sum({product.inner()}, [&](const Indices& k) {
      return a(product.in_a(i, k[0])) * b(product.in_b(i, k[0]));
    });
  });
}

/// x * factor; integers go through f64 unless the factor is 1.
Expr scaled(const Expr& x, double factor) {
  if (factor == 1) return x;
  if (is_float(x.dtype())) return x * factor;
  return cast(x.dtype(), cast(DType::f64, x) * factor);
}

/// y[m, n] = alpha * sum over k of a'[m, k] * b'[k, n] + beta * c[m, n]
Computed gemm(const ComputeArgs& args) {
  require_one_type(args);
  const Operand a = args["A"], b = args["B"];
  if (a.shape().size() != 2 || b.shape().size() != 2)
    fail("A and B must be matrices, but have the ranks {} and {}", a.shape().size(),
         b.shape().size());
  const bool transpose_a = args.integer("transA") != 0, transpose_b = args.integer("transB") != 0;
  const Dim inner =
      inner_size(args, a.shape()[transpose_a ? 0 : 1], b.shape()[transpose_b ? 1 : 0]);
  const Dims shape = {a.shape()[transpose_a ? 1 : 0], b.shape()[transpose_b ? 0 : 1]};
  if (args.has("C")) expect_broadcast_to(args, args.shape("C"), shape, "C");
  return tensor(shape, [&](const Indices& i) {
    const Expr product = sum({inner}, [&](const Indices& k) {
      const Indices in_a = transpose_a ? Indices{k[0], i[0]} : Indices{i[0], k[0]};
      const Indices in_b = transpose_b ? Indices{i[1], k[0]} : Indices{k[0], i[1]};
      return a(in_a) * b(in_b);
    });
    const Expr result = scaled(product, args.real("alpha"));
    if (!args.has("C")) return result;
    const Operand c = args["C"];
    return result + scaled(c(broadcast_indices(i, shape, c.shape())), args.real("beta"));
  });
}

Contraction gemm_contraction(const OpArgs& args) {
  Contraction result;
  result.transpose_a = args.integer("transA") != 0;
  result.transpose_b = args.integer("transB") != 0;
  result.alpha = args.real("alpha");
  result.beta = args.real("beta");
  if (args.has("C")) result.bias = 2;
  return result;
}

/// Products of u8 and i8, summed in i32: what processors have instructions for.
Computed multiply_bytes(const ComputeArgs& args) {
  const Operand a = args["A"], b = args["B"];
  const Product product(args, a.shape(), b.shape());
  return tensor(product.shape(), [&](const Indices& i) {
    return sum({product.inner()}, [&](const Indices& k) {
      return cast(DType::i32, a(product.in_a(i, k[0]))) *
             cast(DType::i32, b(product.in_b(i, k[0])));
    });
  });
}

/// An operand of MatMulInteger: a zero point for all of it, for each row (of A) or column (of B),
/// or of the operand's rank.
class IntegerOperand {
 public:
  /// `axis`: the one that a zero point of rank 1 goes along.
  IntegerOperand(const OpArgs& args, const Term& x, std::string_view zero_name, Value zero,
                 int64_t axis)
      : x_(x), has_zero_(args.has(zero_name)), zero_(zero) {
    if (!has_zero_) return;
    if (const Tensor* known = x.build().graph().constant(zero)) known_ = *known;
    const Term given(x.build(), zero);
    const Dims shape = given.shape();
    if (shape.size() == 1) {
      expect_broadcast_to(args, shape, {x.shape()[axis]}, "a zero point");
      if (shape[0] == Dim(1))
        zero_ = reshape(given, {});
      else
        zero_ = append_axes(given, x.rank() - 1 - axis);
    } else if (!shape.empty()) {
      if (shape.size() != x.shape().size())
        fail("a zero point has rank {}, its operand {}", shape.size(), x.rank());
      expect_broadcast_to(args, shape, x.shape(), "a zero point");
    }
  }

  /// Whether the zero point is the same all along an axis.
  bool is_even(int64_t axis) const {
    if (!has_zero_) return true;
    const Dims& shape = x_.build().shape(zero_);
    const auto rank = static_cast<int64_t>(shape.size()), from_end = x_.rank() - axis;
    return from_end > rank || shape[rank - from_end] == Dim(1);
  }

  Term shifted() const {
    const Term whole = cast(DType::i32, x_);
    return has_zero_ ? whole - cast(DType::i32, {x_.build(), zero_}) : whole;
  }

  /// The same numbers in another type of bytes; then the zero point is another one too.
  Term as(DType type) const {
    return x_.dtype() == type ? x_ : cast(type, cast(DType::i32, x_) + step_to(type));
  }
  /// Nothing if it is known to be 0.
  std::optional<Term> zero_as(DType type) const {
    Builder& build = x_.build();
    const double step = x_.dtype() == type ? 0 : step_to(type);
    if (!has_zero_) {
      if (step == 0) return std::nullopt;
      return Term(build, build.scalar(DType::i32, step));
    }
    const auto is_opposite = [&](int64_t z) { return z == -static_cast<int64_t>(step); };
    if (known_ && std::ranges::all_of(known_->to_ints(), is_opposite)) return std::nullopt;
    const Term zero = cast(DType::i32, {build, zero_});
    return step == 0 ? zero : zero + step;
  }

 private:
  static double step_to(DType type) { return type == DType::u8 ? 128 : -128; }

  Term x_;
  bool has_zero_;
  Value zero_;                   ///< shaped to broadcast with x
  std::optional<Tensor> known_;  ///< the zero point, if it is constant
};

/// (A - a_zero) (B - b_zero) in i32. With zero points that are even along the sums these are sums
/// of bytes less what a_zero and b_zero make of the other's sums, which are small.
std::vector<Value> expand_matmul_integer(const OpArgs& args, Builder& build,
                                         std::span<const Value> inputs) {
  const auto input = [&](size_t k) { return k < inputs.size() ? inputs[k] : Value(); };
  const Term whole_a(build, inputs[0]), whole_b(build, inputs[1]);
  const Product product(args, whole_a.shape(), whole_b.shape());
  const int64_t a_last = whole_a.rank() - 1, b_last = whole_b.rank() - 1;
  const IntegerOperand a(args, whole_a, "a_zero_point", input(2), std::max<int64_t>(a_last - 1, 0));
  const IntegerOperand b(args, whole_b, "b_zero_point", input(3), b_last);
  if (a_last == 0 || b_last == 0 || !a.is_even(a_last) || !b.is_even(b_last - 1))
    return {build("MatMul", {a.shifted(), b.shifted()})};
  const Term bytes_a = a.as(DType::u8), bytes_b = b.as(DType::i8);
  const auto sums = [](const Term& x, int64_t axis) {
    return reduce("ReduceSum", cast(DType::i32, x), {axis});
  };
  Term y(build, build("dlc.MultiplyBytes", {bytes_a, bytes_b}));
  const std::optional<Term> a_zero = a.zero_as(DType::u8), b_zero = b.zero_as(DType::i8);
  if (b_zero) y = y - sums(bytes_a, a_last) * *b_zero;
  if (!a_zero) return {y};
  Term b_sums = sums(bytes_b, b_last - 1);
  if (b_zero) b_sums = b_sums - *b_zero * cast(DType::i32, {build, build.sizes({product.inner()})});
  return {y - b_sums * *a_zero};
}

std::vector<Type> infer_det(const OpArgs& args) {
  Dims shape = args.shape("X");
  if (shape.size() < 2) fail("X has rank {}, but must hold matrices", shape.size());
  const Dim columns = shape.back(), rows = shape[shape.size() - 2];
  if (columns.is_number() && rows.is_number() && columns.number() != rows.number())
    fail("a determinant of {} rows and {} columns does not exist", rows.number(), columns.number());
  shape.resize(shape.size() - 2);
  return {Type::tensor(args.dtype("X"), std::move(shape))};
}

}  // namespace

const std::vector<OpDef>& matmul_ops() {
  static const std::vector<OpDef> rows = {
      {.name = "MatMul",
       .doc = "The matrix product by NumPy's rules. Sums in f32 or wider, rounds once.",
       .source = "ONNX MatMul-13",
       .inputs = {{"A", multipliable}, {"B", multipliable}},
       .compute = matmul,
       .contraction = [](const OpArgs&) { return Contraction(); },
       .samples = {"A: f32[3,4], B: f32[4,5]", "A: f32[4], B: f32[4]",
                   "A: f32[2,1,3,4], B: f32[5,4,2]", "A: f32[2,3,4], B: f32[4]",
                   "A: f32[4], B: f32[2,4,3]", "A: i32[2,3], B: i32[3,2]",
                   "A: f16[2,8], B: f16[8,3]", "A: f32[1,1], B: f32[1,1]",
                   "A: f32[2,0], B: f32[0,3]", "A: f32[0,4], B: f32[4,3]"}},
      {.name = "Gemm",
       .doc = "Y = alpha * A' * B' + beta * C, where A' and B' are transposed if so asked.",
       .source = "ONNX Gemm-13",
       .inputs = {{"A", multipliable},
                  {"B", multipliable},
                  {"C", multipliable, Presence::optional}},
       .attrs = {{"alpha", 1.0}, {"beta", 1.0}, {"transA", 0}, {"transB", 0}},
       .compute = gemm,
       .contraction = gemm_contraction,
       .samples = {"A: f32[3,4], B: f32[4,5], C: f32[5]",
                   "A: f32[4,3], B: f32[5,4], transA=1, transB=1, alpha=0.5",
                   "A: f32[3,4], B: f32[4,5], C: f32[3,1], beta=2.0",
                   "A: i32[2,3], B: i32[3,2], C: i32[]", "A: f16[2,8], B: f16[8,3], C: f16[2,3]",
                   "A: f32[1,1], B: f32[1,1]", "A: f32[0,4], B: f32[4,3], C: f32[3]"}},
      {.name = "MatMulInteger",
       .doc = "(A - a_zero_point) * (B - b_zero_point) as matrices, in i32.",
       .source = "ONNX MatMulInteger-10",
       .inputs = {{"A", bytes},
                  {"B", bytes},
                  {"a_zero_point", bytes, Presence::optional},
                  {"b_zero_point", bytes, Presence::optional}},
       .expand = expand_matmul_integer,
       .samples = {"A: u8[3,4], B: i8[4,5], a_zero_point: u8[], b_zero_point: i8[5]",
                   "A: u8[2,3,4], B: u8[4,2], a_zero_point: u8[3]", "A: i8[1,1], B: i8[1,1]",
                   "A: i8[3,4], B: i8[4,5], a_zero_point: i8[3,1], b_zero_point: i8[1,5]",
                   "A: u8[3,4], B: u8[4,5], a_zero_point: u8[3,4]",
                   "A: i8[4], B: u8[4,5], a_zero_point: i8[], b_zero_point: u8[]",
                   "A: u8[0,4], B: u8[4,3]"}},
      {.name = "dlc.MultiplyBytes",
       .doc = "The matrix product of bytes by NumPy's rules, in i32.",
       .source = "ONNX MatMulInteger-10",
       .inputs = {{"A", one(DType::u8)}, {"B", one(DType::i8)}},
       .compute = multiply_bytes,
       .contraction = [](const OpArgs&) { return Contraction(); },
       .final_type = true,
       .samples = {"A: u8[3,4], B: i8[4,5]", "A: u8[2,1,3,6], B: i8[5,6,2]", "A: u8[4], B: i8[4]",
                   "A: u8[1,1], B: i8[1,1]", "A: u8[2,0], B: i8[0,3]", "A: u8[0,4], B: i8[4,3]"}},
      {.name = "Det",
       .doc = "The determinant of the matrices in the last two axes.",
       .source = "ONNX Det-22",
       .inputs = {{"X", floats}},
       .host = host::determinant,
       .infer = infer_det,
       .samples = {"X: f32[3,3]", "X: f64[2,4,4]", "X: f16[2,2]", "X: f32[1,1]", "X: f32[0,2,2]"}},
  };
  return rows;
}

}  // namespace dlc
