// Functions of floats: polynomials in f32 for the common ones, the math library for the rest.
// Error bounds, against the exact value over the whole range: exp 1.5 ULP, log 1.5, expm1 2.5,
// log1p 2, tanh 2.5, erf 3. Infinities, NaN, -0 and denormal results are libm's. Next: convert.cpp.
#include <dlfcn.h>
#include <fmt/format.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <limits>
#include <map>

#include "compiler/backends/llvm/arith.h"

namespace dlc::llvm_backend {
namespace {

/// f32 or f64 operations with numbers as operands, so that formulas read as formulas.
struct Real {
  llvm::IRBuilder<>* ir;
  Value* value;
};

Real number(const Real& like, double x) {
  return {like.ir, llvm::ConstantFP::get(like.value->getType(), x)};
}
Real operator+(Real a, Real b) { return {a.ir, a.ir->CreateFAdd(a.value, b.value)}; }
Real operator-(Real a, Real b) { return {a.ir, a.ir->CreateFSub(a.value, b.value)}; }
Real operator*(Real a, Real b) { return {a.ir, a.ir->CreateFMul(a.value, b.value)}; }
Real operator/(Real a, Real b) { return {a.ir, a.ir->CreateFDiv(a.value, b.value)}; }
Real operator+(Real a, double b) { return a + number(a, b); }
Real operator-(Real a, double b) { return a - number(a, b); }
Real operator*(Real a, double b) { return a * number(a, b); }
Real operator-(double a, Real b) { return number(b, a) - b; }
Real operator/(double a, Real b) { return number(b, a) / b; }

Real abs(Real x) { return {x.ir, x.ir->CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x.value)}; }
Real copy_sign(Real x, Real sign) {
  return {x.ir, x.ir->CreateBinaryIntrinsic(llvm::Intrinsic::copysign, x.value, sign.value)};
}
Value* less(Real a, double b) { return a.ir->CreateFCmpOLT(a.value, number(a, b).value); }
Value* greater(Real a, double b) { return a.ir->CreateFCmpOGT(a.value, number(a, b).value); }
Real choose(Value* condition, Real a, Real b) {
  return {a.ir, a.ir->CreateSelect(condition, a.value, b.value)};
}
// The bound is chosen only where it is exceeded, so NaN stays.
Real at_most(Real x, double bound) { return choose(greater(x, bound), number(x, bound), x); }
Real at_least(Real x, double bound) { return choose(less(x, bound), number(x, bound), x); }

/// c[0] + c[1] x + ... by Horner's rule.
Real polynomial(Real x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.end();
  Real result = number(x, *--c);
  while (c != coefficients.begin()) result = result * x + *--c;
  return result;
}

struct Integer {
  llvm::IRBuilder<>* ir;
  Value* value;
};
Integer constant_like(Integer x, int64_t c) {
  return {x.ir, llvm::ConstantInt::get(x.value->getType(), static_cast<uint64_t>(c), true)};
}
Integer operator+(Integer a, int64_t b) {
  return {a.ir, a.ir->CreateAdd(a.value, constant_like(a, b).value)};
}
Integer operator-(Integer a, Integer b) { return {a.ir, a.ir->CreateSub(a.value, b.value)}; }
Integer operator<<(Integer a, int n) { return {a.ir, a.ir->CreateShl(a.value, n)}; }
Integer operator>>(Integer a, int n) { return {a.ir, a.ir->CreateAShr(a.value, n)}; }
Integer bits_of(Real x) {
  return {x.ir, x.ir->CreateBitCast(x.value, with_lanes(x.ir->getInt32Ty(), lanes_of(x.value)))};
}
Real from_bits(Integer x) {
  return {x.ir, x.ir->CreateBitCast(x.value, with_lanes(x.ir->getFloatTy(), lanes_of(x.value)))};
}
/// 2^n for n in [-126, 127].
Real power_of_two(Integer n) { return from_bits((n + 127) << 23); }

constexpr double log2_e = 1.4426950408889634;
constexpr double ln2_high = 0.693145751953125, ln2_low = 1.428606765330187e-6;
constexpr double round_to_integer = 12582912.0;  // 1.5 * 2^23: adding it leaves no fraction bits
constexpr int64_t round_to_integer_bits = 0x4B400000;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// exp(x) as (p + 1) * 2^n; fits in |x| of about 100.
struct ExpParts {
  Real p;
  Integer n;
};

ExpParts exp_parts(Real x) {
  const Real t = x * log2_e + round_to_integer;
  const Real n = t - round_to_integer;
  const Real r = (x - n * ln2_high) - n * ln2_low;
  const Real q =
      polynomial(r, {0.499999934, 0.166665201, 0.0416683942, 0.00836878043, 0.00138144667});
  return {r + r * r * q, bits_of(t) + -round_to_integer_bits};
}

/// exp for x in [-87, 88]: no overflow, no denormal result.
Real exp_inside(Real x) {
  const ExpParts e = exp_parts(x);
  return (e.p + 1.0) * power_of_two(e.n);
}

/// In two steps, since 2^n alone may not be representable where the result is infinite or denormal.
Real exp_all(Real x) {
  const ExpParts e = exp_parts(at_least(at_most(x, 89.0), -104.0));
  const Integer half = e.n >> 1;
  return (e.p + 1.0) * power_of_two(half) * power_of_two(e.n - half);
}

/// exp(x) - 1 as p * 2^n + (2^n - 1), in two steps as above. Tiny x are kept with their sign.
Real expm1_all(Real x) {
  const ExpParts e = exp_parts(at_least(at_most(x, 89.0), -104.0));
  const Integer half = e.n >> 1;
  const Real first = power_of_two(half), second = power_of_two(e.n - half);
  const Real inverse = power_of_two(half - e.n);
  const Real result = (e.p * first + (first - inverse)) * second;
  return choose(less(abs(x), 1e-9), x, result);
}

/// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), then log(1 + f) of f = m - 1.
Real log_all(Real x) {
  Value* tiny = less(x, 1.17549435e-38);
  const Integer bits = bits_of(choose(tiny, x * 8388608.0, x));
  const Integer e = (bits + -0x3f3504f3) >> 23;
  const Real f = from_bits(bits - (e << 23)) - 1.0;
  Real exponent = {x.ir, x.ir->CreateSIToFP(e.value, x.value->getType())};
  exponent = exponent - choose(tiny, number(x, 23), number(x, 0));
  const Real q = polynomial(
      f, {0.3333333134651184, -0.250008225440979, 0.20001226663589478, -0.16623355448246002,
          0.14201770722866058, -0.1316021829843521, 0.12761501967906952, -0.0763431042432785});
  const Real square = f * f;
  const Real tail = square * f * q + exponent * ln2_low;
  Real result = (f + (tail - square * 0.5)) + exponent * ln2_high;
  result = choose(less(x, infinity), result, x);
  result = choose(less(x, 0), number(x, std::numeric_limits<double>::quiet_NaN()), result);
  Value* zero = x.ir->CreateFCmpOEQ(x.value, number(x, 0).value);
  return choose(zero, number(x, -infinity), result);
}

/// log(1 + x): of the rounded sum, and to first order of what rounding took off.
Real log1p_all(Real x) {
  const Real sum = x + 1.0;
  const Real lost = (x - (sum - 1.0)) / sum;
  Value* tiny = less(abs(x), 1e-9);
  Value* finite = x.ir->CreateAnd(greater(x, -1), less(x, infinity));
  return choose(tiny, x, choose(finite, log_all(sum) + lost, log_all(sum)));
}

Real tanh_all(Real x) {
  const Real a = abs(x);
  const Real square = a * a;
  const Real small =
      a + a * square * polynomial(square, {-0.333329466, 0.133207251, -0.0526718136, 0.0164375812});
  const Real clipped = at_most(a, 20);
  const Real large = 1.0 - 2.0 / (exp_inside(clipped + clipped) + 1.0);
  return copy_sign(choose(less(a, 0.55), small, large), x);
}

Real erf_all(Real x) {
  const Real a = at_most(abs(x), 4);
  const Real small = a * polynomial(a * a, {1.12837912, -0.376123263, 0.112801806, -0.0267113213,
                                            0.00491756129, -0.000563145773});
  const Real log_erfc =
      polynomial(a, {0.000188037049, -1.12957841, -0.633219919, -0.108418551, 0.0252082408,
                     -0.00420455626, 0.000441335301, -2.16867632e-05});
  const Real large = 1.0 - exp_inside(log_erfc);
  return copy_sign(choose(less(a, 1), small, large), x);
}

/// The name of a vector variant in the vector math library, empty if it has none.
std::string vector_function(const std::string& name, size_t args, int bits, int lanes) {
  static void* const library = dlopen("libmvec.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) return {};
  const char isa = bits == 512 ? 'e' : bits == 256 ? 'd' : 'b';
  std::string symbol = fmt::format("_ZGV{}N{}{}_{}", isa, lanes, std::string(args, 'v'), name);
  return dlsym(library, symbol.c_str()) == nullptr ? std::string() : symbol;
}

Value* slice(llvm::IRBuilder<>& ir, Value* vector, int begin, int lanes) {
  if (lanes == 1) return ir.CreateExtractElement(vector, static_cast<uint64_t>(begin));
  llvm::SmallVector<int> mask;
  for (int k = 0; k < lanes; ++k) mask.push_back(begin + k);
  return ir.CreateShuffleVector(vector, mask);
}

Value* join(llvm::IRBuilder<>& ir, llvm::ArrayRef<Value*> parts, llvm::Type* type) {
  const int lanes = lanes_of(parts[0]);
  Value* result = llvm::PoisonValue::get(type);
  for (size_t part = 0; part < parts.size(); ++part) {
    for (int k = 0; k < lanes; ++k) {
      Value* element =
          lanes == 1 ? parts[part] : ir.CreateExtractElement(parts[part], static_cast<uint64_t>(k));
      result = ir.CreateInsertElement(result, element, part * lanes + k);
    }
  }
  return result;
}

Value* real_unary(Arith& arith, UnaryOp op, DType type, Value* x) {
  llvm::IRBuilder<>& ir = arith.ir;
  const Real real{&ir, x};
  switch (op) {
    case UnaryOp::negate:
      return ir.CreateFNeg(x);
    case UnaryOp::abs:
      return abs(real).value;
    case UnaryOp::sign:
      return choose(greater(real, 0), number(real, 1),
                    choose(less(real, 0), number(real, -1), real + 0.0))
          .value;
    case UnaryOp::floor:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::floor, x);
    case UnaryOp::ceil:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, x);
    case UnaryOp::round:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, x);
    case UnaryOp::trunc:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, x);
    case UnaryOp::sqrt:
      return ir.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
    case UnaryOp::is_nan:
      return ir.CreateFCmpUNO(x, x);
    case UnaryOp::is_inf:
      return ir.CreateFCmpOEQ(abs(real).value, number(real, infinity).value);
    default:
      break;
  }
  if (type == DType::f32) {
    if (op == UnaryOp::exp) return exp_all(real).value;
    if (op == UnaryOp::expm1) return expm1_all(real).value;
    if (op == UnaryOp::log) return log_all(real).value;
    if (op == UnaryOp::log1p) return log1p_all(real).value;
    if (op == UnaryOp::tanh) return tanh_all(real).value;
    if (op == UnaryOp::erf) return erf_all(real).value;
  }
  static const std::map<UnaryOp, const char*> names = {
      {UnaryOp::exp, "exp"},     {UnaryOp::expm1, "expm1"}, {UnaryOp::log, "log"},
      {UnaryOp::log1p, "log1p"}, {UnaryOp::sin, "sin"},     {UnaryOp::cos, "cos"},
      {UnaryOp::tan, "tan"},     {UnaryOp::asin, "asin"},   {UnaryOp::acos, "acos"},
      {UnaryOp::atan, "atan"},   {UnaryOp::sinh, "sinh"},   {UnaryOp::cosh, "cosh"},
      {UnaryOp::tanh, "tanh"},   {UnaryOp::asinh, "asinh"}, {UnaryOp::acosh, "acosh"},
      {UnaryOp::atanh, "atanh"}, {UnaryOp::erf, "erf"}};
  return arith.call(names.at(op), type, {x});
}

