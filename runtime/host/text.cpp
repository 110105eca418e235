// StringNormalizer, RegexFullMatch, TfIdfVectorizer.
// Next: strings.h.
#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <map>

#include "runtime/error.h"
#include "runtime/host/media.h"
#include "runtime/host/strings.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

/// Upper and lower case by a locale's rules, UTF-8 in and out.
class CaseRules {
 public:
  explicit CaseRules(const std::string& name) {
    for (const char* candidate : {name.c_str(), "C.UTF-8", "C"}) {
      if (*candidate == '\0') continue;
      locale_ = newlocale(LC_CTYPE_MASK, candidate, nullptr);
      if (locale_ != nullptr) break;
    }
    if (locale_ == nullptr) fail_as(ErrorCode::failed, "this system has no locale to change case");
  }
  ~CaseRules() { freelocale(locale_); }
  CaseRules(const CaseRules&) = delete;
  CaseRules& operator=(const CaseRules&) = delete;

  std::string apply(const std::string& text, bool upper) const {
    std::string result;
    for (size_t i = 0; i < text.size();) {
      const size_t length = sequence_length(text, i);
      if (length == 0) {  // not UTF-8: stays as it is
        result += text[i++];
        continue;
      }
      append(result, change(decode(text, i, length), upper));
      i += length;
    }
    return result;
  }

 private:
  static size_t sequence_length(const std::string& text, size_t i) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t length = lead < 0x80             ? 1
                          : (lead & 0xe0) == 0xc0 ? 2
                          : (lead & 0xf0) == 0xe0 ? 3
                          : (lead & 0xf8) == 0xf0 ? 4
                                                  : 0;
    if (i + length > text.size()) return 0;
    for (size_t k = 1; k < length; ++k)
      if ((static_cast<uint8_t>(text[i + k]) & 0xc0) != 0x80) return 0;
    return length;
  }

  static uint32_t decode(const std::string& text, size_t i, size_t length) {
    static constexpr uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = static_cast<uint8_t>(text[i]) & masks[length];
    for (size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<uint8_t>(text[i + k]) & 0x3f);
    return code;
  }

  uint32_t change(uint32_t code, bool upper) const {
    const auto wide = static_cast<wint_t>(code);
    return static_cast<uint32_t>(upper ? towupper_l(wide, locale_) : towlower_l(wide, locale_));
  }

  static void append(std::string& text, uint32_t code) {
    if (code < 0x80) {
      text += static_cast<char>(code);
      return;
    }
    const int following = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static constexpr uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    text += static_cast<char>(leads[following] | code >> (6 * following));
    for (int k = following; k-- > 0;) text += static_cast<char>(0x80 | (code >> (6 * k) & 0x3f));
  }

  locale_t locale_ = nullptr;
};

}  // namespace

void string_normalizer(const HostCall& call) {
  const Tensor& x = call.in(0);
  const std::string& action = call.attrs.text("case_change_action");
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    fail("case_change_action is '{}', but must be 'NONE', 'LOWER' or 'UPPER'", action);
  if (x.rank() > 2 || (x.rank() == 2 && x.shape()[0] != 1))
    fail("the input has shape {}, but must be one row", to_string(x.shape()));
  const bool sensitive = call.attrs.integer("is_case_sensitive") != 0;
  const CaseRules rules(call.attrs.has("locale") ? call.attrs.text("locale") : "");
  const auto folded = [&](const std::string& text) {
    return sensitive ? text : rules.apply(text, false);
  };
  Strings stopwords;
  if (call.attrs.has("stopwords")) stopwords = call.attrs.strings("stopwords");
  for (std::string& word : stopwords) word = folded(word);
  std::sort(stopwords.begin(), stopwords.end());
  Strings kept;
  for (const std::string& text : x.as<std::string>()) {
    if (std::binary_search(stopwords.begin(), stopwords.end(), folded(text))) continue;
    kept.push_back(action == "NONE" ? text : rules.apply(text, action == "UPPER"));
  }
  if (kept.empty()) kept.emplace_back();  // one empty string says that nothing is left
  const auto count = static_cast<int64_t>(kept.size());
  call.outputs[0] =
      Tensor::strings(x.rank() == 2 ? Shape{1, count} : Shape{count}, std::move(kept));
}

void regex_full_match(const HostCall& call) {
  const Tensor& x = call.in(0);
  const auto result = call.out(0, DType::boolean, x.shape()).as_mutable<uint8_t>();
  media().full_match(call.attrs.text("pattern"), x.as<std::string>(), result.data());
}

