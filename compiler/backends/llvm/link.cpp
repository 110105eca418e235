// ELF objects, as far as LLVM writes them for a function without writable data.
#include "compiler/backends/llvm/link.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "runtime/error.h"

namespace dlc::llvm_backend {
namespace {

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  fail_as(ErrorCode::failed, "linking a kernel: {}",
          fmt::format(format, std::forward<Args>(args)...));
}

constexpr uint64_t function_alignment = 64;

}  // namespace

/// One object on its way into the image.
class ObjectReader {
 public:
  ObjectReader(Linker& linker, std::span<const char> object) : linker_(linker), object_(object) {
    const auto header = read<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_type != ET_REL ||
        header.e_machine != EM_X86_64 || header.e_shentsize != sizeof(Elf64_Shdr))
      refuse("not an x86-64 object");
    for (size_t i = 0; i < header.e_shnum; ++i)
      sections_.push_back(read<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr)));
    names_ = section(header.e_shstrndx);
    places_.resize(sections_.size());
  }

  void place_sections() {
    for (size_t i = 0; i < sections_.size(); ++i) {
      const Elf64_Shdr& header = sections_[i];
      if (header.sh_type == SHT_SYMTAB) symbols_ = i;
      // Frames are for unwinding, which nothing does here: kernels never throw.
      if (!(header.sh_flags & SHF_ALLOC) || header.sh_size == 0 ||
          text(names_, header.sh_name) == ".eh_frame")
        continue;
      if (header.sh_flags & (SHF_WRITE | SHF_TLS) || header.sh_type != SHT_PROGBITS)
        refuse("section {} cannot be placed", text(names_, header.sh_name));
      const bool code = header.sh_flags & SHF_EXECINSTR;
      places_[i] = linker_.place(
          bytes(header), std::max<uint64_t>(header.sh_addralign, code ? function_alignment : 1));
    }
    if (symbols_ == 0) refuse("no symbols");
  }

  void relocate() {
    for (const Elf64_Shdr& header : sections_) {
      if (header.sh_type != SHT_RELA || header.sh_info >= sections_.size() ||
          !places_[header.sh_info])
        continue;
      for (uint64_t k = 0; k < header.sh_size / sizeof(Elf64_Rela); ++k)
        apply(read<Elf64_Rela>(header.sh_offset + k * sizeof(Elf64_Rela)), header.sh_info);
    }
  }

  uint64_t find(const std::string& name) {
    for (size_t k = 0; k < sections_[symbols_].sh_size / sizeof(Elf64_Sym); ++k) {
      const auto entry = symbol(k);
      if (ELF64_ST_TYPE(entry.st_info) == STT_FUNC && entry.st_shndx != SHN_UNDEF &&
          symbol_name(entry) == name)
        return address(entry);
    }
    refuse("no function {}", name);
  }

 private:
  template <typename T>
  T read(uint64_t offset) const {
    if (offset > object_.size() || object_.size() - offset < sizeof(T)) refuse("it breaks off");
    T value;
    std::memcpy(&value, object_.data() + offset, sizeof(T));
    return value;
  }

  std::span<const uint8_t> bytes(const Elf64_Shdr& header) const {
    if (header.sh_offset > object_.size() || object_.size() - header.sh_offset < header.sh_size)
      refuse("it breaks off");
    return {reinterpret_cast<const uint8_t*>(object_.data()) + header.sh_offset, header.sh_size};
  }
  std::span<const uint8_t> section(size_t index) const {
    if (index >= sections_.size()) refuse("no section {}", index);
    return bytes(sections_[index]);
  }
  static std::string text(std::span<const uint8_t> strings, uint64_t offset) {
    if (offset >= strings.size()) refuse("a name is missing");
    const auto* begin = reinterpret_cast<const char*>(strings.data()) + offset;
    return {begin, strnlen(begin, strings.size() - offset)};
  }

  Elf64_Sym symbol(size_t index) const {
    if (index >= sections_[symbols_].sh_size / sizeof(Elf64_Sym)) refuse("no symbol {}", index);
    return read<Elf64_Sym>(sections_[symbols_].sh_offset + index * sizeof(Elf64_Sym));
  }
  std::string symbol_name(const Elf64_Sym& symbol) const {
    return text(section(sections_[symbols_].sh_link), symbol.st_name);
  }
  uint64_t address(const Elf64_Sym& symbol) const {
    if (symbol.st_shndx >= places_.size() || !places_[symbol.st_shndx])
      refuse("symbol '{}' has no place", symbol_name(symbol));
    return *places_[symbol.st_shndx] + symbol.st_value;
  }

  void apply(const Elf64_Rela& relocation, size_t target) {
    const Elf64_Sym to = symbol(ELF64_R_SYM(relocation.r_info));
    const bool outside = to.st_shndx == SHN_UNDEF;
    const uint64_t at = *places_[target] + relocation.r_offset;
    uint64_t value = 0;
    size_t width = 4;
    switch (ELF64_R_TYPE(relocation.r_info)) {
      case R_X86_64_PC64:
        width = 8;
        [[fallthrough]];
      case R_X86_64_PC32:
      case R_X86_64_PLT32:
        value = outside ? linker_.stub(symbol_name(to)) : address(to);
        break;
      case R_X86_64_GOTPCREL:
      case R_X86_64_GOTPCRELX:
      case R_X86_64_REX_GOTPCRELX:
        if (!outside) refuse("an address of its own in a table");
        value = linker_.cell(symbol_name(to));
        break;
      default:
        refuse("relocation of kind {}", ELF64_R_TYPE(relocation.r_info));
    }
    if (relocation.r_offset + width > sections_[target].sh_size) refuse("it breaks off");
    value += static_cast<uint64_t>(relocation.r_addend) - at;
    if (width == 4 && static_cast<int64_t>(value) != static_cast<int32_t>(value))
      refuse("more than 2 GB of code");
    std::memcpy(linker_.image_.bytes.data() + at, &value, width);
  }

  Linker& linker_;
  std::span<const char> object_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<std::optional<uint64_t>> places_;  ///< of each section in the image
  std::span<const uint8_t> names_;
  size_t symbols_ = 0;
};

uint64_t Linker::add(std::span<const char> object, const std::string& symbol) {
  ObjectReader reader(*this, object);
  reader.place_sections();
  reader.relocate();
  return reader.find(symbol);
}

uint64_t Linker::place(std::span<const uint8_t> bytes, uint64_t alignment) {
  std::vector<uint8_t>& image = image_.bytes;
  image.resize((image.size() + alignment - 1) / alignment * alignment);
  const uint64_t offset = image.size();
  image.insert(image.end(), bytes.begin(), bytes.end());
  return offset;
}

uint64_t Linker::stub(const std::string& name) {
  const auto known = stubs_.find(name);
  if (known != stubs_.end()) return known->second;
  // jmp *[rip + 2]: to the address in the cell behind.
  static constexpr uint8_t jump[16] = {0xff, 0x25, stub_cell - 6};
  const uint64_t offset = place(jump, 16);
  image_.imports.push_back({offset + stub_cell, name});
  return stubs_[name] = offset;
}

}  // namespace dlc::llvm_backend
