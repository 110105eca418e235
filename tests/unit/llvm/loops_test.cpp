// Loop kernels against the interpreter: every element type, odd sizes, strides, guards, reductions.
#include <cmath>
#include <limits>

#include "compiler/expr/simplify.h"
#include "runtime/error.h"
#include "runtime/numeric.h"
#include "support.h"

namespace dlc::llvm_backend {
namespace {

/// a[i...] of an operand of f32.
Expr at(const Indices& i, int operand = 0, DType dtype = DType::f32) {
  return load(operand, dtype, i);
}

TEST(LoopKernel, PointwiseAtEveryLength) {
  for (const int64_t n : {0, 1, 2, 3, 7, 8, 9, 15, 31, 33, 100, 4099, 40001}) {
    const Tensor a = random_tensor(DType::f32, {n}), b = random_tensor(DType::f32, {n}, {}, 2);
    expect_same({.operands = {a, b}, .outputs = {tensor({n}, [](const Indices& i) {
                                       return maximum(at(i) + at(i, 1), constant(DType::f32, 0.0));
                                     })}});
  }
}

TEST(LoopKernel, BroadcastsRowsAndColumns) {
  const Tensor a = random_tensor(DType::f32, {5, 7, 33});
  const Tensor row = random_tensor(DType::f32, {33}), column = random_tensor(DType::f32, {5, 1, 1});
  expect_same({.operands = {a, row, column},
               .outputs = {tensor({5, 7, 33}, [](const Indices& i) {
                 return at(i) * at({i[2]}, 1) + at({i[0], index(0), index(0)}, 2);
               })}});
}

TEST(LoopKernel, SymbolicExtents) {
  const Dim n = Dim::symbol("n"), s = Dim::symbol("s");
  const TensorExpr formula =
      tensor({n, s, 24}, [](const Indices& i) { return exp(at(i)) + at({i[2]}, 1); });
  for (const int64_t length : {0, 1, 5, 77}) {
    const Tensor a = random_tensor(DType::f32, {3, length, 24});
    const Tensor b = random_tensor(DType::f32, {24});
    expect_same({.operands = {a, b},
                 .types = {Type::tensor(DType::f32, {n, s, 24}), Type::of(b)},
                 .outputs = {formula},
                 .symbols = {{"n", 3}, {"s", length}}});
  }
}

TEST(LoopKernel, TransposesStridesAndReverses) {
  const Tensor a = random_tensor(DType::f32, {19, 37});
  expect_same({.operands = {a}, .outputs = {tensor({37, 19}, [](const Indices& i) {
                                  return at({i[1], i[0]});
                                })}});
  expect_same({.operands = {a}, .outputs = {tensor({19, 18}, [](const Indices& i) {
                                  return at({i[0], i[1] * 2.0 + 1.0});
                                })}});
  expect_same({.operands = {a}, .outputs = {tensor({19, 37}, [](const Indices& i) {
                                  return at({i[0], 36.0 - i[1]});
                                })}});
  expect_same({.operands = {a}, .outputs = {tensor({19, 12}, [](const Indices& i) {
                                  return at({i[0], i[1] * 3.0});
                                })}});
}

TEST(LoopKernel, TransposesByTilesOfEveryType) {
  for (const DType type : {DType::f32, DType::u8, DType::f16, DType::f64, DType::boolean}) {
    const Tensor a = random_tensor(type, {3, 21, 45}, {0, 100});
    expect_same({.operands = {a},
                 .outputs = {tensor({3, 45, 21},
                                    [&](const Indices& i) {
                                      return at({i[0], i[2], i[1]}, 0, type);
                                    })},
                 .tolerance = 0});
  }
  const Tensor a = random_tensor(DType::f32, {2, 9, 10, 40});
  const Tensor b = random_tensor(DType::f32, {2, 10, 40, 9}, {}, 2);
  expect_same({.operands = {a, b},
               .outputs = {tensor({2, 10, 40, 9}, [&](const Indices& i) {
                 return at({i[0], i[3], i[1], i[2]}) * at(i, 1) + at({i[0], i[3], i[1], i[2]});
               })}});
}

TEST(LoopKernel, GathersByLoadedIndex) {
  const Tensor a = random_tensor(DType::f32, {11, 6});
  const Tensor rows = random_tensor(DType::i64, {21}, {0, 10.9});
  expect_same({.operands = {a, rows}, .outputs = {tensor({6, 21}, [](const Indices& i) {
                                        return at({at({i[1]}, 1, DType::i64), i[0]});
                                      })}});
  expect_same({.operands = {a, rows}, .outputs = {tensor({21, 6}, [](const Indices& i) {
                                        return at({at({i[0]}, 1, DType::i64), i[1]});
                                      })}});
}

TEST(LoopKernel, PaddingNeverReadsOutside) {
  const auto padded = [](int64_t n, int64_t before, int64_t after) {
    return tensor({3, before + n + after}, [=](const Indices& i) {
      const Expr from = i[1] - static_cast<double>(before);
      const Expr inside = from >= 0.0 && from < static_cast<double>(n);
      return select(inside, at({i[0], from}), constant(DType::f32, 7));
    });
  };
  for (const int64_t n : {0, 1, 5, 8, 30, 64})
    expect_same({.operands = {random_tensor(DType::f32, {3, n})}, .outputs = {padded(n, 3, 10)}});
}

TEST(LoopKernel, PaddingOfReversedNarrowTypes) {
  for (const DType type : {DType::u8, DType::i16, DType::f16, DType::i32}) {
    const Tensor a = random_tensor(type, {16}, {1, 9});
    expect_same({.operands = {a}, .outputs = {tensor({17}, [&](const Indices& i) {
                                    const Expr from = 15.0 - i[0];
                                    return select(from >= 0.0 && from < 16.0, at({from}, 0, type),
                                                  constant(type, 7));
                                  })}});
  }
}

TEST(LoopKernel, PaddingOfNarrowTypes) {
  for (const DType type : {DType::u8, DType::i16, DType::f16, DType::boolean, DType::f64}) {
    const Tensor a = random_tensor(type, {4, 40}, {0, 9});
    expect_same(
        {.operands = {a},
         .outputs = {tensor({4, 45}, [&](const Indices& i) {
           const Expr from = i[1] - 2.0;
           return select(from >= 0.0 && from < 40.0, at({i[0], from}, 0, type), constant(type, 1));
         })}});
  }
}

TEST(LoopKernel, ConcatenatesByUniformAndVaryingConditions) {
  const Tensor a = random_tensor(DType::f32, {4, 10}),
               b = random_tensor(DType::f32, {4, 23}, {}, 2);
  expect_same({.operands = {a, b}, .outputs = {tensor({4, 33}, [](const Indices& i) {
                                     return select(i[1] < 10.0, at(i), at({i[0], i[1] - 10.0}, 1));
                                   })}});
  const Tensor c = random_tensor(DType::f32, {3, 10}, {}, 3);
  expect_same({.operands = {a, c},
               .outputs = {tensor({7, 10}, [](const Indices& i) {
                 return select(i[0] < 4.0, exp(at(i)), exp(exp(at({i[0] - 4.0, i[1]}, 1))));
               })}});
}

TEST(LoopKernel, SeveralOutputsShareOneNest) {
  const Tensor a = random_tensor(DType::f32, {6, 17});
  expect_same({.operands = {a},
               .outputs = {tensor({6, 17}, [](const Indices& i) { return at(i) * 2.0; }),
                           tensor({6, 17}, [](const Indices& i) { return at(i) > 0.0; })}});
}

TEST(LoopKernel, ReducesRowsColumnsAndAll) {
  for (const int64_t n : {0, 1, 3, 8, 13, 64, 100, 257}) {
    const Tensor a = random_tensor(DType::f32, {5, n});
    expect_same(
        {.operands = {a}, .outputs = {tensor({5}, [&](const Indices& i) {
                            return sum({n}, [&](const Indices& j) { return at({i[0], j[0]}); });
                          })}});
    expect_same(
        {.operands = {a}, .outputs = {tensor({n}, [&](const Indices& i) {
                            return sum({5}, [&](const Indices& j) { return at({j[0], i[0]}); });
                          })}});
    expect_same(
        {.operands = {a}, .outputs = {tensor({}, [&](const Indices&) {
                            return sum({5, n}, [&](const Indices& j) { return at(j) * at(j); });
                          })}});
  }
}

TEST(LoopKernel, SymbolicReductions) {
  const Dim n = Dim::symbol("n");
  const TensorExpr rows = tensor({4}, [&](const Indices& i) {
    return sum({n}, [&](const Indices& j) { return at({i[0], j[0]}); });
  });
  for (const int64_t length : {0, 3, 16, 45})
    expect_same({.operands = {random_tensor(DType::f32, {4, length})},
                 .types = {Type::tensor(DType::f32, {4, n})},
                 .outputs = {rows},
                 .symbols = {{"n", length}}});
}

TEST(LoopKernel, SoftmaxKeepsRowReductionsOutOfTheLoop) {
  for (const int64_t n : {1, 5, 24, 61}) {
    const Tensor a = random_tensor(DType::f32, {7, n}, {-20, 20});
    expect_same({.operands = {a}, .outputs = {tensor({7, n}, [&](const Indices& i) {
                                    const Expr m =
                                        reduce(ReduceOp::maximum, {n}, [&](const Indices& j) {
                                          return at({i[0], j[0]});
                                        });
                                    const Expr total = sum({n}, [&](const Indices& j) {
                                      return exp(at({i[0], j[0]}) - m);
                                    });
                                    return exp(at(i) - m) / total;
                                  })}});
  }
}

struct Window {
  int64_t size, kernel, stride, dilation, pad;
};

TensorExpr window(const Window& p, ReduceOp op) {
  const int64_t out = (p.size + 2 * p.pad - (p.kernel - 1) * p.dilation - 1) / p.stride + 1;
  const auto place = [p](const Expr& i, const Expr& k) {
    return i * static_cast<double>(p.stride) + k * static_cast<double>(p.dilation) -
           static_cast<double>(p.pad);
  };
  const auto inside = [p](const Expr& i) { return i >= 0.0 && i < static_cast<double>(p.size); };
  return simplify(tensor({2, out, out}, [&](const Indices& i) {
    return reduce(op, {p.kernel, p.kernel}, [&](const Indices& k) {
      const Expr h = place(i[1], k[0]), v = place(i[2], k[1]);
      const bool is_sum = op == ReduceOp::sum;
      const Expr x = select(inside(h) && inside(v), at({i[0], h, v}),
                            constant(DType::f32, is_sum ? 0 : -3e38));
      return is_sum ? x * at({i[0], k[0], k[1]}, 1) : x;
    });
  }));
}

TEST(LoopKernel, WindowsWithPaddingStrideAndDilation) {
  for (const Window& p : std::vector<Window>{{30, 3, 1, 1, 1},
                                             {30, 3, 2, 1, 1},
                                             {57, 3, 1, 1, 1},
                                             {7, 3, 1, 1, 1},
                                             {14, 5, 1, 1, 2},
                                             {31, 3, 3, 1, 1},
                                             {40, 3, 1, 4, 4},
                                             {9, 7, 1, 1, 3},
                                             {64, 2, 2, 1, 0}}) {
    const Tensor x = random_tensor(DType::f32, {2, p.size, p.size});
    const Tensor w = random_tensor(DType::f32, {2, p.kernel, p.kernel}, {}, 2);
    expect_same({.operands = {x, w}, .outputs = {window(p, ReduceOp::sum)}});
    expect_same({.operands = {x}, .outputs = {window(p, ReduceOp::maximum)}});
  }
}

TEST(LoopKernel, ConcatenatesManyAlongTheVector) {
  std::vector<Tensor> parts;
  for (const int64_t n : {20, 3, 70}) parts.push_back(random_tensor(DType::f32, {3, n}));
  expect_same({.operands = parts, .outputs = {tensor({3, 93}, [](const Indices& i) {
                                    return select(i[1] < 20.0, at(i),
                                                  select(i[1] < 23.0, at({i[0], i[1] - 20.0}, 1),
                                                         at({i[0], i[1] - 23.0}, 2)));
                                  })}});
}

TEST(LoopKernel, PositionsOfExtremes) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Tensor a = random_tensor(DType::f32, {6, 20}, {-3.4, 3.4});
  for (int64_t i = 0; i < a.size(); ++i) a.as_mutable<float>()[i] = std::round(a.as<float>()[i]);
  a.as_mutable<float>()[25] = static_cast<float>(nan);
  a.as_mutable<float>()[30] = static_cast<float>(nan);
  for (const ReduceOp op : {ReduceOp::argmin_first, ReduceOp::argmin_last, ReduceOp::argmax_first,
                            ReduceOp::argmax_last}) {
    expect_same({.operands = {a}, .outputs = {tensor({6}, [&](const Indices& i) {
                                    return reduce(op, {20}, [&](const Indices& j) {
                                      return at({i[0], j[0]});
                                    });
                                  })}});
    expect_same({.operands = {a}, .outputs = {tensor({20}, [&](const Indices& i) {
                                    return reduce(op, {6}, [&](const Indices& j) {
                                      return at({j[0], i[0]});
                                    });
                                  })}});
    const Tensor bytes = random_tensor(DType::u8, {6, 20}, {120, 135});
    expect_same({.operands = {bytes}, .outputs = {tensor({20}, [&](const Indices& i) {
                                        return reduce(op, {6}, [&](const Indices& j) {
                                          return at({j[0], i[0]}, 0, DType::u8);
                                        });
                                      })}});
  }
}

TEST(LoopKernel, MinimumAndMaximumKeepNaN) {
  Tensor a = random_tensor(DType::f32, {3, 50});
  a.as_mutable<float>()[60] = std::numeric_limits<float>::quiet_NaN();
  for (const ReduceOp op : {ReduceOp::minimum, ReduceOp::maximum}) {
    expect_same({.operands = {a}, .outputs = {tensor({3}, [&](const Indices& i) {
                                    return reduce(op, {50}, [&](const Indices& j) {
                                      return at({i[0], j[0]});
                                    });
                                  })}});
    expect_same({.operands = {a}, .outputs = {tensor({50}, [&](const Indices& i) {
                                    return reduce(op, {3}, [&](const Indices& j) {
                                      return at({j[0], i[0]});
                                    });
                                  })}});
  }
  const Tensor b = random_tensor(DType::f32, {3, 50}, {}, 2);
  expect_same({.operands = {a, b}, .outputs = {tensor({3, 50}, [](const Indices& i) {
                                     return minimum(maximum(at(i), at(i, 1)),
                                                    maximum(at(i, 1), at(i)));
                                   })}});
  expect_same({.operands = {a}, .outputs = {tensor({3, 50}, [](const Indices& i) {
                                  return clamp(at(i), -0.5, 0.5);
                                })}});
}

TEST(LoopKernel, ReductionsOfBoolsAndIntegers) {
  const Tensor bools = random_tensor(DType::boolean, {4, 37});
  for (const ReduceOp op : {ReduceOp::any, ReduceOp::all})
    expect_same({.operands = {bools}, .outputs = {tensor({4}, [&](const Indices& i) {
                                        return reduce(op, {37}, [&](const Indices& j) {
                                          return at({i[0], j[0]}, 0, DType::boolean);
                                        });
                                      })}});
  for (const DType type :
       {DType::i8, DType::u8, DType::i32, DType::u32, DType::i64, DType::u64, DType::f64}) {
    const Tensor a = random_tensor(type, {4, 37}, {is_signed(type) ? -100.0 : 0.0, 100});
    for (const ReduceOp op :
         {ReduceOp::sum, ReduceOp::product, ReduceOp::minimum, ReduceOp::maximum}) {
      if (type == DType::f64 && op == ReduceOp::product) continue;  // order matters too much
      expect_same({.operands = {a}, .outputs = {tensor({4}, [&](const Indices& i) {
                                      return reduce(op, {37}, [&](const Indices& j) {
                                        return at({i[0], j[0]}, 0, type);
                                      });
                                    })}});
    }
  }
}

TEST(LoopKernel, ArithmeticOnEveryIntegerType) {
  using enum BinaryOp;
  for (const DType type : {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32, DType::u32,
                           DType::i64, DType::u64}) {
    const bool is_signed_type = is_signed(type);
    Tensor a = random_tensor(type, {67}, {is_signed_type ? -120.0 : 0.0, 120}, 3);
    Tensor b = random_tensor(type, {67}, {is_signed_type ? -4.0 : 0.0, 9}, 4);
    store_integer(type, a.mutable_data(), 5, int64_t{1} << (bits(type) - 1));  // the lowest value
    store_integer(type, b.mutable_data(), 5, -1);
    for (const BinaryOp op :
         {add,         subtract, multiply,  divide,  floor_div,  floor_mod, truncated_mod,
          power,       minimum,  maximum,   bit_and, bit_or,     bit_xor,   shift_left,
          shift_right, equal,    not_equal, less,    less_equal, greater,   greater_equal}) {
      expect_same({.operands = {a, b}, .outputs = {tensor({67}, [&](const Indices& i) {
                                         return binary(op, at(i, 0, type), at(i, 1, type));
                                       })}});
    }
  }
}

TEST(LoopKernel, CastsBetweenAllTypes) {
  const std::vector<DType> types = {DType::f32,     DType::f64,      DType::f16,   DType::bf16,
                                    DType::i8,      DType::u8,       DType::i16,   DType::u16,
                                    DType::i32,     DType::u32,      DType::i64,   DType::u64,
                                    DType::boolean, DType::f8e4m3fn, DType::f8e5m2};
  for (const DType from : types) {
    const bool negative = is_signed(from) && from != DType::boolean;
    const Tensor a = random_tensor(from, {41}, {negative ? -100.0 : 0.0, 100});
    for (const DType to : types) {
      if (!is_signed(to) && to != DType::boolean && negative && is_float(from)) continue;
      expect_same(
          {.operands = {a},
           .outputs = {tensor({41}, [&](const Indices& i) { return cast(to, at(i, 0, from)); })},
           .tolerance = 0});
    }
  }
}

TEST(LoopKernel, NarrowFloatsRoundExactly) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {
      0.0,       -0.0,  1,      65504,         65519.996,  65520,
      1e30,      -1e30, 6.1e-5, 5.96e-8,       2.98e-8,    2.9802322387695312e-8,
      2.99e-8,   1e-10, 3.0e-5, 1.00048828125, 1.0014648,  infinity,
      -infinity, NAN,   3.4e38, 1.0e-40,       1.00390625, 1.01171875};
  const auto n = static_cast<int64_t>(values.size());
  for (const DType from : {DType::f32, DType::f64})
    for (const DType to : {DType::f16, DType::bf16, DType::f8e4m3fn, DType::f8e5m2})
      expect_same(
          {.operands = {Tensor::of(from, {n}, values)},
           .outputs = {tensor({n}, [&](const Indices& i) { return cast(to, at(i, 0, from)); })},
           .tolerance = 0});
  for (const DType from : {DType::f16, DType::bf16})
    expect_same({.operands = {Tensor::of(from, {n}, values)},
                 .outputs = {tensor(
                     {n}, [&](const Indices& i) { return cast(DType::f32, at(i, 0, from)); })},
                 .tolerance = 0});
}

