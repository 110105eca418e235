// Strings: moved by ops that move elements, and what is done with them.
#include <gtest/gtest.h>

#include "runtime/error.h"
#include "tests/support/one_node.h"

namespace dlc {
namespace {

using test::wrong;

constexpr const char* words = R"(str[2,3]{"a", "b", "c", "d", "e", "f"})";

TEST(Strings, MoveAsOtherElementsDo) {
  EXPECT_EQ(wrong("Transpose", {words}, {}, {R"(str[3,2]{"a", "d", "b", "e", "c", "f"})"}), "");
  EXPECT_EQ(wrong("Concat", {words, R"(str[1,3]{"x", "y", "z"})"}, {{"axis", int64_t{0}}},
                  {R"(str[3,3]{"a", "b", "c", "d", "e", "f", "x", "y", "z"})"}),
            "");
  EXPECT_EQ(wrong("Gather", {words, "i64[2]{2, -3}"}, {{"axis", int64_t{1}}},
                  {R"(str[2,2]{"c", "a", "f", "d"})"}),
            "");
  EXPECT_EQ(wrong("Split", {words}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}},
                  {R"(str[2,2]{"a", "b", "d", "e"})", R"(str[2,1]{"c", "f"})"}),
            "");
  EXPECT_EQ(wrong("Where", {"bool[3]{1, 0, 1}", words, R"(str[]{"-"})"}, {},
                  {R"(str[2,3]{"a", "-", "c", "d", "-", "f"})"}),
            "");
  EXPECT_EQ(wrong("Shape", {words}, {}, {"i64[2]{2, 3}"}), "");
}

TEST(Strings, PaddingIsTheEmptyString) {
  EXPECT_EQ(wrong("Pad", {R"(str[1]{"a"})", "i64[2]{1, 1}"}, {}, {R"(str[3]{"", "a", ""})"}), "");
  EXPECT_EQ(wrong("Pad", {R"(str[1]{"a"})", "i64[2]{0, 1}", R"(str[]{"z"})"}, {},
                  {R"(str[2]{"a", "z"})"}),
            "");
}

TEST(Strings, AreComparedByTheirBytes) {
  EXPECT_EQ(
      wrong("Equal", {words, R"(str[3]{"a", "x", "f"})"}, {}, {"bool[2,3]{1, 0, 0, 0, 0, 1}"}), "");
}

TEST(Strings, AreCastToNumbersAndBack) {
  const auto to = [](DType type) { return AttrMap{{"to", static_cast<int64_t>(type)}}; };
  EXPECT_EQ(wrong("Cast", {R"(str[6]{"3.25", "-1e3", "INF", "-inf", "NaN", " 7"})"}, to(DType::f32),
                  {"f32[6]{3.25, -1000, inf, -inf, nan, 7}"}),
            "");
  EXPECT_EQ(wrong("Cast", {R"(str[3]{"9223372036854775807", "-12", "2.9"})"}, to(DType::i64),
                  {"i64[3]{9223372036854775807, -12, 2}"}),
            "");
  EXPECT_EQ(wrong("Cast", {"f32[4]{0.1, 2, -inf, nan}"}, to(DType::string),
                  {R"(str[4]{"0.1", "2.0", "-inf", "nan"})"}),
            "");
  EXPECT_EQ(wrong("Cast", {"f16[2]{0.1, 1000}"}, to(DType::string), {R"(str[2]{"0.1", "1000.0"})"}),
            "");
  EXPECT_EQ(wrong("Cast", {"i64[2]{-5, 12}"}, to(DType::string), {R"(str[2]{"-5", "12"})"}), "");
  EXPECT_THROW(wrong("Cast", {R"(str[1]{"ten"})"}, to(DType::f32), {"f32[1]{10}"}), Error);
}

TEST(Strings, AreSplitAsPythonDoes) {
  EXPECT_EQ(wrong("StringSplit", {R"(str[3]{" a b  c ", "", "d"})"}, {},
                  {R"(str[3,3]{"a", "b", "c", "", "", "", "d", "", ""})", "i64[3]{3, 0, 1}"}),
            "");
  EXPECT_EQ(wrong("StringSplit", {R"(str[2]{"a,,b,c", "d"})"},
                  {{"delimiter", std::string(",")}, {"maxsplit", int64_t{2}}},
                  {R"(str[2,3]{"a", "", "b,c", "d", "", ""})", "i64[2]{3, 1}"}),
            "");
}

TEST(Strings, AreNormalizedBeyondAscii) {
  const AttrMap upper = {{"case_change_action", std::string("UPPER")},
                         {"stopwords", Strings{"Monday"}}};
  EXPECT_EQ(wrong("StringNormalizer", {R"(str[3]{"monday", "été", "straße"})"}, upper,
                  {R"(str[2]{"ÉTÉ", "STRAßE"})"}),
            "");
  EXPECT_EQ(wrong("StringNormalizer", {R"(str[1,1]{"monday"})"}, upper, {R"(str[1,1]{""})"}), "");
}

TEST(Strings, MatchPatternsAsAWhole) {
  const std::vector<std::string> texts = {R"(str[3]{"account@domain.com", "a@b", "x"})"};
  EXPECT_EQ(wrong("RegexFullMatch", texts, {{"pattern", std::string(R"((\W|^)[\w.\-]+@\w+\.com)")}},
                  {"bool[3]{1, 0, 0}"}),
            "");
  EXPECT_THROW(
      wrong("RegexFullMatch", texts, {{"pattern", std::string("(")}}, {"bool[3]{0, 0, 0}"}), Error);
}

TEST(Strings, CastsOfStringsAreNotForNumbersOnly) {
  const AttrMap to_i64 = {{"to", int64_t{7}}};
  EXPECT_EQ(wrong("dlc.CastStrings", {R"(str[1]{"7"})"}, to_i64, {"i64[1]{7}"}), "");
  EXPECT_THROW(wrong("dlc.CastStrings", {"f32[2]{1, 2}"}, to_i64, {"i64[2]{1, 2}"}), Error);
}

TEST(Strings, NgramsOfOneItemSkipNothing) {
  AttrMap attrs = {{"max_gram_length", int64_t{2}}, {"min_gram_length", int64_t{1}},
                   {"max_skip_count", int64_t{1}},  {"mode", std::string("TF")},
                   {"ngram_counts", Ints{0, 1}},    {"ngram_indexes", Ints{0, 1}},
                   {"pool_int64s", Ints{1, 1, 2}}};
  // 1 twice; (1, 2) next to each other twice, and once with an item between.
  EXPECT_EQ(wrong("TfIdfVectorizer", {"i64[4]{1, 2, 1, 2}"}, attrs, {"f32[2]{2, 2}"}), "");
  EXPECT_EQ(wrong("TfIdfVectorizer", {"i64[4]{1, 3, 2, 2}"}, attrs, {"f32[2]{1, 1}"}), "");
  attrs["mode"] = std::string("TFIDF");
  attrs["weights"] = Reals{0.5, 2.0};
  EXPECT_EQ(wrong("TfIdfVectorizer", {"i64[4]{1, 2, 1, 2}"}, attrs, {"f32[2]{1, 4}"}), "");
  attrs["mode"] = std::string("IDF");
  EXPECT_EQ(wrong("TfIdfVectorizer", {"i64[4]{1, 2, 1, 2}"}, attrs, {"f32[2]{0.5, 2}"}), "");
}

}  // namespace
}  // namespace dlc
