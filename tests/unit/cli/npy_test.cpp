// Tests of reading and writing NumPy's files.
#include "tools/dlc/npy.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "runtime/error.h"
#include "tools/dlc/files.h"
#include "tools/dlc/zip.h"

namespace dlc::cli {
namespace {

namespace fs = std::filesystem;

fs::path scratch(const std::string& name) { return fs::path(testing::TempDir()) / name; }

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 0xFF);
  return text;
}

std::string npy(int version, const std::string& header, const std::string& data) {
  return "\x93NUMPY" + std::string(1, static_cast<char>(version)) + '\0' +
         little_endian(header.size(), version == 1 ? 2 : 4) + header + data;
}

std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }          \n";
}

void expect_error(const std::string& file, const std::string& message) {
  try {
    parse_npy(file);
    ADD_FAILURE() << "no error, but this was expected: " << message;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    EXPECT_EQ(error.code(), ErrorCode::invalid);
  }
}

TEST(Npy, EveryVersionIsRead) {
  const std::string data = little_endian(7, 4) + little_endian(9, 4);
  for (int version = 1; version <= 3; ++version) {
    const Tensor t = parse_npy(npy(version, header("<i4", "(2,)"), data));
    EXPECT_EQ(t.dtype(), DType::i32);
    EXPECT_EQ(t.to_ints(), (std::vector<int64_t>{7, 9}));
  }
}

TEST(Npy, BigEndianElementsAreTurnedRound) {
  const Tensor t = parse_npy(npy(1, header(">i2", "(1, 2)"), std::string("\0\1\1\0", 4)));
  EXPECT_EQ(t.shape(), (Shape{1, 2}));
  EXPECT_EQ(t.to_ints(), (std::vector<int64_t>{1, 256}));
}

TEST(Npy, FortranOrderBecomesRowMajor) {
  // [[1, 2, 3], [4, 5, 6]] by columns
  const Tensor t = parse_npy(npy(1, header("|u1", "(2, 3)", true), "\1\4\2\5\3\6"));
  EXPECT_EQ(t.to_ints(), (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, TextBecomesStrings) {
  const std::string unicode = little_endian('h', 4) + little_endian(0x20AC, 4) +
                              little_endian('x', 4) + little_endian(0, 4);
  const Tensor t = parse_npy(npy(1, header("<U2", "(2,)"), unicode));
  EXPECT_EQ(t.as<std::string>()[0], "h\xE2\x82\xAC");
  EXPECT_EQ(t.as<std::string>()[1], "x");
  const Tensor bytes = parse_npy(npy(1, header("|S3", "(2,)"), std::string("ab\0cde", 6)));
  EXPECT_EQ(bytes.as<std::string>()[0], "ab");
  EXPECT_EQ(bytes.as<std::string>()[1], "cde");
}

TEST(Npy, TextsWithoutBytesAreNoMoreThanMemoryHolds) {
  try {
    parse_npy(npy(1, header("<U0", "(4611686018427387904,)"), ""));
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::limit) << error.what();
  }
}

TEST(Npy, AnEmptyShapeIsAScalar) {
  const Tensor t = parse_npy(npy(1, header("<f4", "()"), std::string("\0\0\x80\x3F", 4)));
  EXPECT_EQ(t.rank(), 0);
  EXPECT_EQ(t.to_reals(), (std::vector<double>{1}));
}

TEST(Npy, WhatIsWrittenIsReadBack) {
  const std::vector<double> values = {1.5, -2, 1e-3, 0};
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::i8, DType::u64}) {
    const Tensor t = Tensor::of(dtype, {2, 2}, values);
    write_npy(scratch("written.npy"), t);
    EXPECT_TRUE(identical(read_npy(scratch("written.npy")), t)) << name(dtype);
  }
}

TEST(Npy, TheDataBeginsAtAMultipleOf64Bytes) {
  write_npy(scratch("aligned.npy"), Tensor::of(DType::u8, {3}, std::vector<double>{1, 2, 3}));
  EXPECT_EQ((fs::file_size(scratch("aligned.npy")) - 3) % 64, 0u);
}

TEST(Npy, TypesThatNumpyLacksAreWidened) {
  const std::vector<double> values = {1, -1.5};
  write_npy(scratch("wide.npy"), Tensor::of(DType::bf16, {2}, values));
  const Tensor t = read_npy(scratch("wide.npy"));
  EXPECT_EQ(t.dtype(), DType::f32);
  EXPECT_EQ(t.to_reals(), values);
}

