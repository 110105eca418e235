// Mapped files and parsing of models.
// Next: damage.cpp (where a message breaks off).
#include "frontends/onnx/reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

/// Closes the descriptor when it goes.
struct Descriptor {
  int number;
  explicit Descriptor(int number) : number(number) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

template <typename Message>
void refuse_unknown_fields(const Message& message, const char* where) {
  if (message.unknown_fields().empty()) return;
  fail_as(ErrorCode::unsupported,
          "the model's IR version is newer than {}, and its {} has fields that are not known here; "
          "export it with an older IR version",
          static_cast<int>(proto::IR_VERSION), where);
}

/// A newer IR version may use only what the known ones have: anything else could change what the
/// model means.
void refuse_newer_fields(const proto::GraphProto& graph) {
  refuse_unknown_fields(graph, "graph");
  for (const proto::TensorProto& tensor : graph.initializer()) {
    refuse_unknown_fields(tensor, "initializer");
  }
  for (const proto::NodeProto& node : graph.node()) {
    refuse_unknown_fields(node, "node");
    for (const proto::AttributeProto& attr : node.attribute()) {
      refuse_unknown_fields(attr, "attribute");
      if (attr.has_g()) refuse_newer_fields(attr.g());
    }
  }
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const auto give_up = [&](const char* why) {
    fail_as(ErrorCode::failed, "{}: {}", path.string(), why);
  };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) give_up(std::strerror(errno));
  struct stat status = {};
  if (::fstat(file.number, &status) != 0) give_up(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) give_up("not a regular file");
  const auto size = static_cast<size_t>(status.st_size);
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number, 0);
    if (data == MAP_FAILED) give_up(std::strerror(errno));
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const uint8_t*>(data), size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<uint8_t*>(data_), size_);
}

std::shared_ptr<const proto::ModelProto> parse_model(std::span<const uint8_t> bytes) {
  if (bytes.empty()) fail("the file is empty");
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    fail_as(ErrorCode::limit,
            "{} bytes, but a model can have 2 GB at most; export the weights as external data",
            bytes.size());
  }
  auto model = std::make_shared<proto::ModelProto>();
  const bool parsed = model->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  const bool plausible = parsed && (model->has_graph() || model->has_ir_version());
  if (!plausible) {
    const std::string kind = kind_of_file(bytes);
    if (!kind.empty()) fail("this is {}, not an ONNX model", kind);
    if (parsed) fail("not an ONNX model: there is no graph in it");
    const std::string damage = explain_damage(bytes);
    fail("not an ONNX model, or a damaged one{}{}", damage.empty() ? "" : ": ", damage);
  }
  if (model->ir_version() > proto::IR_VERSION) {
    refuse_unknown_fields(*model, "model");
    refuse_newer_fields(model->graph());
  }
  return model;
}

}  // namespace dlc::onnx
