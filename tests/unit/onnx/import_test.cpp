// Importing whole models: names, types, sizes, options and errors.
#include "frontends/onnx/import.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "compiler/ir/text.h"
#include "compiler/ops/infer.h"
#include "runtime/error.h"
#include "tests/unit/onnx/model_builder.h"

namespace dlc::onnx {
namespace {

namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A model file that goes away again.
class ModelFile {
 public:
  explicit ModelFile(const std::string& bytes)
      : path_(fs::temp_directory_path() / ("dlc_model_" + std::to_string(::getpid()) + ".onnx")) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~ModelFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ErrorCode code_of(const ModelBuilder& model) {
  try {
    model.import();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::failed;
}

TEST(Import, ANodeKeepsItsNames) {
  ModelBuilder model;
  model.input("x", DType::f32, {"batch", 8})
      .initializer(float_tensor("w", {8}, {1, 2, 3, 4, 5, 6, 7, 8}))
      .node("Mul", {"x", "w"}, {"a"}, {}, "scale")
      .node("Relu", {"a"}, {"y"})
      .output("y", DType::f32, {"batch", 8});
  const Graph graph = model.import();
  EXPECT_EQ(print(graph),
            "graph @main(%x: f32[batch,8]) -> f32[batch,8] {\n"
            "  %w = Constant(value=f32[8]{1, 2, 3, 4, 5, 6, 7, 8}) : f32[8]\n"
            "  %a = Mul(%x, %w) : f32[batch,8]\n"
            "  %y = Relu(%a) : f32[batch,8]\n"
            "  return %y\n"
            "}\n");
  EXPECT_EQ(graph.node(graph.nodes()[1]).origins, Origins{"scale"});
  EXPECT_EQ(graph.node(graph.nodes()[2]).origins, Origins{"Relu_1"});
}

TEST(Import, InitializersAmongTheInputsAreConstants) {
  ModelBuilder model(7, 3);
  model.input("x", DType::f32, {2})
      .input("w", DType::f32, {2})
      .initializer(float_tensor("w", {2}, {1, 2}))
      .node("Add", {"x", "w"}, {"y"})
      .output("y");
  EXPECT_EQ(model.import().inputs().size(), 1u);
}

TEST(Import, ConstantsHaveManyForms) {
  ModelBuilder model;
  model.node("Constant", {}, {"a"}, {attr("value", float_tensor("", {1}, {1.5f}))})
      .node("Constant", {}, {"b"}, {attr("value_float", 2.5f)})
      .node("Constant", {}, {"c"}, {floats("value_floats", {1, 2})})
      .node("Constant", {}, {"d"}, {attr("value_int", 7)})
      .node("Constant", {}, {"e"}, {ints("value_ints", {8, 9})})
      .node("Constant", {}, {"f"}, {attr("value_string", "hi")});
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) model.output(name);
  const Graph graph = model.import();
  std::string text;
  for (Value output : graph.outputs()) text += print(*graph.constant(output)) + " ";
  EXPECT_EQ(text, "f32[1]{1.5} f32[]{2.5} f32[2]{1, 2} i64[]{7} i64[2]{8, 9} str[]{\"hi\"} ");
}

TEST(Import, NodesAreSortedIfNeedBe) {
  ModelBuilder model;
  model.input("x", DType::f32, {2})
      .node("Neg", {"a"}, {"y"})
      .node("Relu", {"x"}, {"a"})
      .output("y");
  const Graph graph = model.import();
  EXPECT_EQ(graph.node(graph.nodes()[0]).op, "Relu");
}

TEST(Import, SizesHaveNames) {
  ModelBuilder model;
  model.input("in/put", DType::f32, {"batch size", "", -1, "n"})
      .input("other", DType::f32, {"batch_size", "n+1", "m+1"})
      .node("Relu", {"in/put"}, {"y"})
      .output("y");
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.inputs()[0])), "f32[batch_size_2,in_put_d1,in_put_d2,n]");
  // m is the size of nothing, so that m+1 is but a name.
  EXPECT_EQ(to_string(graph.type(graph.inputs()[1])), "f32[batch_size,n+1,m_1]");
}

