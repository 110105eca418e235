// Programs to bytes and back.
#include "runtime/artifact.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include "runtime/cpu.h"
#include "runtime/digest.h"
#include "runtime/error.h"
#include "runtime/fields.h"
#include "runtime/mapped_file.h"

namespace dlc {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr char magic[8] = {'d', 'l', 'c', '-', 'p', 'r', 'o', 'g'};
constexpr uint32_t format_version = 1;
constexpr uint64_t page = 4096;
constexpr uint64_t tensor_alignment = 64;
constexpr int deepest_program = 64;

struct Part {
  uint64_t offset = 0, size = 0;
  Digest digest;
};

struct Header {
  char magic[8];
  uint32_t version, reserved;
  uint64_t file_size;
  Part weights, code, description;
  Digest digest;  ///< of all before
};

Digest digest_of(const Header& header) {
  return digest(std::span(reinterpret_cast<const uint8_t*>(&header), offsetof(Header, digest)));
}

/// Appends to a file.
class FileWriter {
 public:
  explicit FileWriter(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (!file_) give_up();
  }
  uint64_t size() const { return size_; }
  int number() const { return file_.number(); }
  void write(std::span<const uint8_t> bytes) {
    write_at(size_, bytes);
    size_ += bytes.size();
  }
  void write_at(uint64_t offset, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t n =
          ::pwrite(file_.number(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) give_up();
      offset += static_cast<uint64_t>(n);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
  }

 private:
  [[noreturn]] void give_up() const {
    fail_as(ErrorCode::failed, "{}: {}", path_.string(), std::strerror(errno));
  }
  std::filesystem::path path_;
  Descriptor file_;
  uint64_t size_ = 0;
};

/// The weights' part of a file that is being written. A tensor that is there already is not
/// written again.
class WeightsWriter {
 public:
  explicit WeightsWriter(FileWriter& file) : file_(file), begin_(file.size()) {}

  /// The offset of the tensor's bytes within the part. All tensors that are added must live until
  /// the last one is.
  uint64_t add(const Tensor& tensor) {
    const auto key = std::pair(tensor.data(), static_cast<uint64_t>(tensor.bytes()));
    const auto found = known_.find(key);
    return found != known_.end() ? found->second : known_[key] = write(tensor);
  }
  /// Writes a tensor of at least a page; gives it as it is in the file.
  Tensor map(const Tensor& tensor) {
    const uint64_t offset = write(tensor);
    const auto bytes = static_cast<size_t>(tensor.bytes());
    void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file_.number(),
                          static_cast<off_t>(begin_ + offset));
    if (mapped == MAP_FAILED) return tensor;
    known_[{mapped, bytes}] = offset;
    const auto unmap = [bytes](const void* data) { ::munmap(const_cast<void*>(data), bytes); };
    kept_.push_back(Tensor::borrow(tensor.dtype(), tensor.shape(), mapped,
                                   std::shared_ptr<const void>(mapped, unmap)));
    return kept_.back();
  }
  Part finish() { return {begin_, file_.size() - begin_, digest_.finish()}; }

 private:
  uint64_t write(const Tensor& tensor) {
    const auto bytes = static_cast<uint64_t>(tensor.bytes());
    align(bytes >= page ? page : tensor_alignment);
    const uint64_t offset = file_.size() - begin_;
    append({static_cast<const uint8_t*>(tensor.data()), bytes});
    return offset;
  }
  void align(uint64_t alignment) {
    static constexpr uint8_t zeros[page] = {};
    const uint64_t over = file_.size() % alignment;
    if (over != 0) append({zeros, alignment - over});
  }
  void append(std::span<const uint8_t> bytes) {
    digest_.update(bytes);
    file_.write(bytes);
  }

  FileWriter& file_;
  uint64_t begin_;
  StreamDigest digest_;
  std::map<std::pair<const void*, uint64_t>, uint64_t> known_;  ///< offsets
  std::vector<Tensor> kept_;
};

/// Turns structures into bytes, by their fields.
class Writer {
 public:
  Writer(WeightsWriter& weights, const MachineCode* code) : weights_(weights), code_(code) {}
  std::vector<uint8_t> bytes;

  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  void host_function(const HostStep&) {}  // found again by the step's name

