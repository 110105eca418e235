// Files in memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>

namespace dlc {

/// Closes a file when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& from) noexcept : number_(std::exchange(from.number_, -1)) {}
  Descriptor& operator=(Descriptor&& from) noexcept {
    std::swap(number_, from.number_);
    return *this;
  }
  ~Descriptor();
  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

/// A file mapped read-only as long as the object lives.
class MappedFile {
 public:
  /// Throws Error(failed) when it is no file or cannot be read.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  const Descriptor& file() const { return file_; }
  /// These bytes are not needed soon: their pages leave this process (and come back when touched).
  void release(std::span<const uint8_t> bytes) const;

 private:
  MappedFile(Descriptor file, const uint8_t* data, size_t size)
      : file_(std::move(file)), data_(data), size_(size) {}
  Descriptor file_;
  const uint8_t* data_;
  size_t size_;
};

}  // namespace dlc
