// Plugins: rows for their operators, whose functions go from dlc's tensors to C structs and back.
// The number of an operator comes to its kernel in an attribute that only its row has.
#include "compiler/driver/plugin.h"

#include <dlfcn.h>

#include <algorithm>
#include <deque>
#include <map>

#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace dlc {
namespace {

constexpr std::string_view number_attr = "dlc.plugin";

/// Everything that a row's views point at.
struct PluginRow {
  const dlc_op* op;
  std::string name, doc;
};

std::deque<PluginRow>& plugin_rows() {
  static std::deque<PluginRow> rows;
  return rows;
}

void check(const char* error) {
  if (error != nullptr) fail("{}", error);
}

// --- inference

/// Sizes that are not numbers, as negative numbers while a plugin looks at them.
class SizeNames {
 public:
  int64_t number(const Dim& dim) {
    if (dim.is_number()) return dim.number();
    const auto [entry, fresh] = numbers_.try_emplace(dim.to_string(), -1 - dims_.size());
    if (fresh) dims_.push_back(dim);
    return entry->second;
  }
  Dim dim(int64_t number, const OpArgs& args, int fresh) const {
    if (number >= 0) return number;
    if (number == DLC_NEW_SIZE) return fresh_dim(args, fmt::format("plugin{}", fresh));
    if (-1 - number >= static_cast<int64_t>(dims_.size()))
      fail("the plugin gives the size {}, which no input has", number);
    return dims_[static_cast<size_t>(-1 - number)];
  }

 private:
  std::map<std::string, int64_t> numbers_;
  std::vector<Dim> dims_;
};

int64_t infer_int(const dlc_op_call* call, const char* name, int64_t otherwise) {
  const Attr* attr = static_cast<const OpArgs*>(call->self)->attr(name);
  const auto* value = attr ? std::get_if<int64_t>(attr) : nullptr;
  return value ? *value : otherwise;
}
double infer_real(const dlc_op_call* call, const char* name, double otherwise) {
  const Attr* attr = static_cast<const OpArgs*>(call->self)->attr(name);
  const auto* value = attr ? std::get_if<double>(attr) : nullptr;
  return value ? *value : otherwise;
}
const char* infer_text(const dlc_op_call* call, const char* name, const char* otherwise) {
  const Attr* attr = static_cast<const OpArgs*>(call->self)->attr(name);
  const auto* value = attr ? std::get_if<std::string>(attr) : nullptr;
  return value ? value->c_str() : otherwise;
}
const char* no_shape(const dlc_op_call*, int32_t, const int64_t*) {
  return "set_shape is for compute";
}

dlc_tensor describe(DType dtype, size_t rank) {
  if (dtype == DType::string) fail("plugins take no strings");
  if (rank > DLC_MAX_RANK) fail("plugins take tensors of up to {} axes", DLC_MAX_RANK);
  dlc_tensor tensor{};
  tensor.dtype = static_cast<int32_t>(dtype);
  tensor.rank = static_cast<int32_t>(rank);
  return tensor;
}

void check_result(const dlc_tensor& tensor) {
  if (tensor.dtype <= 0 || tensor.dtype >= dtype_count ||
      tensor.dtype == static_cast<int32_t>(DType::string) || tensor.rank < 0 ||
      tensor.rank > DLC_MAX_RANK)
    fail("the plugin gives an output of element type {} and rank {}", tensor.dtype, tensor.rank);
}

const dlc_op& plugin_op(const OpArgs& args) {
  for (const AttrSpec& spec : args.def().attrs)
    if (spec.name == number_attr)
      return *plugin_rows()[static_cast<size_t>(std::get<int64_t>(spec.value))].op;
  fail("{} is no operator of a plugin", args.def().name);
}

std::vector<Type> infer(const OpArgs& args) {
  const dlc_op& op = plugin_op(args);
  SizeNames sizes;
  std::vector<dlc_tensor> inputs(args.input_count()), outputs(static_cast<size_t>(op.outputs));
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!args.input(k).valid()) continue;
    const Dims& shape = args.shape(k);
    inputs[k] = describe(args.type(k).dtype, shape.size());
    for (size_t axis = 0; axis < shape.size(); ++axis)
      inputs[k].shape[axis] = sizes.number(shape[axis]);
  }
  const dlc_op_call call = {sizeof call,    static_cast<int32_t>(inputs.size()),
                            op.outputs,     inputs.data(),
                            outputs.data(), infer_int,
                            infer_real,     infer_text,
                            no_shape,       &args};
  check(op.infer(&call));
  std::vector<Type> types;
  int fresh = 0;
  for (const dlc_tensor& output : outputs) {
    check_result(output);
    Dims shape;
    for (int32_t axis = 0; axis < output.rank; ++axis)
      shape.push_back(sizes.dim(output.shape[axis], args, fresh++));
    types.push_back(Type::tensor(static_cast<DType>(output.dtype), std::move(shape)));
  }
  return types;
}

// --- computing

template <typename T>
const T* plain(const dlc_op_call* call, const char* name) {
  const auto& attrs = static_cast<const HostCall*>(call->self)->attrs.all();
  const auto found = attrs.find(std::string_view(name));
  return found == attrs.end() ? nullptr : std::get_if<T>(&found->second);
}
int64_t run_int(const dlc_op_call* call, const char* name, int64_t otherwise) {
  const auto* value = plain<int64_t>(call, name);
  return value ? *value : otherwise;
}
double run_real(const dlc_op_call* call, const char* name, double otherwise) {
  const auto* value = plain<double>(call, name);
  return value ? *value : otherwise;
}
const char* run_text(const dlc_op_call* call, const char* name, const char* otherwise) {
  const auto* value = plain<std::string>(call, name);
  return value ? value->c_str() : otherwise;
}