 private:
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(const T& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    bytes.insert(bytes.end(), from, from + sizeof value);
  }
  void put(const std::string& text) {
    put(uint64_t{text.size()});
    bytes.insert(bytes.end(), text.begin(), text.end());
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put(uint64_t{values.size()});
    for (const T& value : values) put(value);
  }
  void put(const std::vector<bool>& values) {
    put(uint64_t{values.size()});
    for (const bool value : values) put(value);
  }
  template <typename A, typename B>
  void put(const std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <typename... T>
  void put(const std::variant<T...>& value) {
    put(uint64_t{value.index()});
    std::visit([&](const auto& chosen) { put(chosen); }, value);
  }
  void put(std::monostate) {}
  void put(const Attributes& attributes) {
    put(uint64_t{attributes.all().size()});
    for (const auto& entry : attributes.all()) put(entry);
  }
  void put(KernelFunction function) {
    if (!code_) fail_as(ErrorCode::failed, "a program without code of its own cannot be saved");
    put(code_->offset_of(function));
  }
  void put(const Tensor& tensor) {
    (*this)(tensor.dtype(), tensor.shape());
    if (tensor.empty()) return;
    if (tensor.dtype() == DType::string) {
      const auto texts = tensor.as<std::string>();
      return put(std::vector<std::string>(texts.begin(), texts.end()));
    }
    put(weights_.add(tensor));
  }
  void put(const std::shared_ptr<const Program>& nested) { put(*nested); }
  template <typename T>
  requires requires(Writer& w, const T& value) { fields(w, value); }
  void put(const T& value) { fields(*this, value); }

  WeightsWriter& weights_;
  const MachineCode* code_;
};

/// Turns bytes into structures; believes nothing.
class Reader {
 public:
  struct Context {
    const Tensor& weights;  ///< bytes
    const MachineCode* code;
    FindHostFunction find;
  };
  Reader(std::span<const uint8_t> bytes, const Context& context)
      : bytes_(bytes), context_(context) {}

  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  void host_function(HostStep& step) {
    step.function = context_.find(step.name);
    if (!step.function) fail("it needs a host function '{}', which is not known here", step.name);
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  [[noreturn]] static void broken() { fail("its description breaks off or contradicts itself"); }
  std::span<const uint8_t> take(uint64_t size) {
    if (size > bytes_.size()) broken();
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void get(T& value) { std::memcpy(&value, take(sizeof value).data(), sizeof value); }
  void get(bool& value) { value = take(1)[0] != 0; }
  /// The length of a list, each of whose items takes at least a byte.
  uint64_t count() {
    uint64_t n = 0;
    get(n);
    if (n > bytes_.size()) broken();
    return n;
  }
  void get(std::string& text) {
    const auto taken = take(count());
    text.assign(taken.begin(), taken.end());
  }
  template <typename T>
  void get(std::vector<T>& values) {
    values.resize(count());
    for (T& value : values) get(value);
  }
  void get(std::vector<bool>& values) {
    values.resize(count());
    for (size_t i = 0; i < values.size(); ++i) values[i] = take(1)[0] != 0;
  }
  template <typename A, typename B>
  void get(std::pair<A, B>& pair) {
    (*this)(pair.first, pair.second);
  }
  template <typename... T>
  void get(std::variant<T...>& value) {
    uint64_t index = 0;
    get(index);
    uint64_t k = 0;
    ((k++ == index ? get(value.template emplace<T>()) : void()), ...);
    if (index >= sizeof...(T)) broken();
  }
  void get(std::monostate&) {}
  void get(Attributes& attributes) {
    for (uint64_t n = count(); n > 0; --n) {
      std::pair<std::string, PlainAttr> entry;
      get(entry);
      attributes.set(std::move(entry.first), std::move(entry.second));
    }
  }
  void get(KernelFunction& function) {
    uint64_t offset = 0;
    get(offset);
    function = context_.code->function(offset);
  }
  void get(Tensor& tensor) {
    auto dtype = DType::undefined;
    Shape shape;
    (*this)(dtype, shape);
    if (dtype == DType::undefined) return;
    if (static_cast<int>(dtype) >= dtype_count) broken();
    if (dtype == DType::string) {
      std::vector<std::string> texts;
      get(texts);
      if (element_count(shape) != std::ssize(texts)) broken();
      tensor = Tensor::strings(std::move(shape), std::move(texts));
      return;
    }
    uint64_t offset = 0;
    get(offset);
    const int64_t bytes = byte_size(dtype, element_count(shape));
    const std::span<const uint8_t> weights = context_.weights.as<uint8_t>();
    if (offset % tensor_alignment != 0 || offset > weights.size() ||
        static_cast<uint64_t>(bytes) > weights.size() - offset)
      broken();
    tensor =
        Tensor::borrow(dtype, std::move(shape), weights.data() + offset, context_.weights.owner());
  }
  void get(std::shared_ptr<const Program>& nested) {
    if (++depth_ > deepest_program) broken();
    auto program = std::make_shared<Program>();
    get(*program);
    nested = std::move(program);
    --depth_;
  }
  template <typename T>
  requires requires(Reader& r, T& value) { fields(r, value); }
  void get(T& value) { fields(*this, value); }

  std::span<const uint8_t> bytes_;
  const Context& context_;
  int depth_ = 0;
};

Part write_part(FileWriter& file, std::span<const uint8_t> bytes) {
  const Part part{file.size(), bytes.size(), digest(bytes)};
  file.write(bytes);
  return part;
}

Header read_header(std::span<const uint8_t> bytes) {
  Header header;
  if (bytes.size() < sizeof magic || std::memcmp(bytes.data(), magic, sizeof magic) != 0)
    fail("this is no compiled program");
  if (bytes.size() < page) fail("damaged: it breaks off");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != format_version)
    fail("a compiled program of format {}, but this dlc reads format {}; compile it again",
         header.version, format_version);
  if (header.digest != digest_of(header)) fail("damaged: its header");
  if (header.file_size != bytes.size())
    fail("damaged: it has {} bytes and should have {}", bytes.size(), header.file_size);
  for (const Part& part : {header.weights, header.code, header.description})
    if (part.offset > bytes.size() || part.size > bytes.size() - part.offset)
      fail("damaged: its header");
  if (header.weights.offset % page != 0) fail("damaged: its header");
  return header;
}

/// The weights, checked: where they are mapped, or if they are many in huge pages, from which they
/// come faster (see tensor.cpp) than from the pages of a file.
Tensor read_weights(const std::shared_ptr<const MappedFile>& file, const Part& part, int threads) {
  constexpr uint64_t many = uint64_t{4} << 20;
  const Shape shape = {static_cast<int64_t>(part.size)};
  Tensor weights = part.size < many
                       ? Tensor::borrow(DType::u8, shape, file->bytes().data() + part.offset, file)
                       : Tensor::allocate(DType::u8, shape);
  auto* const to = part.size < many ? nullptr : weights.as_mutable<uint8_t>().data();
  if (digest_file(file->file().number(), part.offset, part.size, threads, {}, to) != part.digest)
    fail("damaged: its weights");
  return weights;
}

}  // namespace

struct ArtifactWriter::State {
  FileWriter file;
  WeightsWriter weights;

