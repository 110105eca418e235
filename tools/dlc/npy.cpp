// .npy files: the header is a Python dict in ASCII, the elements follow. Zip archives: zip.cpp.
#include "tools/dlc/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <optional>

#include "runtime/error.h"
#include "runtime/numeric.h"
#include "tools/dlc/files.h"
#include "tools/dlc/zip.h"

namespace dlc::cli {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

/// What the header's `descr` says: '<f4', '|b1', '<U5', ...
struct Descr {
  bool big_endian = false;
  char kind = 0;      // f i u b c U S
  int64_t bytes = 0;  // of one element; for U: characters of 4 bytes
};

struct Header {
  Descr descr;
  bool fortran_order = false;
  Shape shape;
  size_t data_offset = 0;
};

struct NumericKind {
  char kind;
  int64_t bytes;
  DType dtype;
};
constexpr NumericKind numeric_kinds[] = {
    {'f', 4, DType::f32}, {'f', 8, DType::f64},   {'f', 2, DType::f16}, {'i', 1, DType::i8},
    {'i', 2, DType::i16}, {'i', 4, DType::i32},   {'i', 8, DType::i64}, {'u', 1, DType::u8},
    {'u', 2, DType::u16}, {'u', 4, DType::u32},   {'u', 8, DType::u64}, {'b', 1, DType::boolean},
    {'c', 8, DType::c64}, {'c', 16, DType::c128},
};

/// Reads the header's dict: three known keys with a string, a bool and a tuple of integers.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Header parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        header.descr = descr();
        has_descr = true;
      } else if (key == "fortran_order") {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.shape = shape();
        has_shape = true;
      } else {
        fail("the .npy header has the unknown key '{}'", key);
      }
      if (!accept(',') && peek() != '}') fail("the .npy header is damaged at '{}'", rest());
    }
    if (!has_descr || !has_order || !has_shape)
      fail("the .npy header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail("the .npy header is damaged: '{}' expected at '{}'", c, rest());
  }
  std::string_view rest() { return text_.substr(std::min(at_, text_.size()), 20); }

  std::string_view quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("the .npy header is damaged at '{}'", rest());
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("the .npy header is damaged: a string does not end");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }
  bool boolean() {
    peek();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += std::strlen(word);
      return value;
    }
    fail("the .npy header is damaged: True or False expected at '{}'", rest());
  }
  Shape shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(integer());
      if (!accept(',') && peek() != ')') fail("the .npy header is damaged at '{}'", rest());
    }
    return shape;
  }
  int64_t integer() {
    peek();
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value < 0)
      fail("the .npy header is damaged: a size expected at '{}'", rest());
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  Descr descr() {
    if (peek() == '[') fail("structured arrays are not supported; save each field on its own");
    const std::string_view text = quoted();
    Descr descr;
    const bool known_order = !text.empty() && std::string_view("<>|=").find(text[0]) != text.npos;
    if (text.size() < 3 || !known_order) fail("the .npy header has an unknown type '{}'", text);
    descr.big_endian = text[0] == '>';
    descr.kind = text[1];
    const auto [end, error] =
        std::from_chars(text.data() + 2, text.data() + text.size(), descr.bytes);
    if (error != std::errc() || end != text.data() + text.size() || descr.bytes < 0 ||
        descr.bytes > int64_t{1} << 30)
      fail("the .npy header has an unknown type '{}'", text);
    return descr;
  }

  std::string_view text_;
  size_t at_ = 0;
};

Header parse_header(std::string_view all) {
  if (!all.starts_with(magic)) fail("this is not a .npy file: it does not begin with \\x93NUMPY");
  if (all.size() < 10) fail("the .npy file ends within its header");
  const int version = static_cast<unsigned char>(all[6]);
  if (version < 1 || version > 3) fail("version {} of .npy is not known; 1 to 3 are", version);
  const size_t length_bytes = version == 1 ? 2 : 4;
  size_t length = 0;
  if (all.size() < 8 + length_bytes) fail("the .npy file ends within its header");
  for (size_t i = 0; i < length_bytes; ++i)
    length |= static_cast<size_t>(static_cast<unsigned char>(all[8 + i])) << (8 * i);
  const size_t offset = 8 + length_bytes + length;
  if (all.size() < offset) fail("the .npy file ends within its header of {} bytes", length);
  Header header = HeaderParser(all.substr(8 + length_bytes, length)).parse();
  header.data_offset = offset;
  return header;
}

/// From column-major to row-major order: element i of the result is source(position).
template <typename Copy>
void for_each_element(const Shape& shape, bool fortran_order, const Copy& copy) {
  const int64_t count = element_count(shape);
  Shape index(shape.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t source = i;
    if (fortran_order) {
      source = 0;
      for (size_t axis = shape.size(); axis-- > 0;) source = source * shape[axis] + index[axis];
      for (size_t axis = shape.size(); axis-- > 0;) {
        if (++index[axis] < shape[axis]) break;
        index[axis] = 0;
      }
    }
    copy(i, source);
  }
}

void swap_bytes(char* data, int64_t width, int64_t count) {
  for (int64_t i = 0; i < count; ++i) std::reverse(data + i * width, data + (i + 1) * width);
}

Tensor numeric_array(const Header& header, DType dtype, std::string_view data) {
  Tensor tensor = Tensor::allocate(dtype, header.shape);
  auto* target = static_cast<char*>(tensor.mutable_data());
  const char* source = data.data();
  const int64_t width = header.descr.bytes;
  if (header.fortran_order) {
    for_each_element(header.shape, true, [&](int64_t i, int64_t from) {
      std::memcpy(target + i * width, source + from * width, static_cast<size_t>(width));
    });
  } else {
    std::copy_n(source, data.size(), target);
  }
  if (header.descr.big_endian) {
    const int64_t parts = is_complex(dtype) ? 2 : 1;
    swap_bytes(target, width / parts, tensor.size() * parts);
  }
  return tensor;
}

