// Outputs in the memory of operands: which ones, and that results stay the same.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/driver/compile.h"
#include "runtime/session.h"
#include "tests/unit/driver/fused.h"

namespace dlc {
namespace {

using test::Sizes;

/// "y over x" for the values of one program that take the memory of what their kernel reads.
std::string overwritten(const Graph& graph) {
  const std::shared_ptr<const Program> program = compile(graph, {.threads = 1});
  std::string text;
  for (const Step& step : program->steps) {
    const auto* kernel = std::get_if<KernelStep>(&step);
    if (kernel == nullptr) continue;
    for (const int slot : kernel->buffers) {
      const Slot& s = program->slots[slot];
      const bool in_place = s.storage == Storage::alias &&
                            std::find(kernel->buffers.begin(), kernel->buffers.end(), s.index) !=
                                kernel->buffers.end();
      if (in_place)
        text += fmt::format("{}{} over {}", text.empty() ? "" : ", ", s.name,
                            program->slots[s.index].name);
    }
  }
  return text;
}

/// Compares with the interpreter for all sizes, then says what was overwritten.
std::string check(const char* text, const std::vector<Sizes>& all_sizes) {
  test::check(text, all_sizes);
  return overwritten(parse(text));
}

std::vector<Sizes> lengths() {
  std::vector<Sizes> result;
  for (const int n : {0, 1, 7, 33, 131}) result.push_back({{"n", n}});
  return result;
}

TEST(InPlace, LoopsOverwriteWhatTheyReadLast) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[n,5], %w: f32[5,5]) -> (f32[n,5], f32[n,5]) {
    %a = Erf(%x) : f32[n,5]
    %b = MatMul(%a, %w) : f32[n,5]
    %c = Mul(%a, %b) : f32[n,5]
    %d = Sub(%c, %a) : f32[n,5]
    %e = MatMul(%d, %w) : f32[n,5]
    return %b, %e
  })",
                  lengths()),
            "d over a");
}

TEST(InPlace, WhatIsReadLaterOrInAnotherOrderIsKept) {
  // d is not over a, which f reads; j is not over g, which it turns.
  EXPECT_EQ(check(R"(graph @g(%x: f32[n,5], %w: f32[5,5])
                     -> (f32[n,5], f32[n,5], f32[n,5], f32[5,n]) {
    %a = Erf(%x) : f32[n,5]
    %b = MatMul(%a, %w) : f32[n,5]
    %c = Mul(%a, %b) : f32[n,5]
    %d = Sub(%c, %a) : f32[n,5]
    %e = MatMul(%d, %w) : f32[n,5]
    %f = Add(%e, %a) : f32[n,5]
    %g = Erf(%b) : f32[n,5]
    %h = MatMul(%g, %w) : f32[n,5]
    %i = Transpose(%g, perm=[1,0]) : f32[5,n]
    %j = Neg(%i) : f32[5,n]
    return %b, %f, %h, %j
  })",
                  lengths()),
            "f over a");
}

TEST(InPlace, InputsAndOutputsAreKept) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[n]) -> (f32[n], f32[n]) {
    %a = Exp(%x) : f32[n]
    %b = Sub(%a, %x) : f32[n]
    return %a, %b
  })",
                  lengths()),
            "");
}

TEST(InPlace, WhatAProductMultipliesIsKept) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[n,40], %w: f32[40,40], %u: f32[40,40]) -> (f32[n,40]) {
    %k = Constant(value=f32[]{0.1}) : f32[]
    %v = Mul(%u, %k) : f32[40,40]
    %0 = MatMul(%x, %w) : f32[n,40]
    %a = Tanh(%0) : f32[n,40]
    %b = MatMul(%a, %v) : f32[n,40]
    %1 = Tanh(%b) : f32[n,40]
    %c = Sub(%1, %a) : f32[n,40]
    %d = MatMul(%c, %v) : f32[n,40]
    return %d
  })",
                  lengths()),
            "");
}

TEST(InPlace, ResidualsOfProducts) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[n,40], %w: f32[40,37], %u: f32[37,37]) -> (f32[n,37]) {
    %k = Constant(value=f32[]{0.1}) : f32[]
    %v = Mul(%u, %k) : f32[37,37]
    %0 = MatMul(%x, %w) : f32[n,37]
    %a = Tanh(%0) : f32[n,37]
    %b = MatMul(%a, %v) : f32[n,37]
    %c = Tanh(%b) : f32[n,37]
    %d = MatMul(%c, %v) : f32[n,37]
    %1 = Tanh(%d) : f32[n,37]
    %e = Sub(%1, %a) : f32[n,37]
    %f = MatMul(%e, %v) : f32[n,37]
    return %f
  })",
                  lengths()),
            "e over a");
}