TEST(Import, OptionsFixSizesShapesAndInputs) {
  ModelBuilder model;
  model.input("x", DType::f32, {"batch", "n"})
      .input("z", DType::f32, {"batch", 1})
      .node("Add", {"x", "z"}, {"y"})
      .output("y", DType::f32, {1, "n"});
  const auto type_with = [&](const ImportOptions& options) {
    const Graph graph = model.import(options);
    return to_string(graph.type(graph.outputs()[0]));
  };
  EXPECT_EQ(type_with({}), "f32[batch,n]");
  EXPECT_EQ(type_with({.dims = {{"batch", 4}}}), "f32[4,n]");
  EXPECT_EQ(type_with({.shapes = {{"x", {5, 6}}}}), "f32[5,6]");
  EXPECT_EQ(model.import({.constants = {{"z", Tensor::of(DType::f32, {1, 1}, Reals{2})}}})
                .inputs()
                .size(),
            1u);
  EXPECT_TRUE(contains(model.error({.dims = {{"bach", 4}}}), "no input of the model has a size"));
  EXPECT_TRUE(contains(model.error({.shapes = {{"x", {5}}}}), "the model says rank 2"));
  EXPECT_TRUE(contains(model.error({.shapes = {{"x", {5, 6}}, {"z", {4, 1}}}}), "batch is 5"));
  EXPECT_TRUE(contains(model.error({.shapes = {{"u", {5, 6}}}}), "has no input 'u'"));
  EXPECT_TRUE(contains(model.error({.constants = {{"z", Tensor::scalar(DType::f32, 2)}}}), "rank"));
}

TEST(Import, UnwantedOutputsAreAbsent) {
  ModelBuilder model;
  model.input("x", DType::f32, {1, 4})
      .initializer(int_tensor("k", {1}, {2}))
      .node("TopK", {"x", "k"}, {"", "i"})
      .output("i");
  EXPECT_TRUE(contains(print(model.import(), {.types = false}), "_, %i = TopK(%x, %k)"));
}

TEST(Import, SizesThatOnlyRunningTellsHaveTheModelsNames) {
  ModelBuilder model;
  model.input("x", DType::f32, {4})
      .node("NonZero", {"x"}, {"y"})
      .node("NonZero", {"y"}, {"z"})
      .output("y", DType::i64, {1, "found"})
      .output("z", DType::i64, {2, "found"});
  const Graph graph = model.import();
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "i64[1,found]");
  const Dim second = graph.type(graph.outputs()[1]).shape[1];
  EXPECT_FALSE(second == Dim::symbol("found")) << "the model says so, but nothing makes it true";
}

TEST(Import, ANodeOfTheGraphCanBeItsInput) {
  ModelBuilder model;
  model.input("x", DType::f32, {2}).node("Identity", {"x"}, {"y"}).output("y").output("x");
  EXPECT_EQ(model.import().outputs().size(), 2u);
}

struct BadModel {
  const char* message;
  ErrorCode code;
  void (*build)(ModelBuilder& model);
};

