// Random inputs for a graph, the same for the same seed on every machine.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/numeric.h"
#include "runtime/tensor.h"

namespace dlc::test {

/// Floats in [-2, 2], integers in [-4, 4] (unsigned: [0, 8]), booleans, one-letter strings.
inline Tensor random_tensor(DType dtype, const Shape& shape, std::mt19937& random) {
  // Not a distribution of <random>: their results differ between libraries.
  const auto unit = [&] { return static_cast<double>(random()) / 4294967296.0; };
  Tensor tensor = Tensor::allocate(dtype, shape);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (dtype == DType::string) {
      tensor.as_mutable<std::string>()[i] = std::string(1, static_cast<char>('a' + random() % 4));
    } else if (dtype == DType::boolean) {
      store_integer(dtype, tensor.mutable_data(), i, random() % 2);
    } else if (is_integer(dtype)) {
      const auto value = static_cast<int64_t>(random() % 9);
      store_integer(dtype, tensor.mutable_data(), i, is_signed(dtype) ? value - 4 : value);
    } else {
      store_real(dtype, tensor.mutable_data(), i, 4 * unit() - 2);
    }
  }
  return tensor;
}

/// A value of the type; symbolic sizes are `size`, sequences have two elements, optionals have one,
/// maps two: of keys 1 and 3, or "a" and "c".
inline Datum random_value(const Type& type, std::mt19937& random, int64_t size = 3) {
  if (type.kind == Type::Kind::map) {
    Datum map = Datum::sequence(
        {random_value(*type.element, random, size), random_value(*type.element, random, size)});
    map.kind = Datum::Kind::map;
    const double numbers[] = {1, 3};
    map.keys = type.dtype == DType::string ? Tensor::strings({2}, {"a", "c"})
                                           : Tensor::of(type.dtype, {2}, numbers);
    return map;
  }
  if (type.kind == Type::Kind::optional) return random_value(*type.element, random, size);
  if (type.kind == Type::Kind::sequence) {
    return Datum::sequence(
        {random_value(*type.element, random, size), random_value(*type.element, random, size)});
  }
  Shape shape;
  for (const Dim& dim : type.shape) {
    std::map<std::string, Dim> sizes;
    dim.visit_symbols([&](const std::string& name) { sizes.emplace(name, size); });
    shape.push_back(dim.substitute(sizes).number());
  }
  return random_tensor(type.dtype, shape, random);
}

/// One value an input.
inline std::vector<Datum> random_inputs(const Graph& graph, uint32_t seed, int64_t size = 3) {
  std::mt19937 random(seed);
  std::vector<Datum> inputs;
  for (Value input : graph.inputs())
    inputs.push_back(random_value(graph.type(input), random, size));
  return inputs;
}

}  // namespace dlc::test
