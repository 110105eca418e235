// Text form: what is printed reads back as the same graph, types and tensors.
#include "compiler/ir/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "compiler/ir/verify.h"
#include "runtime/error.h"

namespace dlc {
namespace {

std::string round_trip(std::string_view text) { return print(parse(text)); }

void expect_same(std::string_view text) {
  EXPECT_EQ(round_trip(text), text);
  EXPECT_NO_THROW(verify(parse(text)));
}

std::string error_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    return error.what();
  }
  return "no error";
}

TEST(Text, AGraphReadsBackAsItWasPrinted) {
  expect_same(R"(graph @main(%x: f32[batch,8], %c: bool[]) -> (f32[batch,4], f32[2]) {
  %w = Constant(value=f32[2]{1.5, -2}) : f32[2]
  %0 = Relu(%x) : f32[batch,8]
  %1, _ = Split(%0, axis=-1, num_outputs=2) : f32[batch,4], _
  %2 = Clip(%1, _, %c) : f32[batch,4]
  return %2, %w
}
)");
}

TEST(Text, AttributesOfEveryKindReadBack) {
  expect_same(R"(graph @main(%x: seq(f32[*])) -> map(i64,opt(str[2*n+1])) {
  %y = dlc.Test(%x, a=1, b=1.0, c=-inf, d="a \"b\"\n\x01", e=[1, -2], f=[1.0, nan], g=["x", ""], )"
              R"(h=[], i=reals[], j=strings[], k=f32[2,n], l=i4[3]{1, -8, 7}, m=1e+30) )"
              R"(: map(i64,opt(str[2*n+1]))
  return %y
}
)");
}

TEST(Text, NestedGraphsAreIndented) {
  expect_same(R"(graph @main(%c: bool[], %x: f32[2]) -> f32[2] {
  %0 = If(%c, %x, else_branch=graph @e(%a: f32[2]) -> f32[2] {
    return %a
  }, then_branch=graph @t(%a: f32[2]) -> f32[2] {
    %0 = Neg(%a) : f32[2]
    return %0
  }) : f32[2]
  return %0
}
)");
}

TEST(Text, NamesThatAreNoIdentifiersAreQuoted) {
  expect_same(R"(graph @"torch jit"(%"layer1/foo:0": f32["batch size"], %"12": i64[]) -> i64[] {
  %0 = "my-domain.Op"(%"12", %"layer1/foo:0", "odd name"=1) : i64[]
  return %0
}
)");
}

TEST(Text, ValuesWithoutAUniqueNameAreNumbered) {
  Graph g("f");
  const Value a = g.add_input(Type::tensor(DType::f32, {2}), "x");
  const Value b = g.add_input(Type::tensor(DType::f32, {2}), "x");
  const Value c = g.add_input(Type::tensor(DType::f32, {2}), "0");
  g.set_outputs({a, b, c});
  EXPECT_EQ(print(g),
            "graph @f(%0: f32[2], %1: f32[2], %\"0\": f32[2]) -> (f32[2], f32[2], f32[2]) {\n"
            "  return %0, %1, %\"0\"\n}\n");
}

TEST(Text, OriginsAreReadAndPrintedOnRequest) {
  const Graph g = parse(
      "graph @f(%x: f32[2]) -> f32[2] { %y = Relu(%x) : f32[2] from \"conv1\", \"bn 1\" return %y "
      "}");
  EXPECT_EQ(g.node(g.nodes()[0]).origins, (Origins{"conv1", "bn 1"}));
  EXPECT_NE(print(g, {.origins = true}).find(R"(from "bn 1", "conv1")"), std::string::npos);
  EXPECT_EQ(print(g).find("from"), std::string::npos);
}

TEST(Text, LargeConstantsCanBeLeftOut) {
  EXPECT_EQ(print(Tensor::ints(Ints{1, 2, 3}), 2), "i64[3]{...}");
  EXPECT_EQ(print(Tensor::ints(Ints{1, 2}), 2), "i64[2]{1, 2}");
}

