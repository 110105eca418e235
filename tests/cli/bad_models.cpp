// Files that are no models, graphs that do not hang together, weights that are not what they say.
#include "tests/cli/bad_input.h"
#include "tools/dlc/files.h"

namespace dlc::cli_test {
namespace {

namespace fs = std::filesystem;
using Proto = ::onnx::TensorProto;

constexpr int failed = 1, unsupported = 3, invalid = 4, limit = 6;

/// Weights in a file beside (or not beside) the model.
BadCase external_case(std::string name, std::vector<std::string> words, std::string location,
                      std::string offset, std::string length, int exit_code = invalid) {
  return model_case(std::move(name), exit_code, std::move(words), [=](Model& m) {
    m = linear();
    Proto& w = *m.graph().mutable_initializer(0);
    w.clear_float_data();
    w.set_data_location(Proto::EXTERNAL);
    for (const auto& [key, value] : {std::pair("location", location), std::pair("offset", offset),
                                     std::pair("length", length)}) {
      if (value.empty()) continue;
      auto& entry = *w.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    }
  });
}

void if_node(Model& m, int then_outputs, int else_outputs) {
  m.input("c", {}, Proto::BOOL).input("x", {2}).output("y");
  ::onnx::NodeProto& node = m.node("If", {"c"}, {"y"}, "choose");
  for (const auto& [name, outputs] :
       {std::pair("then_branch", then_outputs), std::pair("else_branch", else_outputs)}) {
    ::onnx::AttributeProto& attr = *node.add_attribute();
    attr.set_name(name);
    attr.set_type(::onnx::AttributeProto::GRAPH);
    ::onnx::GraphProto& graph = *attr.mutable_g();
    graph.set_name(name);
    ::onnx::NodeProto& inner = *graph.add_node();
    inner.set_op_type("Relu");
    inner.add_input("x");
    inner.add_output("out");
    for (int i = 0; i < outputs; ++i) {
      auto& output = *graph.add_output();
      output.set_name("out");
      output.mutable_type()->mutable_tensor_type()->set_elem_type(Proto::FLOAT);
    }
  }
}

/// A local function whose body calls `callee`.
void function(Model& m, const std::string& name, const std::string& callee,
              const std::string& argument) {
  ::onnx::FunctionProto& f = *m.proto.add_functions();
  f.set_name(name);
  f.set_domain("local");
  f.add_input("a");
  f.add_output("b");
  f.add_opset_import()->set_version(21);
  auto& local = *f.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
  ::onnx::NodeProto& node = *f.add_node();
  node.set_op_type(callee);
  if (callee != "Relu") node.set_domain("local");
  node.add_input(argument);
  node.add_output("b");
}

void call_function(Model& m, const std::string& name) {
  auto& local = *m.proto.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
  m.input("x", {2}).output("y");
  m.node(name, {"x"}, {"y"}, "call").set_domain("local");
}

}  // namespace

std::vector<BadCase> file_cases() {
  const auto path_case = [](std::string name, std::vector<std::string> words,
                            std::string path) -> BadCase {
    return {std::move(name), failed, std::move(words), [path](const fs::path& folder) {
              return std::vector<std::string>{"run", folder / path};
            }};
  };
  return {
      path_case("Missing", {"nowhere.onnx"}, "nowhere.onnx"),
      path_case("Folder", {"not a regular file"}, "."),
      bytes_case("Empty", invalid, {"model.onnx"}, [] { return std::string(); }),
      bytes_case("Text", invalid, {"model.onnx"}, [] { return std::string("import onnx\n"); }),
      bytes_case("Zeros", invalid, {"model.onnx"}, [] { return std::string(1000, '\0'); }),
      bytes_case("Png", invalid, {"model.onnx"},
                 [] { return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16); }),
      bytes_case("Zip", invalid, {"model.onnx"},
                 [] { return std::string("PK\3\4\24\0\0\0\b\0", 10); }),
      bytes_case("Elf", invalid, {"model.onnx"},
                 [] {
                   return std::string(
                       "\x7f"
                       "ELF\2\1\1\0\0",
                       9);
                 }),
      bytes_case("CutInHalf", invalid, {"model.onnx"},
                 [] { return linear().bytes().substr(0, linear().bytes().size() / 2); }),
      bytes_case("LastByteMissing", invalid, {"model.onnx"},
                 [] { return linear().bytes().substr(0, linear().bytes().size() - 1); }),
      bytes_case("BytesBehind", invalid, {"model.onnx"},
                 [] { return linear().bytes() + "\xFF\xFF\xFF\xFF"; }),
      bytes_case("TensorInsteadOfModel", invalid, {"model.onnx"},
                 [] {
                   return tensor_file({2, 2}, {1, 2, 3, 4});
                 }),
      model_case("NoGraph", invalid, {"graph"}, [](Model& m) { m.proto.clear_graph(); }),
      model_case("NoOpset", invalid, {"opset"},
                 [](Model& m) {
                   m = relu();
                   m.proto.clear_opset_import();
                 }),
      model_case("OpsetOfTheFuture", unsupported, {"999"},
                 [](Model& m) {
                   m = relu();
                   m.proto.mutable_opset_import(0)->set_version(999);
                 }),
      model_case("OpsetZero", invalid, {"opset"},
                 [](Model& m) {
                   m = relu();
                   m.proto.mutable_opset_import(0)->set_version(0);
                 }),
  };
}