Value* integer_unary(llvm::IRBuilder<>& ir, UnaryOp op, DType type, Value* x) {
  llvm::Type* t = x->getType();
  Value* zero = llvm::Constant::getNullValue(t);
  switch (op) {
    case UnaryOp::negate:
      return ir.CreateNeg(x);
    case UnaryOp::abs:
      return is_signed(type) ? ir.CreateBinaryIntrinsic(llvm::Intrinsic::abs, x, ir.getFalse()) : x;
    case UnaryOp::sign: {
      Value* positive = ir.CreateZExt(ir.CreateICmpNE(x, zero), t);
      if (!is_signed(type)) return positive;
      return ir.CreateSelect(ir.CreateICmpSLT(x, zero), llvm::Constant::getAllOnesValue(t),
                             positive);
    }
    case UnaryOp::bit_not:
      return ir.CreateNot(x);
    case UnaryOp::logical_not:
      return ir.CreateICmpEQ(x, zero);
    case UnaryOp::is_nan:
    case UnaryOp::is_inf:
      return llvm::ConstantInt::getFalse(with_lanes(ir.getInt1Ty(), lanes_of(x)));
    default:
      return x;  // floor, ceil, round, trunc
  }
}

}  // namespace

Value* Arith::unary(UnaryOp op, DType type, Value* x) {
  if (type == DType::f32 || type == DType::f64) return real_unary(*this, op, type, x);
  return integer_unary(ir, op, type, x);
}