void allocate(const HostCall& call, size_t output, dlc_tensor& as) {
  Shape shape(as.shape, as.shape + as.rank);
  as.data = call.out(output, static_cast<DType>(as.dtype), std::move(shape)).mutable_data();
}

const char* set_shape(const dlc_op_call* call, int32_t output, const int64_t* shape) {
  if (output < 0 || output >= call->outputs) return "there is no such output";
  dlc_tensor& tensor = call->output[output];
  for (int32_t axis = 0; axis < tensor.rank; ++axis) tensor.shape[axis] = shape[axis];
  try {
    allocate(*static_cast<const HostCall*>(call->self), static_cast<size_t>(output), tensor);
  } catch (const Error&) {
    return "the output's shape is not possible";
  }
  return nullptr;
}

std::vector<dlc_tensor> describe_inputs(const HostCall& call) {
  std::vector<dlc_tensor> inputs(call.inputs.size());
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!call.has(k)) continue;
    const Tensor& tensor = call.in(k);
    inputs[k] = describe(tensor.dtype(), tensor.shape().size());
    std::copy(tensor.shape().begin(), tensor.shape().end(), inputs[k].shape);
    inputs[k].data = const_cast<void*>(tensor.data());
  }
  return inputs;
}

/// The rule for shapes once more, on the sizes that are there now; then the kernel.
void compute(const HostCall& call) {
  const auto number = static_cast<size_t>(call.attrs.integer(number_attr));
  if (number >= plugin_rows().size()) fail("there is no plugin operator {}", number);
  const dlc_op& op = *plugin_rows()[number].op;
  std::vector<Datum> results(static_cast<size_t>(op.outputs));
  const HostCall complete{call.inputs, results, call.attrs};
  const std::vector<dlc_tensor> inputs = describe_inputs(call);
  std::vector<dlc_tensor> outputs(results.size());
  dlc_op_call c = {sizeof c,       static_cast<int32_t>(inputs.size()),
                   op.outputs,     inputs.data(),
                   outputs.data(), run_int,
                   run_real,       run_text,
                   no_shape,       &complete};
  check(op.infer(&c));
  for (size_t k = 0; k < outputs.size(); ++k) {
    check_result(outputs[k]);
    const auto* shape = outputs[k].shape;
    const bool known =
        std::all_of(shape, shape + outputs[k].rank, [](int64_t n) { return n >= 0; });
    if (known) allocate(complete, k, outputs[k]);
  }
  c.set_shape = set_shape;
  check(op.compute(&c));
  for (size_t k = 0; k < call.outputs.size(); ++k) {
    if (results.at(k).kind == Datum::Kind::none) fail("the plugin does not set output {}", k);
    call.outputs[k] = std::move(results[k]);
  }
}

OpDef make_row(const PluginRow& row, int64_t number) {
  OpDef def;
  def.name = row.name;
  def.doc = row.doc;
  def.source = "plugin";
  def.outputs.assign(static_cast<size_t>(row.op->outputs), "output");
  for (int32_t k = 0; k < row.op->inputs; ++k)
    def.inputs.push_back(
        {"input", types::all & ~types::strings, k == 0 ? Presence::required : Presence::optional});
  for (const char* const* name = row.op->attributes; name && *name; ++name)
    def.attrs.push_back({*name});
  def.attrs.push_back({number_attr, number});
  def.host = compute;
  def.infer = infer;
  return def;
}

const char* add_op(const dlc_plugin_host*, const dlc_op* op) {
  static thread_local std::string message;
  try {
    add_plugin_op(*op);
  } catch (const Error& error) {
    message = error.what();
    return message.c_str();
  }
  return nullptr;
}

}  // namespace

void add_plugin_op(const dlc_op& op) {
  if (op.size < sizeof(dlc_op) || op.name == nullptr || op.infer == nullptr ||
      op.compute == nullptr)
    fail("an operator of a plugin lacks its name or a function");
  const std::string name = op.name;
  if (name.find('.') == std::string::npos || op.inputs < 0 || op.outputs < 1)
    fail("the operator '{}' of a plugin needs a domain and an output", name);
  if (find_op(name)) fail("there is an operator {} already", name);
  plugin_rows().push_back({&op, name, op.doc ? op.doc : ""});
  const auto number = static_cast<int64_t>(plugin_rows().size()) - 1;
  register_op(make_row(plugin_rows().back(), number));
}

void load_plugin(const std::filesystem::path& path) {
  // A bare name would be looked for in the system's folders.
  const std::string file = std::filesystem::absolute(path).string();
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail("plugin {}: {}", path.string(), dlerror());
  const auto init = reinterpret_cast<decltype(&dlc_plugin_init)>(dlsym(library, "dlc_plugin_init"));
  if (init == nullptr) fail("plugin {}: it has no function dlc_plugin_init", path.string());
  const dlc_plugin_host host = {sizeof host, add_op};
  with_context([&] { return "plugin " + path.string(); }, [&] { check(init(&host)); });
}

}  // namespace dlc
