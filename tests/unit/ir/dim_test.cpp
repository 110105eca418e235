// Dim: canonical forms, bounds, text, and agreement with plain integers on drawn expressions.
#include "compiler/ir/dim.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/type.h"
#include "runtime/error.h"

namespace dlc {
namespace {

Dim d(std::string_view text) {
  const std::optional<Dim> dim = parse_dim(text);
  EXPECT_TRUE(dim.has_value()) << text;
  return dim.value_or(Dim(-1));
}
std::string form(std::string_view text) { return d(text).to_string(); }

TEST(Dim, EqualSumsHaveOneForm) {
  EXPECT_EQ(d("a+b+1"), d("1+b+a"));
  EXPECT_EQ(d("a*(b+2)"), d("2*a+b*a"));
  EXPECT_EQ(d("a-a"), Dim(0));
  EXPECT_EQ(form("1+seq*2"), "2*seq+1");
  EXPECT_EQ(form("-a-1"), "-a-1");
  EXPECT_FALSE(d("a") == d("b"));
}

TEST(Dim, DivisionTakesMultiplesOut) {
  EXPECT_EQ(form("floordiv(6*a+r,3)"), "2*a+floordiv(r,3)");
  EXPECT_EQ(form("floordiv(6*a+3,3)"), "2*a+1");
  EXPECT_EQ(form("floordiv(2*a,4)"), "floordiv(a,2)");
  EXPECT_EQ(form("floordiv(2*a+3,4)"), "ceildiv(a,2)");
  EXPECT_EQ(form("floordiv(a*b*c,b)"), "a*c");
  EXPECT_EQ(form("floordiv(a*b,c*b)"), "floordiv(a,c)");
  EXPECT_EQ(form("floordiv(a*b+c,b)"), "a+floordiv(c,b)");
  EXPECT_EQ(form("floordiv((a+1)*(b+2),b+2)"), "a+1");
  EXPECT_EQ(form("floordiv(12*batch*seq,12)"), "batch*seq");
  EXPECT_EQ(form("floordiv(floordiv(h,2),3)"), "floordiv(h,6)");
  EXPECT_EQ(form("floordiv(mod(x,n),n)"), "0");
  EXPECT_EQ(form("floordiv(mod(x,4),4)"), "0");
}

TEST(Dim, CeilingAndFloorMeet) {
  EXPECT_EQ(d("ceildiv(h,2)"), d("floordiv(h+1,2)"));
  EXPECT_EQ(d("ceildiv(h,2)"), d("floordiv(h-1,2)+1"));
  EXPECT_EQ(form("ceildiv(h,2)"), "ceildiv(h,2)");
  EXPECT_EQ(form("ceildiv(a*b,a)"), "b");
}

TEST(Dim, RemaindersVanishWhereTheyAreKnown) {
  EXPECT_EQ(form("mod(x,x)"), "0");
  EXPECT_EQ(form("mod(4*x+3,4)"), "3");
  EXPECT_EQ(form("mod(5*x,4)"), "mod(x,4)");
  EXPECT_EQ(form("mod(mod(x,8),4)"), "mod(x,4)");
  EXPECT_EQ(form("mod(2*x,4)"), "2*mod(x,2)");
  EXPECT_EQ(form("mod(a*b+c,b)"), "mod(c,b)");
  EXPECT_EQ(form("mod(-3,5)"), "2");
}

TEST(Dim, OrderDecidesMinimumAndMaximum) {
  EXPECT_EQ(form("min(a,a+1)"), "a");
  EXPECT_EQ(form("max(a,a+b)"), "a+b");
  EXPECT_EQ(form("max(0,a*b)"), "a*b");
  EXPECT_EQ(form("min(min(a,3),5)"), "min(a,3)");
  EXPECT_EQ(form("min(min(a,b),b)"), "min(a,b)");
  EXPECT_EQ(form("max(a-min(a,b),0)"), "a-min(a,b)");
  EXPECT_EQ(form("max(h-floordiv(h,2),0)"), "h-floordiv(h,2)");
  EXPECT_EQ(d("min(a+1,b+3)"), d("min(b+2,a)+1"));
  EXPECT_EQ(form("max($v,0)"), "max($v,0)");
}

TEST(Dim, BoundsKnowSizesAndValues) {
  EXPECT_EQ(d("2*a+3").lower_bound(), 3);
  EXPECT_EQ(d("a-3").lower_bound(), -3);
  EXPECT_EQ(d("3-a").lower_bound(), std::nullopt);
  EXPECT_EQ(d("$v").lower_bound(), std::nullopt);
  EXPECT_EQ(d("7-mod(a,8)").lower_bound(), 0);
}

TEST(Dim, TextThatIsNoDimIsRefused) {
  for (const char* text :
       {"", "a+", "(a", "f(a,b)", "min(a)", "1a", "a b", "9223372036854775809"}) {
    EXPECT_EQ(parse_dim(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_dim(std::string(5000, '(')), std::nullopt);
  EXPECT_EQ(parse_dim("-9223372036854775808"), Dim(INT64_MIN));
}

TEST(Dim, NamesThatAreNoIdentifiersAreQuoted) {
  const Dim dim = Dim::symbol("batch (\"n\"), m") * Dim(2);
  EXPECT_EQ(dim.to_string(), "2*\"batch (\\\"n\\\"), m\"");
  EXPECT_EQ(parse_dim(dim.to_string()), dim);
}

TEST(Dim, ProductsThatDoNotFitAreRefused) {
  EXPECT_THROW(product({Dim(int64_t{1} << 40), Dim(int64_t{1} << 40)}), Error);
  EXPECT_EQ(product({Dim(2), Dim::symbol("n"), Dim(3)}), d("6*n"));
}

/// A drawn expression, as a Dim and as its value.
struct Drawn {
  Dim dim;
  int64_t value;
};

class DimProperty : public testing::Test {
 protected:
  int64_t draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  static int64_t floor_quotient(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q * b > a ? q - 1 : q;
  }

  Drawn expression(int depth) {
    if (depth == 0 || draw(0, 5) == 0) {
      if (draw(0, 1) == 0) {
        const int64_t value = draw(-6, 12);
        return {value, value};
      }
      const int which = static_cast<int>(draw(0, 2));
      return {Dim::symbol(std::string(1, static_cast<char>('a' + which))), values_[which]};
    }
    const Drawn x = expression(depth - 1), y = expression(depth - 1);
    switch (draw(0, 6)) {
      case 0:
        return {x.dim + y.dim, x.value + y.value};
      case 1:
        return {x.dim - y.dim, x.value - y.value};
      case 2:
        return {x.dim * y.dim, x.value * y.value};
      case 3:
        return {minimum(x.dim, y.dim), std::min(x.value, y.value)};
      case 4:
        return {maximum(x.dim, y.dim), std::max(x.value, y.value)};
      default:
        break;
    }
    // Divisors that are sizes: positive numbers or symbols.
    const int which = static_cast<int>(draw(0, 5));
    const int64_t number = which < 3 ? values_[which] : draw(1, 6);
    const Dim divisor =
        which < 3 ? Dim::symbol(std::string(1, static_cast<char>('a' + which))) : Dim(number);
    const int64_t quotient = floor_quotient(x.value, number);
    if (draw(0, 1) == 0) return {floor_div(x.dim, divisor), quotient};
    return {modulo(x.dim, divisor), x.value - quotient * number};
  }

  std::mt19937 random_{1};
  int64_t values_[3] = {};
};

TEST_F(DimProperty, ExpressionsKeepTheirValueAndTheirText) {
  for (int round = 0; round < 4000; ++round) {
    for (int64_t& value : values_) value = draw(1, 9);
    const Drawn e = expression(3);
    const std::map<std::string, Dim> symbols = {
        {"a", values_[0]}, {"b", values_[1]}, {"c", values_[2]}};
    const std::string text = e.dim.to_string();
    ASSERT_EQ(e.dim.substitute(symbols), Dim(e.value)) << text;
    ASSERT_EQ(parse_dim(text), e.dim) << text;
    ASSERT_EQ(parse_dim(text)->hash(), e.dim.hash()) << text;
    if (const auto low = e.dim.lower_bound()) {
      ASSERT_LE(*low, e.value) << text;
    }
  }
}

TEST(Dim, AQuotientOfMultiplesOfOneSizeIsThatOfTheNumbers) {
  const Dim x = Dim::symbol("x");
  EXPECT_EQ(floor_div(Dim(-3) * x, Dim(2) * x), Dim(-2));
  EXPECT_EQ(floor_div(Dim(7) * x, Dim(2) * x), Dim(3));
}

}  // namespace
}  // namespace dlc