TEST(Import, BadModelsAreRefused) {
  const BadModel rows[] = {
      {"the op Frobnicate is not supported", ErrorCode::unsupported,
       [](ModelBuilder& m) { m.node("Frobnicate", {"x"}, {"y"}).output("y"); }},
      {"node 'f' (Frobnicate, opset 28)", ErrorCode::unsupported,
       [](ModelBuilder& m) { m.node("Frobnicate", {"x"}, {"y"}, {}, "f").output("y"); }},
      {"the domain 'org.acme' is not known", ErrorCode::unsupported,
       [](ModelBuilder& m) {
         m.node("Relu", {"x"}, {"y"}).output("y");
         m.graph.mutable_node(0)->set_domain("org.acme");
       }},
      {"opset 29 of domain 'ai.onnx' is not known yet", ErrorCode::unsupported,
       [](ModelBuilder& m) {
         m.model.mutable_opset_import(0)->set_version(29);
         m.node("Relu", {"x"}, {"y"}).output("y");
       }},
      {"does not say which opset it is of", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.model.clear_opset_import();
         m.node("Relu", {"x"}, {"y"}).output("y");
       }},
      {"the IR version is missing", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.model.clear_ir_version();
         m.node("Relu", {"x"}, {"y"}).output("y");
       }},
      {"the model has no output", ErrorCode::invalid, [](ModelBuilder&) {}},
      {"'u' is used, but no input", ErrorCode::invalid,
       [](ModelBuilder& m) { m.node("Relu", {"u"}, {"y"}).output("y"); }},
      {"'v' is used, but no input", ErrorCode::invalid,
       [](ModelBuilder& m) { m.node("Relu", {"x"}, {"y"}).output("v"); }},
      {"two nodes give 'y'", ErrorCode::invalid,
       [](ModelBuilder& m) { m.node("Relu", {"x"}, {"y"}).node("Neg", {"x"}, {"y"}).output("y"); }},
      {"in a cycle; among them: Relu_0", ErrorCode::invalid,
       [](ModelBuilder& m) { m.node("Relu", {"x"}, {"x"}).output("x"); }},
      {"'x' is defined twice", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.input("z", DType::f32, {2}).node("Relu", {"z"}, {"x"}).output("x");
       }},
      {"in a cycle; among them: one, two", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.node("Relu", {"b"}, {"a"}, {}, "one").node("Neg", {"a"}, {"b"}, {}, "two").output("a");
       }},
      {"two inputs 'x'", ErrorCode::invalid,
       [](ModelBuilder& m) { m.input("x", DType::f32, {}).output("x"); }},
      {"input 'z': 'z' has no type", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.graph.add_input()->set_name("z");
         m.output("x");
       }},
      {"the model declares 'y' as f32[2,4], but it is f32[2,3]", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.node("Relu", {"x"}, {"y"}).output("y", DType::f32, {2, 4});
       }},
      {"the model declares 'y' as i64[2,3]", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.node("Relu", {"x"}, {"y"}).output("y", DType::i64, {2, 3});
       }},
      {"initializer 'w': 1 values", ErrorCode::invalid,
       [](ModelBuilder& m) { m.initializer(float_tensor("w", {2}, {1})).output("x"); }},
      {"too many elements", ErrorCode::limit,
       [](ModelBuilder& m) {
         m.input("big", DType::f32, {1L << 40, 1L << 40}).node("Relu", {"big"}, {"y"}).output("y");
       }},
      {"do not broadcast", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.input("z", DType::f32, {5}).node("Add", {"x", "z"}, {"y"}).output("y");
       }},
      {"attribute sharpness is not known", ErrorCode::unsupported,
       [](ModelBuilder& m) { m.node("Relu", {"x"}, {"y"}, {attr("sharpness", 1)}).output("y"); }},
      {"attribute alpha: it is given twice", ErrorCode::invalid,
       [](ModelBuilder& m) {
         m.node("Elu", {"x"}, {"y"}, {attr("alpha", 1.f), attr("alpha", 2.f)}).output("y");
       }},
  };
  for (const BadModel& row : rows) {
    ModelBuilder model;
    model.input("x", DType::f32, {2, 3});
    row.build(model);
    EXPECT_TRUE(contains(model.error(), row.message)) << row.message << "\n" << model.error();
    EXPECT_EQ(code_of(model), row.code) << row.message;
  }
}

