// Looking values up, maps to tensors and back, probabilities of classes from those of pairs.
#include "runtime/host/labels.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "runtime/error.h"
#include "runtime/host/strings.h"
#include "runtime/numeric.h"

namespace dlc::host {
namespace {

/// Positions of keys, the last of equal ones. Floats by value: NaN is one key, and so is 0.
template <typename Key>
class Positions {
 public:
  void add(const Key& key, int64_t position) { positions_[key] = position; }
  int64_t find(const Key& key, int64_t missing) const {
    const auto found = positions_.find(key);
    return found == positions_.end() ? missing : found->second;
  }

 private:
  std::unordered_map<Key, int64_t> positions_;  // never iterated
};

/// A number that equal elements share.
int64_t key_of(const Tensor& x, int64_t i) {
  if (!is_float(x.dtype())) return load_integer(x.dtype(), x.data(), i);
  double value = load_real(x.dtype(), x.data(), i);
  if (value == 0) value = 0;  // -0 too
  if (std::isnan(value)) value = std::nan("");
  int64_t bits;
  static_assert(sizeof(bits) == sizeof(value));
  std::copy_n(reinterpret_cast<const char*>(&value), sizeof(value), reinterpret_cast<char*>(&bits));
  return bits;
}

template <typename Key, typename KeyOf>
void look_up_as(const HostCall& call, const KeyOf& key) {
  const Tensor &x = call.in(0), &keys = call.in(1);
  Positions<Key> positions;
  for (int64_t k = 0; k < keys.size(); ++k) positions.add(key(keys, k), k);
  const auto result = call.out(0, DType::i64, x.shape()).template as_mutable<int64_t>();
  for (int64_t i = 0; i < x.size(); ++i) result[i] = positions.find(key(x, i), keys.size());
  if (call.attrs.integer("required") == 0) return;
  const auto missing = std::find(result.begin(), result.end(), keys.size());
  if (missing != result.end()) fail("element {} is none of the keys", missing - result.begin());
}

}  // namespace

void look_up(const HostCall& call) {
  if (call.in(0).dtype() == DType::string)
    return look_up_as<std::string>(
        call, [](const Tensor& t, int64_t i) { return t.as<std::string>()[i]; });
  look_up_as<int64_t>(call, key_of);
}

namespace {

/// The single element of a map's value.
void copy_value(const Datum& value, Tensor& to, int64_t at) {
  const Tensor& from = value.tensor;
  if (from.size() != 1) fail("a map has a value of {} elements", from.size());
  if (from.dtype() == to.dtype()) return copy_elements(from, 0, to, at, 1);
  Attributes attrs;
  attrs.set("to", static_cast<int64_t>(to.dtype()));
  const Datum given(from.reshaped({1}));
  Datum converted;
  if (from.dtype() == DType::string || to.dtype() == DType::string) {
    cast_strings({{&given, 1}, {&converted, 1}, attrs});
    copy_elements(converted.tensor, 0, to, at, 1);
  } else if (is_float(to.dtype())) {
    store_real(to.dtype(), to.mutable_data(), at, load_real(from.dtype(), from.data(), 0));
  } else {
    store_integer(to.dtype(), to.mutable_data(), at, load_integer(from.dtype(), from.data(), 0));
  }
}

}  // namespace

void cast_map(const HostCall& call) {
  const Datum& map = call.inputs[0];
  const std::string& to = call.attrs.text("cast_to");
  const DType type = to == "TO_STRING" ? DType::string : to == "TO_INT64" ? DType::i64 : DType::f32;
  const bool sparse = call.attrs.text("map_form") == "SPARSE";
  const auto keys = map.keys.as<int64_t>();
  std::vector<size_t> order(keys.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
  const int64_t size = sparse ? call.attrs.integer("max_map") : static_cast<int64_t>(order.size());
  if (size < 0) fail("max_map is {}", size);
  Tensor& result = call.out(0, type, {1, size});
  for (size_t k = 0; k < order.size(); ++k) {
    const int64_t at = sparse ? keys[order[k]] : static_cast<int64_t>(k);
    if (at < 0 || at >= size) fail("the map has the key {}, but max_map is {}", at, size);
    copy_value(map.items[order[k]], result, at);
  }
}

void dict_vectorizer(const HostCall& call) {
  const Datum& map = call.inputs[0];
  const bool of_strings = map.keys.dtype() == DType::string;
  Tensor vocabulary;
  if (of_strings) {
    Strings words = call.attrs.strings("string_vocabulary");
    const auto count = static_cast<int64_t>(words.size());
    vocabulary = Tensor::strings({count}, std::move(words));
  } else {
    vocabulary = Tensor::ints(call.attrs.ints("int64_vocabulary"));
  }
  Attributes attrs;
  attrs.set("required", int64_t{1});
  const Datum inputs[] = {map.keys, vocabulary};
  Datum places;
  look_up({inputs, {&places, 1}, attrs});
  if (map.items.empty()) fail("the map is empty, so that its values have no type");
  Tensor& result = call.out(0, map.items[0].tensor.dtype(), {1, vocabulary.size()});
  for (size_t k = 0; k < map.items.size(); ++k)
    copy_value(map.items[k], result, places.tensor.as<int64_t>()[k]);
}

void zip_map(const HostCall& call) {
  Tensor x = call.in(0);
  if (x.rank() == 1) x = x.reshaped({1, x.size()});
  Tensor keys;
  if (call.attrs.has("classlabels_strings") && !call.attrs.strings("classlabels_strings").empty()) {
    Strings names = call.attrs.strings("classlabels_strings");
    const auto count = static_cast<int64_t>(names.size());
    keys = Tensor::strings({count}, std::move(names));
  } else {
    keys = Tensor::ints(call.attrs.ints("classlabels_int64s"));
  }
  if (x.rank() != 2 || x.shape()[1] != keys.size())
    fail("X has shape {}, but there are {} labels", to_string(x.shape()), keys.size());
  std::vector<Datum> rows;
  for (int64_t row = 0; row < x.shape()[0]; ++row) {
    Datum map;
    map.kind = Datum::Kind::map;
    map.keys = keys;
    for (int64_t k = 0; k < keys.size(); ++k)
      map.items.emplace_back(Tensor::scalar(x.dtype(), x.as<float>()[row * keys.size() + k]));
    rows.push_back(std::move(map));
  }
  call.outputs[0] = Datum::sequence(std::move(rows));
}

namespace {

/// Probabilities of n classes that fit those of the pairs, r[i][j] = P(i | i or j), best (Wu, Lin
/// and Weng, "Probability estimates for multi-class classification by pairwise coupling", 2004).
std::vector<double> couple(const std::vector<std::vector<double>>& r) {
  const size_t n = r.size();
  std::vector<std::vector<double>> q(n, std::vector<double>(n, 0.0));
  for (size_t t = 0; t < n; ++t) {
    for (size_t j = 0; j < n; ++j) {
      if (j == t) continue;
      q[t][t] += r[j][t] * r[j][t];
      q[t][j] = -r[j][t] * r[t][j];
    }
  }
  std::vector<double> p(n, 1.0 / static_cast<double>(n)), qp(n);
  const size_t most = std::max<size_t>(100, n);
  const double enough = 0.005 / static_cast<double>(n);
  for (size_t round = 0; round < most; ++round) {
    double pqp = 0, error = 0;
    for (size_t t = 0; t < n; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < n; ++j) qp[t] += q[t][j] * p[j];
      pqp += p[t] * qp[t];
    }
    for (size_t t = 0; t < n; ++t) error = std::max(error, std::fabs(qp[t] - pqp));
    if (error < enough) break;
    for (size_t t = 0; t < n; ++t) {
      const double diff = (pqp - qp[t]) / q[t][t];
      p[t] += diff;
      pqp = (pqp + diff * (diff * q[t][t] + 2 * qp[t])) / (1 + diff) / (1 + diff);
      for (size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + diff * q[t][j]) / (1 + diff);
        p[j] /= 1 + diff;
      }
    }
  }
  return p;
}

}  // namespace

