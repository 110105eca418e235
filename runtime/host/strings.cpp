// Moving, comparing, joining, splitting and casting strings.
// Next: text.cpp (normalizing, patterns, n-grams).
#include "runtime/host/strings.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "runtime/error.h"
#include "runtime/host/broadcast.h"
#include "runtime/numeric.h"

namespace dlc::host {

void take_strings(const HostCall& call) {
  const Tensor& positions = call.in(0);
  const auto texts = static_cast<int64_t>(call.inputs.size()) - 1;
  Tensor& result = call.out(0, DType::string, positions.shape());
  const auto to = result.as_mutable<std::string>();
  for (int64_t i = 0; i < positions.size(); ++i) {
    const int64_t number = positions.as<int64_t>()[i] - 1;
    if (number < 0) continue;  // the empty string
    const auto from = call.in(static_cast<size_t>(1 + number % texts)).as<std::string>();
    if (static_cast<size_t>(number / texts) < from.size())
      to[i] = from[static_cast<size_t>(number / texts)];
  }
}

void equal_strings(const HostCall& call) {
  const auto a = call.in(0).as<std::string>(), b = call.in(1).as<std::string>();
  const Broadcast pairs(call.in(0).shape(), call.in(1).shape());
  const auto result = call.out(0, DType::boolean, pairs.shape).as_mutable<uint8_t>();
  pairs.each([&](int64_t i, int64_t in_a, int64_t in_b) { result[i] = a[in_a] == b[in_b]; });
}

void string_concat(const HostCall& call) {
  const auto a = call.in(0).as<std::string>(), b = call.in(1).as<std::string>();
  const Broadcast pairs(call.in(0).shape(), call.in(1).shape());
  const auto result = call.out(0, DType::string, pairs.shape).as_mutable<std::string>();
  pairs.each([&](int64_t i, int64_t in_a, int64_t in_b) { result[i] = a[in_a] + b[in_b]; });
}

namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

double parse_real(std::string_view text) {
  std::string_view digits = trimmed(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = end == digits.data() + digits.size() && !digits.empty();
  if (error == std::errc::result_out_of_range && whole) {
    // Far from any number that there is: as strtod has it, infinite or 0.
    const bool tiny =
        digits.find("e-") != std::string_view::npos || digits.find("E-") != std::string_view::npos;
    const double size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    return digits.starts_with('-') ? -size : size;
  }
  if (error != std::errc() || !whole) fail("'{}' is no number", text);
  return value;
}

/// Integers in full; others as reals, towards zero.
int64_t parse_integer(std::string_view text) {
  std::string_view digits = trimmed(text);
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const char *first = digits.data(), *last = first + digits.size();
  int64_t value = 0;
  if (const auto [end, error] = std::from_chars(first, last, value);
      error == std::errc() && end == last && !digits.empty())
    return value;
  uint64_t large = 0;
  if (const auto [end, error] = std::from_chars(first, last, large);
      error == std::errc() && end == last && !digits.empty())
    return static_cast<int64_t>(large);
  int64_t result = 0;
  store_real(DType::i64, &result, 0, parse_real(text));
  return result;
}

bool parse_boolean(std::string_view text) {
  const std::string_view word = trimmed(text);
  if (word == "true" || word == "True") return true;
  if (word == "false" || word == "False") return false;
  return parse_real(text) != 0;
}

/// The shortest digits that mean the same number in its type, as NumPy prints them.
std::string format_real(DType type, double value) {
  std::string text;
  if (type == DType::f64) {
    text = fmt::format("{}", value);
  } else if (type == DType::f32) {
    text = fmt::format("{}", static_cast<float>(value));
  } else {
    for (int digits = 1; digits <= 9; ++digits) {
      const double shown = std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr);
      text = fmt::format("{}", shown);
      if (std::isnan(value) || round_to(type, shown) == value) break;
    }
  }
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string format_element(const Tensor& x, int64_t i) {
  if (x.dtype() == DType::boolean) return x.as<uint8_t>()[i] ? "True" : "False";
  if (is_float(x.dtype())) return format_real(x.dtype(), load_real(x.dtype(), x.data(), i));
  if (x.dtype() == DType::u64) return std::to_string(x.as<uint64_t>()[i]);
  return std::to_string(load_integer(x.dtype(), x.data(), i));
}

}  // namespace

void cast_strings(const HostCall& call) {
  const Tensor& x = call.in(0);
  const auto to = static_cast<DType>(call.attrs.integer("to"));
  if (x.dtype() == to) {
    call.outputs[0] = x.clone();  // x may be written over before the result is read
    return;
  }
  Tensor& result = call.out(0, to, x.shape());
  for (int64_t i = 0; i < x.size(); ++i) {
    if (to == DType::string) {
      result.as_mutable<std::string>()[i] = format_element(x, i);
      continue;
    }
    const std::string& text = x.as<std::string>()[i];
    if (is_float(to)) {
      store_real(to, result.mutable_data(), i, parse_real(text));
    } else {
      const int64_t value = to == DType::boolean ? parse_boolean(text) : parse_integer(text);
      store_integer(to, result.mutable_data(), i, value);
    }
  }
}

namespace {

constexpr std::string_view spaces = " \t\n\r\f\v";

/// At most `most` splits (-1: any number); an empty delimiter stands for runs of white space.
Strings split(std::string_view text, std::string_view delimiter, int64_t most) {
  Strings parts;
  if (!delimiter.empty()) {
    size_t end;
    while (most-- != 0 && (end = text.find(delimiter)) != std::string_view::npos) {
      parts.emplace_back(text.substr(0, end));
      text.remove_prefix(end + delimiter.size());
    }
    parts.emplace_back(text);
    return parts;
  }
  const auto skip = [&] {
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  };
  skip();
  while (!text.empty()) {
    const size_t end = most-- == 0 ? std::string_view::npos : text.find_first_of(spaces);
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end, text.size()));
    skip();
  }
  return parts;
}

}  // namespace

void string_split(const HostCall& call) {
  const Tensor& x = call.in(0);
  const std::string delimiter =
      call.attrs.has("delimiter") ? call.attrs.text("delimiter") : std::string();
  const int64_t most = call.attrs.has("maxsplit") ? call.attrs.integer("maxsplit") : -1;
  std::vector<Strings> all;
  size_t width = 0;
  for (const std::string& text : x.as<std::string>()) {
    all.push_back(split(text, delimiter, most));
    width = std::max(width, all.back().size());
  }
  Shape shape = x.shape();
  shape.push_back(static_cast<int64_t>(width));
  Tensor parts = Tensor::allocate(DType::string, std::move(shape));
  Tensor counts = Tensor::allocate(DType::i64, x.shape());
  for (size_t i = 0; i < all.size(); ++i) {
    counts.as_mutable<int64_t>()[i] = static_cast<int64_t>(all[i].size());
    std::move(all[i].begin(), all[i].end(),
              parts.as_mutable<std::string>().begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  call.outputs[0] = std::move(parts);
  if (call.outputs.size() > 1) call.outputs[1] = std::move(counts);
}

}  // namespace dlc::host
