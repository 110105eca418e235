// Where a model's inputs come from: files, test data, or made up.
#include "tools/dlc/inputs.h"

#include <algorithm>
#include <random>

#include "runtime/error.h"
#include "runtime/numeric.h"
#include "tools/dlc/npy.h"
#include "tools/dlc/options.h"
#include "tools/dlc/text.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;

/// numbers in [-1, 1); bytes of any value; other integers 0 to 7, so that they serve as ids.
double random_number(DType dtype, uint64_t bits) {
  if (dtype == DType::boolean) return static_cast<double>(bits & 1);
  if (dtype == DType::u8) return static_cast<double>(bits & 255);
  if (dtype == DType::i8) return static_cast<double>(bits & 255) - 128;
  if (is_integer(dtype)) return static_cast<double>(bits & (dlc::bits(dtype) < 8 ? 1 : 7));
  return static_cast<double>(bits >> 11) * 0x1p-52 - 1;
}

Tensor filled(DType dtype, Shape shape, const std::function<double()>& next) {
  if (dtype == DType::string) {
    std::vector<std::string> texts(static_cast<size_t>(element_count(shape)));
    for (std::string& text : texts) text = fmt::format("{:.3f}", next());
    return Tensor::strings(std::move(shape), std::move(texts));
  }
  if (dtype == DType::undefined) fail("the model does not say of what type its elements are");
  Tensor tensor = Tensor::allocate(dtype, std::move(shape));
  const DType part = dtype == DType::c64 ? DType::f32 : dtype == DType::c128 ? DType::f64 : dtype;
  const int64_t parts = tensor.size() * (is_complex(dtype) ? 2 : 1);
  for (int64_t i = 0; i < parts; ++i) store_real(part, tensor.mutable_data(), i, next());
  return tensor;
}

/// An array as the element type that the model wants, if that is possible without loss.
Tensor as_dtype(Tensor array, DType wanted) {
  static constexpr DType without_npy_form[] = {DType::bf16,   DType::f8e4m3fn,   DType::f8e4m3fnuz,
                                               DType::f8e5m2, DType::f8e5m2fnuz, DType::f4e2m1,
                                               DType::f8e8m0, DType::u4,         DType::i4,
                                               DType::u2,     DType::i2};
  if (array.dtype() == wanted || wanted == DType::undefined) return array;
  const bool convert = array.dtype() != DType::string && !is_complex(array.dtype()) &&
                       std::ranges::find(without_npy_form, wanted) != std::end(without_npy_form);
  if (!convert) fail("the array is {}, but the model wants {}", name(array.dtype()), name(wanted));
  Tensor converted = Tensor::allocate(wanted, array.shape());
  for (int64_t i = 0; i < array.size(); ++i)
    store_real(wanted, converted.mutable_data(), i, load_real(array.dtype(), array.data(), i));
  return converted;
}

Datum read_input_file(const fs::path& path, const Type& type) {
  if (path.extension() != ".npy") return onnx::read_tensor_file(path, type);
  if (!type.is_tensor()) {
    fail_as(ErrorCode::usage, "{}: the model wants {} here; give it as a .pb file", path.string(),
            to_string(type));
  }
  return with_context([&] { return path.string(); },
                      [&] { return as_dtype(read_npy(path), type.dtype); });
}

/// Sizes of symbols, from the shapes of inputs that files gave.
void bind_symbols(const Type& type, const Datum& value, std::map<std::string, Dim>& symbols) {
  if (!type.is_tensor() || !type.ranked || value.kind != Datum::Kind::tensor) return;
  const Shape& shape = value.tensor.shape();
  if (shape.size() != type.shape.size()) return;  // the session says so better
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (const auto symbol = type.shape[axis].as_symbol()) symbols.emplace(*symbol, shape[axis]);
}

/// The shape to make up; symbols without a value are 1 and go to `assumed`.
Shape concrete_shape(const Type& type, std::map<std::string, Dim>& symbols,
                     std::vector<std::string>& assumed) {
  Shape shape;
  for (const Dim& dim : type.shape) {
    dim.visit_symbols([&](const std::string& symbol) {
      if (symbols.emplace(symbol, 1).second) assumed.push_back(symbol);
    });
    shape.push_back(dim.substitute(symbols).number());
  }
  return shape;
}

}  // namespace

InputSource::InputSource(const std::vector<std::string>& specs, fs::path test_data)
    : test_data_(std::move(test_data)) {
  std::error_code ignored;
  if (!test_data_.empty() && !fs::is_directory(test_data_, ignored))
    fail_as(ErrorCode::failed, "{}: there is no such folder", test_data_.string());
  for (const std::string& spec : specs) {
    // Names and paths may have '=' themselves: "=@" separates best.
    size_t equals = spec.find("=@");
    if (equals == std::string::npos && !spec.starts_with('@')) equals = spec.rfind('=');
    const bool named = equals != std::string::npos;
    const Maker maker = with_context(
        [&] { return "-i " + spec; },
        [&] { return parse_maker(named ? std::string_view(spec).substr(equals + 1) : spec); });
    if (named) {
      by_name_[spec.substr(0, equals)] = maker;
    } else if (maker.file.extension() == ".npz") {
      arrays_.merge(read_npz(maker.file));
    } else {
      for_others_ = maker;
    }
  }
}