std::vector<BadCase> graph_cases() {
  return {
      model_case("Cycle", invalid, {"cycle"},
                 [](Model& m) {
                   m.input("x", {2}).output("b");
                   m.node("Add", {"x", "b"}, {"a"}, "first");
                   m.node("Relu", {"a"}, {"b"}, "second");
                 }),
      model_case("NodeOfItself", invalid, {"self"},
                 [](Model& m) { m.output("a").node("Relu", {"a"}, {"a"}, "self"); }),
      model_case("UnknownValue", invalid, {"'ghost'", "'act'", "Relu"},
                 [](Model& m) { m.output("y").node("Relu", {"ghost"}, {"y"}, "act"); }),
      model_case("UnknownOutput", invalid, {"'z'"},
                 [](Model& m) {
                   m = relu();
                   m.output("z");
                 }),
      model_case("NoOutputs", invalid, {"output"},
                 [](Model& m) {
                   m = relu();
                   m.graph().clear_output();
                 }),
      model_case("ValueMadeTwice", invalid, {"'y'"},
                 [](Model& m) {
                   m = relu();
                   m.node("Abs", {"x"}, {"y"}, "again");
                 }),
      model_case("InputTwice", invalid, {"'x'"},
                 [](Model& m) {
                   m = relu();
                   m.input("x", {2, 3});
                 }),
      model_case("InitializerTwice", invalid, {"'w'"},
                 [](Model& m) {
                   m = linear();
                   m.floats("w", {1}, {1});
                 }),
      model_case("InputWithoutType", invalid, {"'x'"},
                 [](Model& m) {
                   m = relu();
                   m.graph().mutable_input(0)->clear_type();
                 }),
      model_case("InputOfUnknownElements", unsupported, {"'x'", "77"},
                 [](Model& m) { m.input("x", {2}, 77).output("y").node("Relu", {"x"}, {"y"}); }),
      model_case(
          "UnknownOp", unsupported, {"'act'", "Rellu"},
          [](Model& m) { m.input("x", {2}).output("y").node("Rellu", {"x"}, {"y"}, "act"); }),
      model_case("UnknownDomain", unsupported, {"'act'", "com.nobody"},
                 [](Model& m) {
                   auto& import = *m.proto.add_opset_import();
                   import.set_domain("com.nobody");
                   import.set_version(1);
                   m.input("x", {2}).output("y");
                   m.node("Relu", {"x"}, {"y"}, "act").set_domain("com.nobody");
                 }),
      model_case("DomainNotImported", invalid, {"'act'", "ai.onnx.ml"},
                 [](Model& m) {
                   m.input("x", {2}).output("y");
                   m.node("Normalizer", {"x"}, {"y"}, "act").set_domain("ai.onnx.ml");
                 }),
      model_case("MoreOutputsThanABodyHas", invalid, {"'act'", "2 outputs, but only 1"},
                 [](Model& m) {
                   m.input("x", {2}).output("y");
                   m.node("Gelu", {"x"}, {"y", "z"}, "act").set_domain("com.microsoft");
                   auto& contributed = *m.proto.add_opset_import();
                   contributed.set_domain("com.microsoft");
                   contributed.set_version(1);
                 }),
      model_case("BranchesOfDifferentLength", invalid, {"'choose'", "If"},
                 [](Model& m) { if_node(m, 1, 2); }),
      model_case("BranchWithoutOutput", invalid, {"'choose'", "If"},
                 [](Model& m) { if_node(m, 0, 0); }),
      model_case("LoopWithoutBody", invalid, {"'repeat'", "Loop", "body"},
                 [](Model& m) {
                   m.input("n", {}, Proto::INT64).input("x", {2}).output("y");
                   m.node("Loop", {"n", "", "x"}, {"y"}, "repeat");
                 }),
      model_case("FunctionThatCallsItself", invalid, {"'call'", "must not call itself"},
                 [](Model& m) {
                   function(m, "Again", "Again", "a");
                   call_function(m, "Again");
                 }),
      model_case("FunctionOfUnknownValue", invalid, {"'ghost'"},
                 [](Model& m) {
                   function(m, "Haunted", "Relu", "ghost");
                   call_function(m, "Haunted");
                 }),
      model_case("NestedTooDeep", invalid, {"model.onnx"},
                 [](Model& m) {
                   m.output("y");
                   ::onnx::GraphProto* graph = &m.graph();
                   for (int depth = 0; depth < 500; ++depth) {
                     ::onnx::NodeProto& node = *graph->add_node();
                     node.set_op_type("If");
                     auto& attr = *node.add_attribute();
                     attr.set_name("then_branch");
                     graph = attr.mutable_g();
                   }
                 }),
  };
}