void append_utf8(std::string& text, uint32_t code) {
  if (code > 0x10FFFF) fail("an element of the .npy file is not Unicode text");
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xF0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// One fixed-width element, padded with zeros.
std::string text_element(const Descr& descr, const char* data) {
  std::string text;
  if (descr.kind == 'S') {
    text.assign(data, static_cast<size_t>(descr.bytes));
    text.erase(text.find_last_not_of('\0') + 1);
    return text;
  }
  for (int64_t i = 0; i < descr.bytes; ++i) {
    char character[4];
    std::memcpy(character, data + 4 * i, 4);
    if (descr.big_endian) swap_bytes(character, 4, 1);
    const auto code = std::bit_cast<uint32_t>(character);
    if (code == 0) break;
    append_utf8(text, code);
  }
  return text;
}

Tensor text_array(const Header& header, int64_t width, std::string_view data) {
  // Elements may have no bytes ('<U0'): then the file's size is no bound of their number.
  Tensor texts = Tensor::allocate(DType::string, header.shape);
  const auto elements = texts.as_mutable<std::string>();
  const char* source = data.data();
  for_each_element(header.shape, header.fortran_order, [&](int64_t i, int64_t from) {
    elements[i] = text_element(header.descr, source + from * width);
  });
  return texts;
}

std::optional<DType> numeric_dtype(const Descr& descr) {
  for (const NumericKind& k : numeric_kinds)
    if (k.kind == descr.kind && k.bytes == descr.bytes) return k.dtype;
  return std::nullopt;
}

/// What NumPy has for a type: itself, or something wider.
Tensor as_numpy_type(const Tensor& tensor) {
  const auto same = [&](const NumericKind& k) { return k.dtype == tensor.dtype(); };
  if (std::any_of(std::begin(numeric_kinds), std::end(numeric_kinds), same)) return tensor;
  if (tensor.dtype() == DType::string)
    fail_as(ErrorCode::unsupported, "strings are not written as .npy");
  const DType wider = is_float(tensor.dtype())    ? DType::f32
                      : is_signed(tensor.dtype()) ? DType::i8
                                                  : DType::u8;
  Tensor wide = Tensor::allocate(wider, tensor.shape());
  for (int64_t i = 0; i < tensor.size(); ++i)
    store_real(wider, wide.mutable_data(), i, load_real(tensor.dtype(), tensor.data(), i));
  return wide;
}

std::string header_text(const Tensor& tensor) {
  const auto kind = std::find_if(std::begin(numeric_kinds), std::end(numeric_kinds),
                                 [&](const NumericKind& k) { return k.dtype == tensor.dtype(); });
  std::string shape;
  for (int64_t dim : tensor.shape()) shape += fmt::format("{}, ", dim);
  std::string text = fmt::format("{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                 kind->bytes == 1 ? '|' : '<', kind->kind, kind->bytes, shape);
  // The data begins at a multiple of 64 bytes; the header ends with a line feed.
  const size_t prefix = magic.size() + 4;
  text.append(63 - (prefix + text.size()) % 64, ' ');
  return text + '\n';
}

}  // namespace

Tensor parse_npy(std::string_view bytes) {
  const Header header = parse_header(bytes);
  const bool text = header.descr.kind == 'U' || header.descr.kind == 'S';
  const std::optional<DType> dtype = numeric_dtype(header.descr);
  if (!text && !dtype) {
    fail("elements of kind '{}' and {} bytes are not supported{}", header.descr.kind,
         header.descr.bytes, header.descr.kind == 'O' ? "; save plain arrays, not objects" : "");
  }
  const int64_t width = header.descr.bytes * (header.descr.kind == 'U' ? 4 : 1);
  const int64_t count = element_count(header.shape);
  const std::string_view data = bytes.substr(header.data_offset);
  const bool fits = width == 0 || count <= static_cast<int64_t>(data.size()) / width;
  if (!fits || count * width != static_cast<int64_t>(data.size())) {
    fail("the .npy header says {} elements of {} bytes, but {} bytes follow it", count, width,
         data.size());
  }
  return text ? text_array(header, width, data) : numeric_array(header, *dtype, data);
}

Tensor read_npy(const std::filesystem::path& path) {
  return with_context([&] { return path.string(); }, [&] { return parse_npy(read_file(path)); });
}

std::map<std::string, Tensor> parse_npz(std::string_view bytes) {
  std::map<std::string, Tensor> arrays;
  for (const ZipMember& member : zip_members(bytes)) {
    std::string name = member.name;
    if (!name.ends_with(".npy")) continue;
    name.resize(name.size() - 4);
    const std::string content = unzip(bytes, member);
    arrays[name] =
        with_context([&] { return "array '" + name + "'"; }, [&] { return parse_npy(content); });
  }
  return arrays;
}

std::map<std::string, Tensor> read_npz(const std::filesystem::path& path) {
  return with_context([&] { return path.string(); }, [&] { return parse_npz(read_file(path)); });
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  const Tensor array = as_numpy_type(tensor);
  const std::string header = header_text(array);
  std::string bytes(magic);
  bytes +=
      {'\1', '\0', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(static_cast<const char*>(array.data()), static_cast<size_t>(array.bytes()));
  write_file(path, bytes);
}

}  // namespace dlc::cli