TEST(LoopKernel, IndicesAsValues) {
  expect_same({.outputs = {tensor({5, 19}, [](const Indices& i) {
                 return cast(DType::f32, i[0] * 100.0 + i[1]);
               })}});
  expect_same({.outputs = {tensor({40}, [](const Indices& i) {
                 return floor_div(i[0], index(3)) + floor_mod(i[0] - 20.0, index(7));
               })}});
}

TEST(LoopKernel, StringsAreRefused) {
  LoopKernel kernel;
  kernel.name = "Identity";
  kernel.origins = {"node_7"};
  kernel.operands = {Type::tensor(DType::string, {2})};
  kernel.outputs = {tensor({2}, [](const Indices& i) { return at(i); })};
  Jit jit({});
  const std::vector<Kernel> kernels = {kernel};
  try {
    jit.compile(kernels);
    FAIL() << "strings have no machine code";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("node_7"), std::string::npos) << error.what();
  }
}

TEST(Jit, EqualKernelsAreCompiledOnce) {
  LoopKernel kernel;
  kernel.name = "Exp";
  kernel.operands = {Type::tensor(DType::f32, {20})};
  kernel.outputs = {tensor({20}, [](const Indices& i) { return exp(at(i)); })};
  const std::vector<Kernel> kernels = {kernel, kernel, kernel};
  Jit jit({.threads = 2});
  const std::vector<CompiledKernel> code = jit.compile(kernels);
  EXPECT_EQ(code[0].function, code[1].function);
  EXPECT_EQ(code[0].function, code[2].function);
}

}  // namespace
}  // namespace dlc::llvm_backend