std::vector<BadCase> weight_cases() {
  const auto weight = [](std::string name, int exit_code, std::vector<std::string> words,
                         const std::function<void(Proto&)>& change) {
    return model_case(std::move(name), exit_code, std::move(words), [change](Model& m) {
      m = linear();
      change(*m.graph().mutable_initializer(0));
    });
  };
  return {
      weight("TooFewElements", invalid, {"'w'"},
             [](Proto& w) { w.mutable_float_data()->Truncate(4); }),
      weight("TooManyElements", invalid, {"'w'"}, [](Proto& w) { w.add_float_data(1); }),
      weight("TooFewBytes", invalid, {"'w'"},
             [](Proto& w) {
               w.clear_float_data();
               w.set_raw_data("12345");
             }),
      weight("ElementsInAnotherType", invalid, {"'w'"},
             [](Proto& w) {
               w.clear_float_data();
               for (int i = 0; i < 6; ++i) w.add_int64_data(i);
             }),
      weight("UnknownType", unsupported, {"'w'", "77"}, [](Proto& w) { w.set_data_type(77); }),
      weight("NoType", invalid, {"'w'"}, [](Proto& w) { w.clear_data_type(); }),
      weight("NegativeSize", invalid, {"'w'", "-3"}, [](Proto& w) { w.set_dims(0, -3); }),
      weight("TrillionElementsInNoBytes", invalid, {"'w'"},
             [](Proto& w) {
               w.clear_float_data();
               w.set_dims(0, 1000000000000);
             }),
      weight("SizeOverflows", limit, {"'w'"},
             [](Proto& w) {
               w.clear_float_data();
               w.set_dims(0, int64_t{1} << 62);
               w.set_dims(1, int64_t{1} << 62);
             }),
      model_case("SparseIndexOutside", invalid, {"'s'"},
                 [](Model& m) {
                   m.output("y").node("Relu", {"s"}, {"y"}, "act");
                   ::onnx::SparseTensorProto& sparse = *m.graph().add_sparse_initializer();
                   sparse.add_dims(4);
                   sparse.mutable_values()->set_name("s");
                   sparse.mutable_values()->set_data_type(Proto::FLOAT);
                   sparse.mutable_values()->add_dims(1);
                   sparse.mutable_values()->add_float_data(1);
                   sparse.mutable_indices()->set_data_type(Proto::INT64);
                   sparse.mutable_indices()->add_dims(1);
                   sparse.mutable_indices()->add_int64_data(9);
                 }),
      external_case("ExternalFileMissing", {"'w'", "weights.bin"}, "weights.bin", "0", "24",
                    failed),
      external_case("ExternalPathUpwards", {"'w'", ".."}, "../../../../../etc/passwd", "0", "24"),
      external_case("ExternalPathAbsolute", {"'w'", "/etc/passwd"}, "/etc/passwd", "0", "24"),
      external_case("ExternalFileTooShort", {"'w'"}, "model.onnx", "0", "99999999"),
      external_case("ExternalOffsetBehindTheEnd", {"'w'"}, "model.onnx", "99999999", "24"),
      external_case("ExternalOffsetNegative", {"'w'"}, "model.onnx", "-8", "24"),
      external_case("ExternalOffsetNoNumber", {"'w'"}, "model.onnx", "many", "24"),
      external_case("ExternalLengthDoesNotFit", {"'w'"}, "model.onnx", "0", "23"),
      external_case("ExternalWithoutLocation", {"'w'"}, "", "0", "24"),
      {"ExternalLinkToTheOutside",
       invalid,
       {"'w'", "link.bin"},
       [](const fs::path& folder) {
         fs::create_directories(folder / "inside");
         cli::write_file(folder / "outside.bin", std::string(24, '\0'));
         fs::create_symlink("../outside.bin", folder / "inside/link.bin");
         Model m = linear();
         Proto& w = *m.graph().mutable_initializer(0);
         w.clear_float_data();
         w.set_data_location(Proto::EXTERNAL);
         w.add_external_data()->set_key("location");
         w.mutable_external_data(0)->set_value("link.bin");
         return std::vector<std::string>{"run", m.save(folder / "inside")};
       }},
  };
}

}  // namespace dlc::cli_test