TEST(Import, DamagedBytesAreRefused) {
  ModelBuilder model;
  model.input("x", DType::f32, {2}).node("Relu", {"x"}, {"y"}).output("y");
  const std::string good = model.bytes();
  const auto error_of = [](const std::string& bytes) -> std::string {
    try {
      import_bytes({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_TRUE(error_of(good).empty());
  EXPECT_TRUE(contains(error_of(""), "empty"));
  EXPECT_TRUE(contains(error_of("PK\3\4 and so on"), "ZIP archive"));
  EXPECT_TRUE(contains(error_of("\x93NUMPY and so on"), "NumPy array"));
  // Whatever is cut off or changed: an error or a model, but no crash.
  for (size_t k = 1; k < good.size(); ++k) {
    EXPECT_FALSE(error_of(good.substr(0, k)).empty() && k < good.size() - 4) << k;
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[k] = static_cast<char>(changed[k] ^ (1 << bit));
      error_of(changed);
    }
  }
  EXPECT_TRUE(contains(error_of(good.substr(0, good.size() - 6)), "at byte"));
}

TEST(Import, ValuesThatDecideShapesAreAskedFor) {
  ModelBuilder model;
  model.input("x", DType::f32, {2, 3})
      .input("shift", DType::i64, {1})
      .input("axes", DType::i64, {1})
      .node("Add", {"axes", "shift"}, {"sum"})
      .node("ReduceSum", {"x", "sum"}, {"y"}, {}, "reduce")
      .output("y");
  EXPECT_TRUE(contains(model.error(), "it comes from input 'axes', 'shift': give that"))
      << model.error();
  const ModelFile file(model.bytes());
  ImportOptions options;
  EXPECT_EQ(inputs_to_bind(file.path(), options), (std::vector<std::string>{"axes", "shift"}));
  const Ints one = {1};
  options.constants["axes"] = options.constants["shift"] = Tensor::ints(one);
  EXPECT_TRUE(contains(model.error(options), "axis 2"));
  options.constants["shift"] = Tensor::ints(Ints{0});
  EXPECT_TRUE(inputs_to_bind(file.path(), options).empty());
  const Graph graph = model.import(options);
  EXPECT_EQ(to_string(graph.type(graph.outputs()[0])), "f32[2,1]");
  EXPECT_EQ(declared_inputs(file.path(), options).size(), 3u);
}

TEST(Import, AllFindingsAreReportedAtOnce) {
  ModelBuilder model;
  model.input("x", DType::f32, {2, 3})
      .node("Frobnicate", {"x"}, {"a"}, {}, "one")
      .node("Relu", {"a"}, {"b"})
      .node("Splice", {"b"}, {"c"}, {}, "two")
      .node("Relu", {"x"}, {"d"}, {attr("size", 3)}, "three")
      .node("Neg", {"x"}, {"e"})
      .output("c")
      .output("d")
      .output("e");
  const ModelFile file(model.bytes());
  const std::vector<Finding> findings = check_file(file.path());
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].node + findings[1].node + findings[2].node, "onetwothree");
  EXPECT_EQ(findings[1].op, "Splice");
  EXPECT_TRUE(contains(findings[2].message, "size"));
  EXPECT_FALSE(findings[0].hint.empty());
}

TEST(Import, FilesAreNamedInErrors) {
  const ModelFile file("no model at all");
  try {
    import_file(file.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(contains(error.what(), file.path().string()));
    EXPECT_EQ(error.code(), ErrorCode::invalid);
  }
  EXPECT_THROW(import_file("/nonexistent/model.onnx"), Error);
  EXPECT_THROW(import_file("/tmp"), Error);
}

TEST(Import, TensorFilesHoldTensorsAndSequences) {
  const messages::TensorProto tensor = int_tensor("t", {2}, {4, 5});
  {
    const ModelFile file(tensor.SerializeAsString());
    const Datum datum = read_tensor_file(file.path(), Type::tensor(DType::i64, {2}));
    EXPECT_EQ(datum.tensor.to_ints(), (std::vector<int64_t>{4, 5}));
  }
  // SequenceProto: field 3, length-delimited, for each tensor.
  std::string sequence;
  for (int k = 0; k < 2; ++k) {
    const std::string item = tensor.SerializeAsString();
    sequence += std::string("\x1a") + static_cast<char>(item.size()) + item;
  }
  const ModelFile file(sequence);
  const Datum datum = read_tensor_file(file.path(), Type::sequence(Type::tensor(DType::i64, {2})));
  ASSERT_EQ(datum.items.size(), 2u);
  EXPECT_EQ(datum.items[1].tensor.to_ints(), (std::vector<int64_t>{4, 5}));
  const Type optional = Type::optional(Type::tensor(DType::i64, {2}));
  EXPECT_EQ(read_tensor_file(file.path(), optional).kind, Datum::Kind::tensor);
  const ModelFile empty("");
  EXPECT_EQ(read_tensor_file(empty.path(), optional).kind, Datum::Kind::none);
}

}  // namespace
}  // namespace dlc::onnx
