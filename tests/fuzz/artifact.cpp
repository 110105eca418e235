// Fuzzes the reader of artifacts: a file whose digests are right is refused, or is a program of
// which a session can be made. Its code is never run.
//
//   the header, without the rest of its page | the parts; their digests are made right here
#include "runtime/artifact.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "compiler/driver/compile.h"
#include "compiler/ir/text.h"
#include "compiler/ops/op_def.h"
#include "runtime/cpu.h"
#include "runtime/digest.h"
#include "runtime/mapped_file.h"
#include "runtime/session.h"
#include "tests/fuzz/fuzz.h"
#include "tools/dlc/files.h"

namespace dlc::fuzz {
namespace {

// Where things are in a header: see runtime/artifact.cpp.
constexpr size_t page = 4096, file_size = 16, parts = 24, header_digest = 120, header = 136;
struct Part {
  uint64_t offset, size;
  Digest digest;
};
constexpr size_t weights = 0, code = 1, description = 2;

template <typename T>
void put(std::string& file, size_t at, const T& value) {
  std::memcpy(file.data() + at, &value, sizeof value);
}

Part part(const std::string& file, size_t index) {
  Part part;
  std::memcpy(&part, file.data() + parts + index * sizeof part, sizeof part);
  return part;
}

/// The description begins with the machine that the file is for: without a name, it is for this
/// one. It ends where the file does.
void complete_description(std::string& file) {
  Part last = part(file, description);
  if (last.offset < page || last.offset > file.size()) return;
  const std::string machine = cpu_signature();
  if (file.compare(last.offset, 8, std::string(8, '\0')) == 0) {
    put(file, last.offset, uint64_t{machine.size()});
    file.insert(last.offset + 8, machine);
  }
  last.size = file.size() - last.offset;
  put(file, parts + description * sizeof last, last);
}

void repair_digests(std::string& file) {
  const std::span bytes(reinterpret_cast<const uint8_t*>(file.data()), file.size());
  put(file, file_size, uint64_t{file.size()});
  for (const size_t index : {weights, code, description}) {
    Part p = part(file, index);
    if (p.offset < page || p.offset > file.size() || p.size > file.size() - p.offset) continue;
    const auto content = bytes.subspan(p.offset, p.size);
    StreamDigest stream;
    stream.update(content);
    p.digest = index == weights ? stream.finish() : digest(content);
    put(file, parts + index * sizeof p, p);
  }
  put(file, header_digest, digest(bytes.first(header_digest)));
}

/// Throws what the reader says against the input.
void load(std::string bytes) {
  bytes.insert(header, page - header, '\0');
  complete_description(bytes);
  repair_digests(bytes);
  const Descriptor file(::memfd_create("artifact", MFD_CLOEXEC));
  if (::write(file.number(), bytes.data(), bytes.size()) != std::ssize(bytes)) std::abort();
  const auto find = [](std::string_view name) -> HostFunction {
    const OpDef* def = find_op(name);
    return def ? def->host : nullptr;
  };
  static ThreadPool pool(1);
  const std::string path = fmt::format("/proc/self/fd/{}", file.number());
  const Session session(load_program(path, find, 1).program, pool);
}

/// The program with a little code for all kernels, which is enough to be loaded.
std::shared_ptr<const Program> stripped(const Program& from,
                                        const std::shared_ptr<const MachineCode>& little) {
  auto program = std::make_shared<Program>(from);
  program->code = little;
  const auto nested = [&](std::shared_ptr<const Program>& inner) {
    inner = stripped(*inner, little);
  };
  for (Step& step : program->steps) {
    if (auto* kernel = std::get_if<KernelStep>(&step)) kernel->function = little->function(0);
    if (auto* loop = std::get_if<LoopStep>(&step)) nested(loop->body);
    if (auto* scan = std::get_if<ScanStep>(&step)) nested(scan->body);
    if (auto* branch = std::get_if<IfStep>(&step)) {
      nested(branch->then_branch);
      nested(branch->else_branch);
    }
  }
  return program;
}

constexpr std::array graphs = {
    R"(graph @main(%x: f32[n,3]) -> (f32[n,2], str[2]) {
  %w = Constant(value=f32[3,2]{1, 2, 3, 4, 5, 6}) : f32[3,2]
  %s = Constant(value=str[2]{"a", "b"}) : str[2]
  %0 = MatMul(%x, %w) : f32[n,2]
  %1 = Tanh(%0) : f32[n,2]
  return %1, %s
})",
    R"(graph @main(%x: f32[n,4]) -> (i64[2,$k], f32[2,4]) {
  %k = Constant(value=i64[1]{2}) : i64[1]
  %0 = NonZero(%x) : i64[2,$k]
  %1, %2 = TopK(%x, %k, axis=0, largest=0) : f32[2,4], i64[2,4]
  return %0, %1
})",
    R"(graph @main(%n: i64[], %c: bool[], %x: f32[b,4]) -> (f32[b,4], f32[b,4]) {
  %0 = Loop(%n, _, %x,
            body=graph @b(%i: i64[], %go: bool[], %s: f32[b,4]) -> (bool[], f32[b,4]) {
              %t = Add(%s, %s) : f32[b,4]
              return %go, %t
            }) : f32[b,4]
  %1 = If(%c, %x, then_branch=graph @t(%a: f32[b,4]) -> (f32[b,4]) {
            %e = Exp(%a) : f32[b,4]
            return %e
          },
          else_branch=graph @e(%a: f32[b,4]) -> (f32[b,4]) { return %a }) : f32[b,4]
  return %0, %1
})",
    R"(graph @main(%s: f32[2], %x: f32[n,2]) -> (f32[2], f32[n,2]) {
  %0, %1 = Scan(%s, %x, num_scan_inputs=1,
                body=graph @b(%a: f32[2], %e: f32[2]) -> (f32[2], f32[2]) {
                  %t = Add(%a, %e) : f32[2]
                  return %t, %t
                }) : f32[2], f32[n,2]
  return %0, %1
})"};

}  // namespace
}  // namespace dlc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dlc::fuzz;
  if (size >= header) accepts([&] { load({reinterpret_cast<const char*>(data), size}); });
  return 0;
}

std::vector<std::string> dlc::fuzz::seeds() {
  const auto little = std::make_shared<const MachineCode>(
      CodeImage{.bytes = std::vector<uint8_t>(16, 0xcc), .imports = {{.cell = 8, .name = "expf"}}});
  std::vector<std::string> files;
  for (const char* text : graphs) {
    const auto program = compile(parse(text), {.vector_bits = 128, .threads = 1});
    const auto path = std::filesystem::temp_directory_path() /
                      fmt::format("dlc-fuzz-{}-{}", ::getpid(), files.size());
    save_program(*stripped(*program, little), {"", "a note"}, path);
    files.push_back(cli::read_file(path).erase(header, page - header));
    std::filesystem::remove(path);
    load(files.back());  // it is one that can be loaded
  }
  return files;
}