TEST(Npy, DamagedFilesGiveAnErrorThatSaysWhat) {
  const std::string good = npy(1, header("<f4", "(2,)"), std::string(8, '\0'));
  expect_error("", "not a .npy file");
  expect_error("PK\3\4", "not a .npy file");
  expect_error(good.substr(0, 9), "ends within its header");
  expect_error(good.substr(0, 30), "ends within its header");
  expect_error(good.substr(0, good.size() - 1), "2 elements of 4 bytes, but 7 bytes follow");
  expect_error(good + "x", "but 9 bytes follow");
  expect_error(npy(4, header("<f4", "(2,)"), ""), "version 4");
  expect_error(npy(1, header("<f4", "(-2,)"), ""), "a size expected");
  expect_error(npy(1, header("<f4", "(2"), ""), "damaged");
  expect_error(npy(1, header("|O", "(2,)"), ""), "unknown type");
  expect_error(npy(1, header("|O8", "(1,)"), std::string(8, 'x')), "plain arrays");
  expect_error(npy(1, header("<f3", "(1,)"), "abc"), "not supported");
  expect_error(npy(1, "{'descr': '<f4'}", ""), "lacks");
  expect_error(npy(1, "{'color': 'red'}", ""), "unknown key");
}

TEST(Npy, SizesThatOverflowAreRefusedBeforeAnythingIsAllocated) {
  const std::string shape = "(4611686018427387904, 8)";
  EXPECT_THROW(parse_npy(npy(1, header("<f4", shape), "")), Error);
  expect_error(npy(1, header("<f4", "(1000000000000,)"), "abcd"), "1000000000000 elements");
}

TEST(Npy, AFolderOrNoFileIsAnErrorOfTheEnvironment) {
  for (const fs::path& path : {scratch("no_such.npy"), fs::path(testing::TempDir())}) {
    try {
      read_npy(path);
      ADD_FAILURE() << path << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::failed);
    }
  }
}

/// One member as zip writers make them.
struct Member {
  std::string name, content;
  bool deflate = false;
};

std::string deflated(const std::string& text) {
  std::string packed(compressBound(text.size()) + 16, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zip(const std::vector<Member>& members) {
  std::string archive, directory;
  for (const Member& m : members) {
    const std::string packed = m.deflate ? deflated(m.content) : m.content;
    const uLong crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(m.content.data()), m.content.size());
    const std::string common =
        little_endian(20, 2) + little_endian(0, 2) + little_endian(m.deflate ? 8 : 0, 2) +
        little_endian(0, 4) + little_endian(crc, 4) + little_endian(packed.size(), 4) +
        little_endian(m.content.size(), 4) + little_endian(m.name.size(), 2) + little_endian(0, 2);
    directory += "PK\1\2" + little_endian(20, 2) + common + little_endian(0, 2 + 2 + 2 + 4) +
                 little_endian(archive.size(), 4) + m.name;
    archive += "PK\3\4" + common + m.name + packed;
  }
  return archive + directory + "PK\5\6" + little_endian(0, 4) + little_endian(members.size(), 2) +
         little_endian(members.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(archive.size(), 4) + little_endian(0, 2);
}

const std::string two_bytes = npy(1, header("|u1", "(2,)"), "\1\2");

TEST(Npz, StoredAndDeflatedArraysAreRead) {
  write_file(scratch("two.npz"), zip({{"a.npy", two_bytes, false},
                                      {"notes.txt", "not an array", false},
                                      {"b.npy", two_bytes, true}}));
  const auto arrays = read_npz(scratch("two.npz"));
  ASSERT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays.at("a").to_ints(), (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(identical(arrays.at("a"), arrays.at("b")));
}

TEST(Npz, AnyFlippedByteIsAnErrorOrHarmless) {
  const std::string good = zip({{"a.npy", two_bytes, true}});
  int refused = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    try {
      for (const ZipMember& member : zip_members(bad)) EXPECT_EQ(unzip(bad, member), two_bytes);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(deflated(two_bytes).size()));
}

TEST(Npz, EveryTruncationIsRefused) {
  const std::string good = zip({{"a.npy", two_bytes, true}});
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(zip_members(good.substr(0, size)), Error) << size;
}

}  // namespace
}  // namespace dlc::cli