  explicit State(const std::filesystem::path& path) : file(path), weights(after_header(file)) {}
  static FileWriter& after_header(FileWriter& file) {
    file.write(std::vector<uint8_t>(page));
    return file;
  }
};

ArtifactWriter::ArtifactWriter(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {}
ArtifactWriter::~ArtifactWriter() = default;

Tensor ArtifactWriter::keep(Tensor tensor) {
  if (tensor.dtype() == DType::string || tensor.bytes() < static_cast<int64_t>(page)) return tensor;
  return state_->weights.map(tensor);
}

void ArtifactWriter::finish(const Program& program, const ArtifactNotes& notes) {
  FileWriter& file = state_->file;
  Header header = {};
  std::memcpy(header.magic, magic, sizeof magic);
  header.version = format_version;
  Writer description(state_->weights, program.code.get());
  const CodeImage image = program.code ? program.code->image() : CodeImage();
  description(notes.target, notes.text, image.imports, program);
  header.weights = state_->weights.finish();
  header.code = write_part(file, image.bytes);
  header.description = write_part(file, description.bytes);
  header.file_size = file.size();
  header.digest = digest_of(header);
  file.write_at(0, {reinterpret_cast<const uint8_t*>(&header), sizeof header});
}

void save_program(const Program& program, const ArtifactNotes& notes,
                  const std::filesystem::path& path) {
  ArtifactWriter(path).finish(program, notes);
}

LoadedProgram load_program(const std::filesystem::path& path, FindHostFunction find, int threads) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  return with_context(
      [&] { return path.string(); },
      [&] {
        const std::span<const uint8_t> bytes = file->bytes();
        const Header header = read_header(bytes);
        const auto part = [&](const Part& p) { return bytes.subspan(p.offset, p.size); };
        if (digest(part(header.description)) != header.description.digest)
          fail("damaged: its description");
        if (digest(part(header.code)) != header.code.digest) fail("damaged: its code");
        const Tensor weights = read_weights(file, header.weights, threads);

        LoadedProgram loaded;
        CodeImage image;
        Reader::Context context{weights, nullptr, find};
        Reader reader(part(header.description), context);
        reader(loaded.notes.target, loaded.notes.text, image.imports);
        if (loaded.notes.target != cpu_signature())
          fail_as(ErrorCode::unsupported, "compiled for another machine; compile it here");
        const auto code = part(header.code);
        image.bytes.assign(code.begin(), code.end());
        auto program = std::make_shared<Program>();
        program->code = std::make_shared<const MachineCode>(image);
        context.code = program->code.get();
        reader(*program);
        if (!reader.at_end()) fail("damaged: its description");
        check_program(*program);
        loaded.program = std::move(program);
        return loaded;
      });
}

}  // namespace dlc
