// Operations on lanes: arithmetic, selects, casts, loads and stores.
// Next: lanes_reduce.cpp, lane_program.cpp.
#include "compiler/expr/lanes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "compiler/expr/scalar.h"
#include "runtime/numeric.h"

namespace dlc::lanes {
namespace {

using Run = Instruction::Run;

template <typename T>
void wrap_as(int64_t* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(x[i]);
}

void wrap(DType type, int64_t* x, int64_t n) {
  switch (type) {
    case DType::i64:
    case DType::u64:
      return;
    case DType::i32:
      return wrap_as<int32_t>(x, n);
    case DType::u32:
      return wrap_as<uint32_t>(x, n);
    case DType::i16:
      return wrap_as<int16_t>(x, n);
    case DType::u16:
      return wrap_as<uint16_t>(x, n);
    case DType::i8:
      return wrap_as<int8_t>(x, n);
    case DType::u8:
      return wrap_as<uint8_t>(x, n);
    default:
      for (int64_t i = 0; i < n; ++i) x[i] = wrap_to(type, x[i]);
  }
}

template <size_t op>
void unary_real(const Instruction& self, Lanes* r, int64_t n) {
  constexpr auto operation = static_cast<UnaryOp>(op);
  const double* x = r[self.args[0]].real;
  if constexpr (scalar::gives_bool(operation)) {
    int64_t* y = r[self.result].integer;
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, x[i]) != 0;
  } else {
    double* y = r[self.result].real;
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, x[i]);
  }
}

template <size_t op>
void unary_integer(const Instruction& self, Lanes* r, int64_t n) {
  constexpr auto operation = static_cast<UnaryOp>(op);
  const int64_t* x = r[self.args[0]].integer;
  int64_t* y = r[self.result].integer;
  const DType sign = self.from == DType::u64 ? DType::u64 : DType::i64;
  for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, sign, x[i]);
  wrap(self.type, y, n);
}

template <size_t op>
void binary_real(const Instruction& self, Lanes* r, int64_t n) {
  constexpr auto operation = static_cast<BinaryOp>(op);
  const double *a = r[self.args[0]].real, *b = r[self.args[1]].real;
  if constexpr (scalar::is_comparison(operation)) {
    int64_t* y = r[self.result].integer;
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, a[i], b[i]) != 0;
  } else {
    double* y = r[self.result].real;
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, a[i], b[i]);
  }
}

/// floor_div and floor_mod of small numbers, where 32-bit division is several times as fast.
template <BinaryOp op>
int64_t divide_floor(int64_t a, int64_t b) {
  const bool small = ((a | b) >> 31) == 0 && b != 0;
  if (!small) return scalar::apply(op, DType::i64, a, b);
  const auto x = static_cast<uint32_t>(a), y = static_cast<uint32_t>(b);
  return op == BinaryOp::floor_div ? x / y : x % y;
}