InputSource::Maker InputSource::parse_maker(std::string_view text) {
  Maker maker;
  if (text == "ones") {
    maker.kind = Maker::Kind::ones;
    return maker;
  }
  if (text == "random") return maker;
  if (text.starts_with("random:")) {
    const std::optional<int64_t> seed = parse_integer(text.substr(7));
    if (!seed || *seed < 0)
      fail_as(ErrorCode::usage, "the seed must be a whole number, not '{}'", text.substr(7));
    maker.seed = static_cast<uint64_t>(*seed);
    return maker;
  }
  const bool marked = text.starts_with('@');
  const fs::path path = marked ? text.substr(1) : text;
  const bool known =
      path.extension() == ".npy" || path.extension() == ".npz" || path.extension() == ".pb";
  if (!known)
    fail_as(ErrorCode::usage,
            "'{}' is not understood; write name=@x.npy (or .npz, .pb), name=random:7 or name=ones",
            text);
  maker.kind = Maker::Kind::file;
  maker.file = path;
  return maker;
}

const InputSource::Maker& InputSource::maker(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? for_others_ : found->second;
}

std::optional<Datum> InputSource::from_file(const onnx::DeclaredInput& input,
                                            size_t position) const {
  const auto where = [&] { return fmt::format("input '{}'", input.name); };
  return with_context(where, [&]() -> std::optional<Datum> {
    const Maker& how = maker(input.name);
    if (how.kind == Maker::Kind::file && how.file.extension() == ".npz") {
      const auto arrays = read_npz(how.file);
      const auto array = arrays.find(input.name);
      if (array == arrays.end() && arrays.size() != 1)
        fail("{} has no array of that name", how.file.string());
      const Tensor& chosen = array == arrays.end() ? arrays.begin()->second : array->second;
      return as_dtype(chosen, input.type.dtype);
    }
    if (how.kind == Maker::Kind::file) return read_input_file(how.file, input.type);
    if (const auto array = arrays_.find(input.name); array != arrays_.end())
      return as_dtype(array->second, input.type.dtype);
    if (test_data_.empty() || by_name_.contains(input.name)) return std::nullopt;
    const fs::path file = test_data_ / fmt::format("input_{}.pb", position);
    if (fs::exists(file)) return onnx::read_tensor_file(file, input.type);
    if (input.type.kind == Type::Kind::optional) return Datum();
    fail_as(ErrorCode::failed, "there is no {}", file.string());
  });
}

void InputSource::check_names(const std::vector<onnx::DeclaredInput>& inputs) const {
  std::vector<std::string> names;
  for (const onnx::DeclaredInput& input : inputs) names.push_back(input.name);
  const auto check = [&](const std::string& name) {
    if (std::ranges::find(names, name) != names.end()) return;
    fail_as(ErrorCode::usage, "the model has no input '{}'{} (it has {})", name,
            did_you_mean(name, names), names.empty() ? "none" : join(names));
  };
  for (const auto& [name, maker] : by_name_) check(name);
  for (const auto& [name, array] : arrays_) check(name);
  if (for_others_.kind == Maker::Kind::file && inputs.size() != 1)
    fail_as(ErrorCode::usage, "-i {}: the model has {} inputs ({}); say which: name=@file",
            for_others_.file.string(), inputs.size(), join(names));
}

std::vector<Datum> InputSource::values(const std::vector<onnx::DeclaredInput>& inputs,
                                       std::vector<std::string>& assumed) const {
  check_names(inputs);
  std::vector<std::optional<Datum>> values;
  std::map<std::string, Dim> symbols;
  for (size_t i = 0; i < inputs.size(); ++i) {
    values.push_back(from_file(inputs[i], i));
    if (values.back()) bind_symbols(inputs[i].type, *values.back(), symbols);
  }
  std::vector<Datum> result;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Type& type = inputs[i].type;
    if (!values[i] && type.kind == Type::Kind::optional) values[i] = Datum();
    if (!values[i] && (!type.is_tensor() || !type.ranked)) {
      fail_as(ErrorCode::usage, "input '{}' is {}, which cannot be made up; {}", inputs[i].name,
              to_string(type),
              type.is_tensor() ? "give it a shape with --shape" : "give it with -i name=@file.pb");
    }
    if (!values[i]) {
      const Maker& how = maker(inputs[i].name);
      std::mt19937_64 random(how.seed * 1000003 + i);
      const bool ones = how.kind == Maker::Kind::ones;
      const auto next = [&] { return ones ? 1.0 : random_number(type.dtype, random()); };
      values[i] = with_context(
          [&] { return fmt::format("input '{}' of type {}", inputs[i].name, to_string(type)); },
          [&] { return filled(type.dtype, concrete_shape(type, symbols, assumed), next); });
    }
    result.push_back(std::move(*values[i]));
  }
  return result;
}

void add_input_options(CLI::App& command, std::vector<std::string>& specs, std::string& test_data) {
  command
      .add_option("-i,--input", specs,
                  "An input: name=@x.npy (or .npz, .pb), name=random:SEED, name=ones; without a "
                  "name for all inputs. Default: random:0")
      ->type_name("SPEC")
      ->allow_extra_args(false);
  command
      .add_option("--test-data", test_data,
                  "Folder with input_0.pb, ... and output_0.pb, ... in the model's order")
      ->type_name("DIR");
}

}  // namespace dlc::cli