TEST(Text, ElementsArePrintedInTheShortestForm) {
  EXPECT_EQ(print(Tensor::of(DType::f32, {3}, std::vector<double>{0.1, -0.0, INFINITY})),
            "f32[3]{0.1, -0, inf}");
  EXPECT_EQ(print(Tensor::of(DType::f16, {2}, std::vector<double>{0.1, 65504})),
            "f16[2]{0.1, 65504}");
  EXPECT_EQ(print(Tensor::of(DType::boolean, {2}, std::vector<double>{0, 1})),
            "bool[2]{false, true}");
  EXPECT_EQ(print(Tensor::strings({1}, {"a\"\\"})), R"(str[1]{"a\"\\"})");
  EXPECT_EQ(print(parse_tensor("c64[1]{(1, -2.5)}")), "c64[1]{(1, -2.5)}");
  EXPECT_EQ(print(parse_tensor("u64[1]{18446744073709551615}")), "u64[1]{18446744073709551615}");
  EXPECT_EQ(print(parse_tensor("i64[1]{-9223372036854775808}")), "i64[1]{-9223372036854775808}");
}

class TensorText : public testing::TestWithParam<int> {};

TEST_P(TensorText, AnyBitsReadBack) {
  const DType dtype = static_cast<DType>(GetParam());
  std::mt19937 random(GetParam());
  for (const int64_t size : {0, 1, 37, 300, 5001}) {
    Tensor tensor = Tensor::allocate(dtype, {size});
    auto* bytes = static_cast<uint8_t*>(tensor.mutable_data());
    if (dtype == DType::string) {
      for (std::string& text : tensor.as_mutable<std::string>()) {
        for (uint32_t n = random() % 5; n > 0; --n) text += static_cast<char>(random());
      }
      EXPECT_TRUE(identical(parse_tensor(print(tensor)), tensor));
      continue;
    }
    for (int64_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<uint8_t>(random());
    // Unused bits of the last byte are no part of the tensor.
    if (bits(dtype) < 8 && tensor.bytes() > 0) {
      const int64_t used = size * bits(dtype) - 8 * (tensor.bytes() - 1);
      bytes[tensor.bytes() - 1] &= static_cast<uint8_t>((1 << used) - 1);
    }
    EXPECT_TRUE(identical(parse_tensor(print(tensor)), tensor)) << name(dtype) << " " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, TensorText, testing::Range(1, dtype_count),
                         [](const auto& info) {
                           return std::string(name(static_cast<DType>(info.param)));
                         });

TEST(Text, ErrorsNameLineAndColumn) {
  EXPECT_EQ(error_of("graph @f(%x: f32[2]) -> f32[2] {\n  %y = Relu(%z) : f32[2]\n  return %y\n}"),
            "line 2, column 15: %z is not defined before its use");
  EXPECT_EQ(error_of("graph @f(%x: f42[2])"),
            "line 1, column 17: 'f42' is no type; an example of one is f32[batch,8]");
}

TEST(Text, BadTextGivesAnError) {
  const std::string_view bad[] = {
      "",
      "graph",
      "graph @f(",
      "graph @f() -> () { return } x",
      "graph @f(%x: f32[2], %x: f32[2]) -> () { return }",
      "graph @f(%x: f32[2]) -> f32[3] { return %x }",
      "graph @f(%x: f32[2]) -> () { return %x }",
      "graph @f() -> () { %x = A(b=[1, 2.5]) : f32[1] return }",
      "graph @f() -> () { %x = A(b=f32[3]{1, 2}) : f32[1] return }",
      "graph @f() -> () { %x = A(b=f32[1000000000000]{1}) : f32[1] return }",
      "graph @f() -> () { %x = A(b=f32[4]{base64 \"AAAA\"}) : f32[1] return }",
      "graph @f() -> () { %x = A(b=u8[1]{256}) : f32[1] return }",
      "graph @f() -> () { %x = A(b=f32[n]{1}) : f32[1] return }",
      "graph @f() -> () { %x = A(b=1, b=2) : f32[1] return }",
      "graph @f() -> () { %x = A(b=99999999999999999999) : f32[1] return }",
      "graph @f() -> () { _ = A() : f32[1] return }",
      "graph @f() -> () { %x = A(b=\"no end) : f32[1] return }",
  };
  for (const std::string_view text : bad) EXPECT_NE(error_of(text), "no error") << text;
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += "seq(";
  EXPECT_THROW(parse_type(deep), Error);
}

TEST(Text, EveryTruncationOfAGraphIsRefused) {
  const std::string text = print(parse(R"(graph @main(%c: bool[], %x: f32[n,2]) -> f32[n,2] {
  %0 = If(%c, %x, else_branch=graph @e(%a: f32[n,2]) -> f32[n,2] {
    return %a
  }, k=["a"], r=1.5) : f32[n,2] from "q"
  return %0
})"),
                                 {.origins = true});
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_THROW(parse(text.substr(0, size)), Error) << text.substr(0, size);
  }
}

}  // namespace
}  // namespace dlc
