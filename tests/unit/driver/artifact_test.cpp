// Programs in files: what is loaded runs as what was saved; what is damaged is refused.
#include "runtime/artifact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/ops/op_def.h"
#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/session.h"
#include "tests/support/random_inputs.h"

namespace dlc {
namespace {

namespace fs = std::filesystem;

HostFunction find_host(std::string_view name) {
  const OpDef* def = find_op(name);
  return def ? def->host : nullptr;
}

/// A file of its own, gone at the end of the test.
struct ScratchFile {
  fs::path path = fs::path(testing::TempDir()) /
                  fmt::format("dlc-artifact-{}-{}", getpid(),
                              testing::UnitTest::GetInstance()->current_test_info()->name());
  ScratchFile() { fs::remove(path); }
  ~ScratchFile() { fs::remove(path); }
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // to overwrite a file takes ten times as long on some file systems
  std::ofstream(path, std::ios::binary) << bytes;
}

const ArtifactNotes here = {cpu_signature(), "some notes"};

/// Saved, loaded and run, the program gives what it gave before.
void expect_round_trip(const std::string& text) {
  const ScratchFile file;
  const Graph graph = parse(text);
  const std::vector<Datum> inputs = test::random_inputs(graph, 3);
  const auto program = compile(graph, {.threads = 1});
  save_program(*program, here, file.path);
  const LoadedProgram loaded = load_program(file.path, find_host, 2);
  EXPECT_EQ(loaded.notes.text, here.text);
  ThreadPool pool(1);
  const std::vector<Datum> want = Session(program, pool).run(inputs);
  const std::vector<Datum> got = Session(loaded.program, pool).run(inputs);
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(loaded.program->outputs[i].name, program->outputs[i].name);
    EXPECT_EQ(loaded.program->outputs[i].type, program->outputs[i].type);
    EXPECT_TRUE(identical(got[i].tensor, want[i].tensor)) << "output " << i;
  }
}

constexpr const char* dense = R"(graph @main(%x: f32[batch,3]) -> (f32[batch,2]) {
  %w = Constant(value=f32[3,2]{1, 2, 3, 4, 5, 6}) : f32[3,2]
  %0 = MatMul(%x, %w) : f32[batch,2]
  %1 = Tanh(%0) : f32[batch,2]
  return %1
})";

TEST(Artifact, PackedWeightsAndSymbolicSizesComeBack) { expect_round_trip(dense); }

constexpr const char* bound =
    R"(graph @main(%x: f32[n,4]) -> (i64[2,$k], f32[2,4]) {
    %k = Constant(value=i64[1]{2}) : i64[1]
    %0 = NonZero(%x) : i64[2,$k]
    %1, %2 = TopK(%x, %k, axis=0, largest=0) : f32[2,4], i64[2,4]
    return %0, %1
  })";

TEST(Artifact, HostFunctionsTheirAttributesAndBoundSizesComeBack) { expect_round_trip(bound); }

constexpr const char* nested =
    R"(graph @main(%n: i64[], %c: bool[], %x: f32[batch,4]) -> (f32[batch,4], f32[batch,4]) {
    %0 = Loop(%n, _, %x,
              body=graph @b(%i: i64[], %go: bool[], %s: f32[batch,4]) -> (bool[], f32[batch,4]) {
                %t = Add(%s, %s) : f32[batch,4]
                return %go, %t
              }) : f32[batch,4]
    %1 = If(%c, %x, then_branch=graph @t(%a: f32[batch,4]) -> (f32[batch,4]) {
              %e = Exp(%a) : f32[batch,4]
              return %e
            },
            else_branch=graph @e(%a: f32[batch,4]) -> (f32[batch,4]) { return %a }) : f32[batch,4]
    return %0, %1
  })";

TEST(Artifact, NestedProgramsComeBack) { expect_round_trip(nested); }

TEST(Artifact, ConstantsOfStringsComeBack) {
  expect_round_trip(R"(graph @main(%x: f32[2]) -> (f32[2], str[2]) {
    %s = Constant(value=str[2]{"one", "two"}) : str[2]
    %0 = Relu(%x) : f32[2]
    return %0, %s
  })");
}

TEST(Artifact, AnyDamagedByteIsNoticed) {
  const ScratchFile file;
  save_program(*compile(parse(dense), {.threads = 1}), here, file.path);
  const std::string sound = read(file.path);
  constexpr size_t header = 136, page = 4096;  // the rest of the header's page says nothing
  for (size_t at = 0; at < sound.size(); at += at < header ? 3 : 29) {
    if (at >= header && at < page) continue;
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    write(file.path, bytes);
    EXPECT_THROW(load_program(file.path, find_host, 1), Error) << "byte " << at;
  }
}

