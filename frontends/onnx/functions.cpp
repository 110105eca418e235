// The importer: calls of the model's own functions are replaced by their bodies.
#include <algorithm>

#include "frontends/onnx/importer.h"
#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

constexpr int deepest_call = 64;

}  // namespace

void Importer::read_functions() {
  for (const auto& function : model_->functions()) {
    FunctionKey key = {normal_domain(function.domain()), function.name(), function.overload()};
    if (!functions_.emplace(std::move(key), &function).second) {
      fail("the model has two functions '{}' of domain '{}'", function.name(), function.domain());
    }
  }
}

const proto::FunctionProto* Importer::find_function(const proto::NodeProto& node) const {
  const auto found =
      functions_.find({normal_domain(node.domain()), node.op_type(), node.overload()});
  return found == functions_.end() ? nullptr : found->second;
}

/// How many nodes a call becomes. Functions that call each other can multiply to any number.
int64_t Importer::expanded_size(const proto::FunctionProto& function, int depth) {
  if (depth > deepest_call) return 0;  // calling it says what is wrong
  const auto known = expanded_sizes_.find(&function);
  if (known != expanded_sizes_.end()) return known->second;
  int64_t size = 0;
  for (const auto& node : function.node()) {
    const proto::FunctionProto* callee = find_function(node);
    size = std::min(most_nodes, size + (callee ? expanded_size(*callee, depth + 1) : 1));
  }
  return expanded_sizes_[&function] = size;
}

/// The body's nodes come where the call is, under the call's name.
void Importer::call_function(const proto::FunctionProto& function, const proto::NodeProto& node,
                             const std::string& label, Place place) {
  if (place.frame.depth >= deepest_call) {
    fail("functions call each other more than {} deep", deepest_call);
  }
  for (const Frame* frame = &place.frame; frame; frame = frame->caller) {
    if (frame->function == &function) fail("function '{}' must not call itself", function.name());
  }
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size()) {
    fail("the function has {} inputs and {} outputs, but the call {} and {}", function.input_size(),
         function.output_size(), node.input_size(), node.output_size());
  }
  if (nodes_ + expanded_size(function, place.frame.depth) >= most_nodes) refuse_size();
  Frame frame{.origin = label,
              .depth = place.frame.depth + 1,
              .function = &function,
              .caller = &place.frame};
  for (const auto& entry : function.opset_import()) {
    frame.opsets[normal_domain(entry.domain())] = entry.version();
  }
  if (frame.opsets.empty()) frame.opsets = place.frame.opsets;
  for (const auto& attr : function.attribute_proto()) {
    frame.attrs[attr.name()] = {&attr, &place.frame, &place.scope};
  }
  for (const auto& attr : node.attribute()) {
    if (const std::optional<BoundAttr> bound = resolve(attr, place)) {
      frame.attrs[attr.name()] = *bound;
    }
  }
  for (const std::string& attr : function.attribute()) {
    if (!frame.attrs.contains(attr)) fail("attribute {} of the function is missing", attr);
  }

  Scope scope(place.scope.level());
  for (int k = 0; k < function.input_size(); ++k) {
    const bool given = k < node.input_size() && !node.input(k).empty();
    if (given) {
      scope.define(function.input(k), place.scope.find(node.input(k)));
    } else {
      scope.leave_out(function.input(k));
    }
  }
  const Place inside{scope, frame};
  for (int k : sorted(function)) import_node(function.node(k), k, inside);
  const Origins origins = {label};
  for (int k = 0; k < node.output_size(); ++k) {
    if (node.output(k).empty()) continue;
    define(node.output(k), scope.find(function.output(k)), origins, place);
  }
}

}  // namespace dlc::onnx