template <size_t op, DType sign>
void binary_integer(const Instruction& self, Lanes* r, int64_t n) {
  constexpr auto operation = static_cast<BinaryOp>(op);
  const int64_t *a = r[self.args[0]].integer, *b = r[self.args[1]].integer;
  int64_t* y = r[self.result].integer;
  if constexpr (operation == BinaryOp::shift_left || operation == BinaryOp::shift_right) {
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::shift(operation, self.type, a[i], b[i]);
  } else if constexpr (sign == DType::i64 &&
                       (operation == BinaryOp::floor_div || operation == BinaryOp::floor_mod)) {
    for (int64_t i = 0; i < n; ++i) y[i] = divide_floor<operation>(a[i], b[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = scalar::apply(operation, sign, a[i], b[i]);
  }
  if (!scalar::is_comparison(operation)) wrap(self.type, y, n);
}

constexpr size_t unary_count = static_cast<size_t>(UnaryOp::is_inf) + 1;
constexpr size_t binary_count = static_cast<size_t>(BinaryOp::greater_equal) + 1;

template <size_t... op>
Run unary_entry(bool real, size_t wanted, std::index_sequence<op...>) {
  static constexpr std::array<Run, sizeof...(op)> reals = {&unary_real<op>...};
  static constexpr std::array<Run, sizeof...(op)> integers = {&unary_integer<op>...};
  return real ? reals[wanted] : integers[wanted];
}

template <size_t... op>
Run binary_entry(DType type, size_t wanted, std::index_sequence<op...>) {
  static constexpr std::array<Run, sizeof...(op)> reals = {&binary_real<op>...};
  static constexpr std::array<Run, sizeof...(op)> integers = {&binary_integer<op, DType::i64>...};
  static constexpr std::array<Run, sizeof...(op)> unsigneds = {&binary_integer<op, DType::u64>...};
  if (is_real(type)) return reals[wanted];
  return type == DType::u64 ? unsigneds[wanted] : integers[wanted];
}

void select_real(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* condition = r[self.args[0]].integer;
  const double *a = r[self.args[1]].real, *b = r[self.args[2]].real;
  double* y = r[self.result].real;
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

void select_integer(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* condition = r[self.args[0]].integer;
  const int64_t *a = r[self.args[1]].integer, *b = r[self.args[2]].integer;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

int64_t encode(DType type, double value) {
  uint64_t bits = 0;
  store_real(type, &bits, 0, value);
  return static_cast<int64_t>(bits);
}

double decode(DType type, int64_t bits) { return load_real(type, &bits, 0); }

void cast_real_to_real(const Instruction& self, Lanes* r, int64_t n) {
  const double* x = r[self.args[0]].real;
  double* y = r[self.result].real;
  if (self.type == DType::f64) {
    std::copy_n(x, n, y);
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(x[i]);
}

void cast_real_to_raw(const Instruction& self, Lanes* r, int64_t n) {
  const double* x = r[self.args[0]].real;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = encode(self.type, x[i]);
}

void cast_real_to_integer(const Instruction& self, Lanes* r, int64_t n) {
  const double* x = r[self.args[0]].real;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = scalar::to_integer(self.type, x[i]);
  wrap(self.type, y, n);
}

void cast_raw_to_real(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  double* y = r[self.result].real;
  for (int64_t i = 0; i < n; ++i) y[i] = decode(self.from, x[i]);
}

void cast_raw_to_raw(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = encode(self.type, decode(self.from, x[i]));
}

void cast_raw_to_integer(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = scalar::to_integer(self.type, decode(self.from, x[i]));
  wrap(self.type, y, n);
}

void cast_integer_to_real(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  double* y = r[self.result].real;
  if (self.from == DType::u64) {
    for (int64_t i = 0; i < n; ++i) {
      const auto value = static_cast<uint64_t>(x[i]);
      y[i] = self.type == DType::f32 ? static_cast<float>(value) : static_cast<double>(value);
    }
    return;
  }
  // Straight to float: by way of double it would be rounded twice.
  for (int64_t i = 0; i < n; ++i)
    y[i] = self.type == DType::f32 ? static_cast<float>(x[i]) : static_cast<double>(x[i]);
}

void cast_integer_to_raw(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) y[i] = encode(self.type, scalar::to_real(self.from, x[i]));
}

void cast_integer_to_integer(const Instruction& self, Lanes* r, int64_t n) {
  const int64_t* x = r[self.args[0]].integer;
  int64_t* y = r[self.result].integer;
  const bool to_bool = self.type == DType::boolean;
  for (int64_t i = 0; i < n; ++i) y[i] = to_bool ? x[i] != 0 : x[i];
  wrap(self.type, y, n);
}

/// Row-major positions, made harmless where an index is outside.
void offsets(const Instruction& self, const Lanes* r, int64_t n, int64_t* at) {
  std::fill_n(at, n, 0);
  for (size_t k = 0; k < self.args.size(); ++k) {
    const int64_t* index = r[self.args[k]].integer;
    const auto stride = static_cast<uint64_t>(self.strides[k]);
    for (int64_t i = 0; i < n; ++i)
      at[i] += static_cast<int64_t>(static_cast<uint64_t>(index[i]) * stride);
  }
  for (int64_t i = 0; i < n; ++i) {
    const bool fits = static_cast<uint64_t>(at[i]) < static_cast<uint64_t>(self.size);
    assert((fits || !self.must_fit) && "load outside of its operand");
    if (!fits) at[i] = 0;
  }
}

template <typename T, typename Lane>
void gather(const Instruction& self, const Lanes* r, int64_t n, Lane* y) {
  if (self.size == 0) {
    std::fill_n(y, n, Lane{0});
    return;
  }
  int64_t at[width];
  offsets(self, r, n, at);
  const T* data = static_cast<const T*>(self.data);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<Lane>(data[at[i]]);
}

template <typename T>
void load_real_as(const Instruction& self, Lanes* r, int64_t n) {
  gather<T>(self, r, n, r[self.result].real);
}
template <typename T>
void load_integer_as(const Instruction& self, Lanes* r, int64_t n) {
  gather<T>(self, r, n, r[self.result].integer);
}

/// Elements below 8 bits.
void load_packed(const Instruction& self, Lanes* r, int64_t n) {
  int64_t at[width] = {};
  if (self.size > 0) offsets(self, r, n, at);
  int64_t* y = r[self.result].integer;
  for (int64_t i = 0; i < n; ++i) {
    if (self.size == 0) {
      y[i] = 0;
    } else if (is_raw(self.type)) {
      y[i] = encode(self.type, load_real(self.type, self.data, at[i]));
    } else {
      y[i] = load_integer(self.type, self.data, at[i]);
    }
  }
}

template <typename T, typename Lane>
void scatter(const Lane* x, void* data, int64_t begin, int64_t n) {
  T* to = static_cast<T*>(data) + begin;
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(x[i]);
}

}  // namespace

bool is_real(DType type) { return type == DType::f32 || type == DType::f64; }
bool is_raw(DType type) { return is_float(type) && !is_real(type); }

Run unary_operation(UnaryOp op, DType type) {
  return unary_entry(is_real(type), static_cast<size_t>(op),
                     std::make_index_sequence<unary_count>());
}

Run binary_operation(BinaryOp op, DType type) {
  return binary_entry(type, static_cast<size_t>(op), std::make_index_sequence<binary_count>());
}

Run select_operation(DType type) { return is_real(type) ? &select_real : &select_integer; }

Run cast_operation(DType from, DType to) {
  if (is_real(from))
    return is_real(to)  ? &cast_real_to_real
           : is_raw(to) ? &cast_real_to_raw
                        : &cast_real_to_integer;
  if (is_raw(from))
    return is_real(to) ? &cast_raw_to_real : is_raw(to) ? &cast_raw_to_raw : &cast_raw_to_integer;
  return is_real(to)  ? &cast_integer_to_real
         : is_raw(to) ? &cast_integer_to_raw
                      : &cast_integer_to_integer;
}

Run load_operation(DType type) {
  switch (type) {
    case DType::f32:
      return &load_real_as<float>;
    case DType::f64:
      return &load_real_as<double>;
    case DType::i8:
      return &load_integer_as<int8_t>;
    case DType::i16:
      return &load_integer_as<int16_t>;
    case DType::i32:
      return &load_integer_as<int32_t>;
    case DType::u32:
      return &load_integer_as<uint32_t>;
    case DType::i64:
    case DType::u64:
    case DType::c64:
      return &load_integer_as<int64_t>;
    case DType::string:
    case DType::c128:
    case DType::undefined:
      return nullptr;
    default:
      break;
  }
  if (bits(type) == 16) return &load_integer_as<uint16_t>;
  return bits(type) == 8 ? &load_integer_as<uint8_t> : &load_packed;
}

void store(const Lanes& value, DType type, void* data, int64_t begin, int64_t n) {
  if (type == DType::f32) return scatter<float>(value.real, data, begin, n);
  if (type == DType::f64) return scatter<double>(value.real, data, begin, n);
  switch (bits(type)) {
    case 8:
      return scatter<uint8_t>(value.integer, data, begin, n);
    case 16:
      return scatter<uint16_t>(value.integer, data, begin, n);
    case 32:
      return scatter<uint32_t>(value.integer, data, begin, n);
    case 64:
      return scatter<int64_t>(value.integer, data, begin, n);
    default:
      break;
  }
  for (int64_t i = 0; i < n; ++i) {
    if (is_raw(type)) {
      store_real(type, data, begin + i, decode(type, value.integer[i]));
    } else {
      store_integer(type, data, begin + i, value.integer[i]);
    }
  }
}

void fill(Lanes& value, const ExprNode& constant, int64_t n) {
  if (is_real(constant.dtype)) {
    std::fill_n(value.real, n, constant.real);
    return;
  }
  const bool raw = is_raw(constant.dtype);
  std::fill_n(value.integer, n, raw ? encode(constant.dtype, constant.real) : constant.integer);
}

void run(const std::vector<Instruction>& code, Lanes* registers, int64_t n) {
  for (const Instruction& instruction : code) instruction.run(instruction, registers, n);
}

}  // namespace dlc::lanes