TEST(Artifact, AFileThatBreaksOffOrGoesOnIsRefused) {
  const ScratchFile file;
  save_program(*compile(parse(dense), {.threads = 1}), here, file.path);
  const std::string sound = read(file.path);
  for (const size_t size : {size_t{0}, size_t{5}, size_t{100}, size_t{4096}, sound.size() - 1}) {
    write(file.path, sound.substr(0, size));
    EXPECT_THROW(load_program(file.path, find_host, 1), Error) << size << " bytes";
  }
  write(file.path, sound + "x");
  EXPECT_THROW(load_program(file.path, find_host, 1), Error);
}

TEST(Artifact, ErrorsSayWhatIsWrong) {
  const ScratchFile file;
  const auto message = [&] {
    try {
      load_program(file.path, find_host, 1);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message().find("No such file"), std::string::npos) << message();
  write(file.path, "\x08\x07 this is an ONNX model, or something like it");
  EXPECT_NE(message().find("no compiled program"), std::string::npos) << message();
  fs::remove(file.path);
  save_program(*compile(parse(dense), {.threads = 1}), {"another machine", ""}, file.path);
  EXPECT_NE(message().find("another machine"), std::string::npos) << message();
  std::string newer = read(file.path);
  newer[8] = 77;
  write(file.path, newer);
  EXPECT_NE(message().find("format 77"), std::string::npos) << message();
}

/// The program is sound, and refused once it is spoilt.
class Spoiler {
 public:
  explicit Spoiler(const char* text) : compiled_(compile(parse(text), {.threads = 1})) {
    EXPECT_NO_THROW(check_program(*compiled_));
  }
  template <typename Spoil>
  void operator()(const Spoil& spoil, int line = __builtin_LINE()) const {
    Program program = *compiled_;
    spoil(program);
    EXPECT_THROW(check_program(program), Error) << "line " << line;
  }

 private:
  std::shared_ptr<const Program> compiled_;
};

template <typename StepKind>
StepKind& first(Program& program) {
  for (Step& step : program.steps)
    if (auto* found = std::get_if<StepKind>(&step)) return *found;
  ADD_FAILURE() << "no such step";
  throw Error(ErrorCode::failed, "no such step");
}

Slot& first(Program& program, Storage storage) {
  return *std::ranges::find(program.slots, storage, &Slot::storage);
}

TEST(Artifact, AProgramWithIndicesOutOfBoundsIsRefused) {
  const Spoiler refused(dense);
  refused([](Program& p) { p.output_slots[0] = 1000; });
  refused([](Program& p) { p.slots[0].shape[0] = -1; });
  refused([](Program& p) { p.dims[0].code.clear(); });
  refused([](Program& p) { p.dims[0].code.push_back({DimCode::Op::add}); });
  refused([](Program& p) { p.dims[0].code = {{DimCode::Op::symbol, 9}}; });
  refused([](Program& p) { p.dim_epoch[0] = 5; });
  refused([](Program& p) { std::get<KernelStep>(p.steps[0]).buffers[0] = 99; });
  refused([](Program& p) { std::get<KernelStep>(p.steps[0]).items = 9999; });
  refused([](Program& p) { p.input_slots.clear(); });
}

TEST(Artifact, AProgramWhoseValuesContradictEachOtherIsRefused) {
  const Spoiler refused(dense);
  refused([](Program& p) { first(p, Storage::constant).dtype = DType::f64; });
  refused([](Program& p) { first(p, Storage::constant).shape.pop_back(); });
  refused([](Program& p) { first(p, Storage::constant).shape[0] = p.inputs[0].shape[0]; });
  refused([](Program& p) { first(p, Storage::input).dtype = DType::u8; });
  refused([](Program& p) { first(p, Storage::input).storage = Storage::arena; });
  refused([](Program& p) { p.constants[0] = {}; });
  refused([](Program& p) { p.inputs[0].type = "f32[*]"; });
  const Spoiler arena(bound);
  arena([](Program& p) { first(p, Storage::host).storage = Storage::arena; });
  arena([](Program& p) { first(p, Storage::constant).dtype = DType::undefined; });
}

TEST(Artifact, AProgramWhoseStepsMakeNoSenseIsRefused) {
  const Spoiler binding(bound);
  binding([](Program& p) { first<BindStep>(p).shapes.push_back({0, -1, 0}); });
  binding([](Program& p) { first<BindStep>(p).elements.push_back({0, -1, 0}); });
  binding([](Program& p) { first<HostStep>(p).outputs[0] = p.input_slots[0]; });
  const Spoiler inner(nested);
  inner([](Program& p) { first<IfStep>(p).outputs.push_back(-1); });
  inner([](Program& p) { first<IfStep>(p).outputs.clear(); });
  inner([](Program& p) { first<IfStep>(p).outputs[0] = p.input_slots[0]; });
  inner([](Program& p) { first<LoopStep>(p).outputs.clear(); });
  inner([](Program& p) { first<LoopStep>(p).outputs[0] = p.input_slots[0]; });
  inner([](Program& p) { first<LoopStep>(p).states.clear(); });
}

}  // namespace
}  // namespace dlc
