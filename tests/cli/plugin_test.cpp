// Operators of a plugin (examples/plugin/cube.c) in a model.
#include <gtest/gtest.h>

#include "tests/cli/models.h"
#include "tests/cli/run_dlc.h"
#include "tools/dlc/npy.h"

namespace dlc::cli_test {
namespace {

/// z = the positive elements of 2 * x^3, x: f32[4]
Model cubes() {
  Model model;
  model.input("x", {4}).output("z");
  auto& cube = model.node("Cube", {"x"}, {"y"});
  cube.set_domain("example");
  auto& factor = *cube.add_attribute();
  factor.set_name("factor");
  factor.set_type(::onnx::AttributeProto::FLOAT);
  factor.set_f(2);
  model.node("Positive", {"y"}, {"z"}).set_domain("example");
  auto& opset = *model.proto.add_opset_import();
  opset.set_domain("example");
  opset.set_version(1);
  return model;
}

TEST(Plugin, ItsOperatorsRunWithShapesThatOnlyTheyKnow) {
  const auto in = scratch_folder() / "x.npy";
  cli::write_npy(in, Tensor::of(DType::f32, {4}, std::vector<double>{1, -1, 0.5, 2}));
  const Outcome done = run_dlc(
      {"run", cubes().save(scratch_folder()), "-i", in.string(), "--plugin", DLC_CUBE_PLUGIN});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_NE(done.out.find("f32[3]"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("[2, 0.25, 16]"), std::string::npos) << done.out;
}

TEST(Plugin, WithoutItTheModelIsUnsupported) {
  const Outcome done = run_dlc({"run", cubes().save(scratch_folder())});
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_NE(done.err.find("the domain 'example' is not known"), std::string::npos) << done.err;
}

TEST(Plugin, AnyOtherFileIsRefused) {
  const Outcome done =
      run_dlc({"run", cubes().save(scratch_folder()), "--plugin", "/no/such/plugin.so"});
  EXPECT_EQ(done.exit_code, 4);
  EXPECT_NE(done.err.find("/no/such/plugin.so"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace dlc::cli_test