namespace {

/// n-grams of strings or integers and the columns that count them.
template <typename Item>
class NgramCounter {
 public:
  using Gram = std::vector<Item>;

  NgramCounter(const Attributes& attrs, const std::vector<Item>& pool)
      : shortest_(attrs.integer("min_gram_length")),
        longest_(attrs.integer("max_gram_length")),
        most_skipped_(attrs.integer("max_skip_count")) {
    if (shortest_ < 1 || longest_ < shortest_ || most_skipped_ < 0)
      fail("n-grams of {} to {} items with up to {} skipped do not exist", shortest_, longest_,
           most_skipped_);
    const Ints &starts = attrs.ints("ngram_counts"), &columns = attrs.ints("ngram_indexes");
    const auto size = static_cast<int64_t>(pool.size());
    size_t next = 0;
    for (size_t n = 1; n <= starts.size(); ++n) {
      const int64_t begin = starts[n - 1], end = n < starts.size() ? starts[n] : size;
      if (begin < 0 || end < begin || end > size) fail("ngram_counts does not fit the pool");
      const auto length = static_cast<int64_t>(n);
      for (int64_t at = begin; at + length <= end; at += length, ++next) {
        if (next >= columns.size()) fail("ngram_indexes has fewer entries than there are n-grams");
        if (columns[next] < 0) fail("ngram_indexes has the negative entry {}", columns[next]);
        grams_[Gram(pool.begin() + at, pool.begin() + at + length)] = next;
      }
    }
  }

  /// Calls `found(number)` for each n-gram of the row.
  template <typename Row, typename Found>
  void count(const Row& row, const Found& found) const {
    const auto size = static_cast<int64_t>(row.size());
    for (int64_t step = 1; step <= most_skipped_ + 1; ++step) {
      // Single items skip nothing: they count once.
      for (int64_t n = step == 1 ? shortest_ : std::max<int64_t>(shortest_, 2); n <= longest_;
           ++n) {
        if ((n - 1) > (size - 1) / step) break;
        for (int64_t begin = 0; begin + (n - 1) * step < size; ++begin) {
          Gram gram;
          for (int64_t k = 0; k < n; ++k) gram.push_back(row[begin + k * step]);
          if (const auto known = grams_.find(gram); known != grams_.end()) found(known->second);
        }
      }
    }
  }

 private:
  int64_t shortest_, longest_, most_skipped_;
  std::map<Gram, size_t> grams_;
};

template <typename Item>
void count_rows(const HostCall& call, const std::vector<Item>& pool,
                const std::vector<Item>& items) {
  const Tensor& x = call.in(0);
  const NgramCounter<Item> counter(call.attrs, pool);
  const Ints& columns = call.attrs.ints("ngram_indexes");
  const int64_t width = *std::max_element(columns.begin(), columns.end()) + 1;
  const int64_t length = x.rank() == 0 ? 1 : x.shape().back();
  const int64_t rows = x.rank() == 2 ? x.shape()[0] : 1;
  Reals weights;
  if (call.attrs.has("weights")) weights = call.attrs.reals("weights");
  if (!weights.empty() && weights.size() != columns.size())
    fail("{} weights for {} n-grams", weights.size(), columns.size());
  const std::string& mode = call.attrs.text("mode");
  const Shape shape = x.rank() == 2 ? Shape{rows, width} : Shape{width};
  const auto y = call.out(0, DType::f32, shape).template as_mutable<float>();
  for (int64_t row = 0; row < rows; ++row) {
    float* to = y.data() + row * width;
    const std::span<const Item> own(items.data() + row * length, static_cast<size_t>(length));
    counter.count(own, [&](size_t gram) {
      const auto weight = static_cast<float>(weights.empty() ? 1.0 : weights[gram]);
      float& value = to[columns[gram]];
      value = mode == "TF" ? value + 1 : mode == "IDF" ? weight : value + weight;
    });
  }
}

}  // namespace

void tf_idf_vectorizer(const HostCall& call) {
  const Tensor& x = call.in(0);
  if (x.dtype() == DType::string) {
    const auto texts = x.as<std::string>();
    return count_rows<std::string>(call, call.attrs.strings("pool_strings"),
                                   {texts.begin(), texts.end()});
  }
  count_rows<int64_t>(call, call.attrs.ints("pool_int64s"), x.to_ints());
}

}  // namespace dlc::host