TEST(InPlace, ResidualsOfConvolutions) {
  const char* text = R"(graph @g(%x: f32[1,CHANNELS,9,n], %u: f32[CHANNELS,CHANNELS,3,3],
                     %v: f32[CHANNELS,CHANNELS,1,1]) -> (f32[1,CHANNELS,9,n]) {
    %k = Constant(value=f32[]{0.05}) : f32[]
    %w = Mul(%u, %k) : f32[CHANNELS,CHANNELS,3,3]
    %0 = Conv(%x, %v) : f32[1,CHANNELS,9,n]
    %a = Tanh(%0) : f32[1,CHANNELS,9,n]
    %b = Conv(%a, %w, pads=[1,1,1,1]) : f32[1,CHANNELS,9,n]
    %c = Tanh(%b) : f32[1,CHANNELS,9,n]
    %d = Conv(%c, %w, pads=[1,1,1,1]) : f32[1,CHANNELS,9,n]
    %1 = Tanh(%d) : f32[1,CHANNELS,9,n]
    %e = Sub(%1, %a) : f32[1,CHANNELS,9,n]
    %f = Conv(%e, %w, pads=[1,1,1,1]) : f32[1,CHANNELS,9,n]
    return %f
  })";
  for (const char* channels : {"16", "21", "5"}) {
    std::string own = text;
    for (size_t at = 0; (at = own.find("CHANNELS", at)) != std::string::npos;)
      own.replace(at, 8, channels);
    EXPECT_EQ(check(own.c_str(), {{{"n", 1}}, {{"n", 5}}, {{"n", 13}}}), "e over a") << channels;
  }
}

TEST(InPlace, ResidualsOfWinograd) {
  for (const int channels : {16, 21}) {
    const std::string text = fmt::format(
        R"(graph @g(%x: f32[1,{0},9,n], %v: f32[{0},{0},1,1]) -> (f32[1,{0},9,n]) {{
    %begin = Constant(value=f32[]{{0}}) : f32[]
    %end = Constant(value=f32[]{{{1}}}) : f32[]
    %step = Constant(value=f32[]{{1}}) : f32[]
    %shape = Constant(value=i64[4]{{{0},{0},3,3}}) : i64[4]
    %k = Constant(value=f32[]{{0.05}}) : f32[]
    %2 = Range(%begin, %end, %step) : f32[{1}]
    %3 = Sin(%2) : f32[{1}]
    %4 = Mul(%3, %k) : f32[{1}]
    %w = Reshape(%4, %shape) : f32[{0},{0},3,3]
    %0 = Conv(%x, %v) : f32[1,{0},9,n]
    %a = Tanh(%0) : f32[1,{0},9,n]
    %b = Conv(%a, %w, pads=[1,1,1,1]) : f32[1,{0},9,n]
    %c = Tanh(%b) : f32[1,{0},9,n]
    %d = Conv(%c, %w, pads=[1,1,1,1]) : f32[1,{0},9,n]
    %1 = Tanh(%d) : f32[1,{0},9,n]
    %e = Sub(%1, %a) : f32[1,{0},9,n]
    %f = Conv(%e, %w, pads=[1,1,1,1]) : f32[1,{0},9,n]
    return %f
  }})",
        channels, channels * channels * 9);
    // Vectors of 21 channels overlap.
    EXPECT_EQ(check(text.c_str(), {{{"n", 5}}, {{"n", 13}}}), channels == 16 ? "e over a" : "");
  }
}

TEST(InPlace, NormalizationsOverwriteTheirRows) {
  EXPECT_EQ(check(R"(graph @g(%x: f32[b,n], %w: f32[n,n], %s: f32[n]) -> (f32[b,n]) {
    %a = MatMul(%x, %w) : f32[b,n]
    %b = LayerNormalization(%a, %s) : f32[b,n]
    %c = MatMul(%b, %w) : f32[b,n]
    %d = Softmax(%c) : f32[b,n]
    %e = MatMul(%d, %w) : f32[b,n]
    return %e
  })",
                  {{{"n", 1}, {"b", 3}},
                   {{"n", 7}, {"b", 3}},
                   {{"n", 33}, {"b", 1}},
                   {{"n", 64}, {"b", 2}},
                   {{"n", 131}, {"b", 3}}}),
            "b over a, d over c");
}

}  // namespace
}  // namespace dlc