Value* Arith::call(const char* base, DType type, std::initializer_list<Value*> args) {
  const std::string name = type == DType::f32 ? std::string(base) + "f" : base;
  llvm::Type* element = value_type(ir.getContext(), type);
  const int lanes = lanes_of(*args.begin()), width = bits(type);
  int part = 1;
  std::string symbol = name;
  for (int vector = target.vector_bits; vector >= 128 && part == 1; vector /= 2) {
    if (lanes % (vector / width) != 0) continue;
    const std::string found = vector_function(name, args.size(), vector, vector / width);
    if (found.empty()) continue;
    symbol = found;
    part = vector / width;
  }
  llvm::Type* part_type = with_lanes(element, part);
  llvm::SmallVector<llvm::Type*> parameters(args.size(), part_type);
  llvm::FunctionCallee function = ir.GetInsertBlock()->getModule()->getOrInsertFunction(
      symbol, llvm::FunctionType::get(part_type, parameters, false));
  auto* declaration = llvm::cast<llvm::Function>(function.getCallee());
  declaration->setDoesNotAccessMemory();
  declaration->setDoesNotThrow();
  declaration->setWillReturn();
  llvm::SmallVector<Value*> parts;
  for (int begin = 0; begin < lanes; begin += part) {
    llvm::SmallVector<Value*> arguments;
    for (Value* arg : args) arguments.push_back(part == lanes ? arg : slice(ir, arg, begin, part));
    parts.push_back(ir.CreateCall(function, arguments));
  }
  return parts.size() == 1 ? parts[0] : join(ir, parts, with_lanes(element, lanes));
}

}  // namespace dlc::llvm_backend
