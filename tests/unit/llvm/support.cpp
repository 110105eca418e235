// See support.h.
#include "support.h"

#include <fmt/format.h>

#include <cmath>
#include <random>

#include "runtime/numeric.h"

namespace dlc::llvm_backend {
namespace {

int64_t value_of(const Dim& dim, const SymbolValues& symbols) {
  std::map<std::string, Dim> values;
  for (const auto& [name, value] : symbols) values.emplace(name, Dim(value));
  return dim.substitute(values).number();
}

Shape shape_of(const Dims& dims, const SymbolValues& symbols) {
  Shape shape;
  for (const Dim& dim : dims) shape.push_back(value_of(dim, symbols));
  return shape;
}

void expect_close(const Tensor& got, const Tensor& want, double tolerance,
                  const std::string& what) {
  int reported = 0;
  for (int64_t i = 0; i < want.size() && reported < 5; ++i) {
    const double g = load_real(got.dtype(), got.data(), i);
    const double w = load_real(want.dtype(), want.data(), i);
    const bool exact = is_integer(want.dtype()) || want.dtype() == DType::boolean;
    bool fits = std::isnan(w) ? std::isnan(g)
                              : g == w || std::abs(g - w) <= tolerance * std::max(1.0, std::abs(w));
    if (exact)
      fits = load_integer(got.dtype(), got.data(), i) == load_integer(want.dtype(), want.data(), i);
    if (fits) continue;
    ADD_FAILURE() << what << ": element " << i << " is " << g << ", expected " << w;
    ++reported;
  }
}

}  // namespace

Tensor random_tensor(DType dtype, const Shape& shape, Fill fill, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> real(fill.low, fill.high);
  Tensor result = Tensor::allocate(dtype, shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    const double x = real(engine);
    store_real(dtype, result.mutable_data(), i,
               dtype == DType::boolean ? static_cast<double>(x > (fill.low + fill.high) / 2) : x);
  }
  return result;
}

std::vector<Tensor> run_compiled(const Case& c, int vector_bits, std::string* assembly) {
  LoopKernel kernel;
  kernel.name = "test";
  kernel.operands = c.types;
  if (c.types.empty())
    for (const Tensor& operand : c.operands) kernel.operands.push_back(Type::of(operand));
  kernel.outputs = c.outputs;
  Jit jit({.vector_bits = vector_bits, .keep_assembly = assembly != nullptr});
  const std::vector<Kernel> kernels = {kernel};
  const CompiledKernel code = jit.compile(kernels)[0];
  if (assembly != nullptr) *assembly = code.loops + jit.assembly(0);

  std::vector<void*> buffers;
  for (const Tensor& operand : c.operands) buffers.push_back(const_cast<void*>(operand.data()));
  std::vector<Tensor> results;
  for (const TensorExpr& output : c.outputs) {
    results.push_back(Tensor::allocate(output.dtype(), shape_of(output.shape(), c.symbols)));
    buffers.push_back(results.back().mutable_data());
  }
  std::vector<int64_t> params;
  for (const Dim& dim : code.params) params.push_back(value_of(dim, c.symbols));
  const int64_t items = value_of(code.items, c.symbols);
  code.function(buffers.data(), params.data(), nullptr, 0, items / 2);
  code.function(buffers.data(), params.data(), nullptr, items / 2, items);
  return results;
}

void expect_same(const Case& c) {
  const int widest = host_target().vector_bits;
  for (int bits = 128; bits <= widest; bits *= 2) {
    const std::vector<Tensor> got = run_compiled(c, bits);
    for (size_t i = 0; i < got.size(); ++i) {
      const Tensor want = interpret(c.outputs[i], c.operands, c.symbols);
      expect_close(got[i], want, c.tolerance,
                   fmt::format("{} bits, output {} = {}", bits, i, to_string(c.outputs[i].body)));
    }
  }
}

}  // namespace dlc::llvm_backend