void pairwise_probabilities(const HostCall& call) {
  const Tensor& scores = call.in(0);
  const Reals &a = call.attrs.reals("prob_a"), &b = call.attrs.reals("prob_b");
  const auto classes = static_cast<size_t>(call.attrs.integer("classes"));
  const auto pairs = static_cast<int64_t>(classes * (classes - 1) / 2);
  const int64_t rows = scores.shape()[0];
  if (scores.shape()[1] != pairs) fail("{} scores for {} classes", scores.shape()[1], classes);
  Tensor& result = call.out(0, scores.dtype(), {rows, static_cast<int64_t>(classes)});
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<std::vector<double>> r(classes, std::vector<double>(classes, 0.0));
    int64_t pair = 0;
    for (size_t i = 0; i < classes; ++i) {
      for (size_t j = i + 1; j < classes; ++j, ++pair) {
        const double score = load_real(scores.dtype(), scores.data(), row * pairs + pair);
        const double value = 1 / (1 + std::exp(score * a[pair] + b[pair]));
        r[i][j] = std::clamp(value, 1e-7, 1 - 1e-7);
        r[j][i] = 1 - r[i][j];
      }
    }
    const std::vector<double> p = couple(r);
    for (size_t k = 0; k < classes; ++k)
      store_real(result.dtype(), result.mutable_data(),
                 row * static_cast<int64_t>(classes) + static_cast<int64_t>(k), p[k]);
  }
}

}  // namespace dlc::host
