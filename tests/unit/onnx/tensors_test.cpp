// TensorProto in all its forms.
#include "frontends/onnx/tensors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "onnx-ml.pb.h"
#include "runtime/error.h"

namespace dlc::onnx {
namespace {

namespace fs = std::filesystem;
using Message = ::onnx::TensorProto;

Message header(DType dtype, std::initializer_list<int64_t> dims) {
  Message message;
  message.set_data_type(static_cast<int>(dtype));
  for (int64_t dim : dims) message.add_dims(dim);
  return message;
}

Tensor read(const Message& message, const fs::path& folder = {}) {
  const auto owner = std::make_shared<Message>(message);
  return TensorReader(owner, folder).read(*owner);
}

template <typename Bytes>
Message raw(DType dtype, std::initializer_list<int64_t> dims, const Bytes& bytes) {
  Message message = header(dtype, dims);
  message.set_raw_data(bytes.data(), bytes.size() * sizeof(bytes[0]));
  return message;
}

std::string error_of(const Message& message, const fs::path& folder = {}) {
  try {
    read(message, folder);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Tensors, ElementsComeFromEveryTypedField) {
  const DType in_int32[] = {DType::u8,     DType::i8,         DType::u16,    DType::i16,
                            DType::i32,    DType::boolean,    DType::f16,    DType::bf16,
                            DType::f8e5m2, DType::f8e4m3fnuz, DType::f8e8m0, DType::f8e4m3fn};
  for (DType dtype : in_int32) {
    Message message = header(dtype, {2});
    message.add_int32_data(1);
    message.add_int32_data(0);
    const Tensor tensor = read(message);
    const size_t width = static_cast<size_t>(bits(dtype)) / 8;
    const auto* bytes = static_cast<const uint8_t*>(tensor.data());
    EXPECT_EQ(bytes[0], 1) << name(dtype);
    EXPECT_EQ(bytes[width], 0) << name(dtype);
    EXPECT_EQ(tensor.bytes(), static_cast<int64_t>(2 * width));
  }
  Message floats = header(DType::f32, {1});
  floats.add_float_data(1.5f);
  EXPECT_EQ(read(floats).as<float>()[0], 1.5f);
  Message doubles = header(DType::f64, {1});
  doubles.add_double_data(-2.5);
  EXPECT_EQ(read(doubles).as<double>()[0], -2.5);
  Message longs = header(DType::i64, {1});
  longs.add_int64_data(-7);
  EXPECT_EQ(read(longs).as<int64_t>()[0], -7);
  for (DType dtype : {DType::u32, DType::u64}) {
    Message unsigneds = header(dtype, {1});
    unsigneds.add_uint64_data(4000000000u);
    EXPECT_EQ(read(unsigneds).to_ints()[0], 4000000000);
  }
}

TEST(Tensors, ComplexNumbersAreTwoFieldsEach) {
  Message message = header(DType::c64, {2});
  for (float value : {1.f, 2.f, 3.f, 4.f}) message.add_float_data(value);
  const Tensor tensor = read(message);
  EXPECT_EQ(static_cast<const float*>(tensor.data())[3], 4.f);
  message.mutable_float_data()->RemoveLast();
  EXPECT_NE(error_of(message).find("4 are needed"), std::string::npos);
}

TEST(Tensors, SmallElementsArePacked) {
  for (DType dtype : {DType::u4, DType::i4, DType::f4e2m1}) {
    Message message = header(dtype, {3});
    message.add_int32_data(0x21);
    message.add_int32_data(0x03);
    EXPECT_TRUE(identical(read(message), read(raw(dtype, {3}, std::vector<uint8_t>{0x21, 3}))));
  }
  Message message = header(DType::u2, {5});
  message.add_int32_data(0b11100100);
  message.add_int32_data(1);
  EXPECT_EQ(read(message).to_ints(), (std::vector<int64_t>{0, 1, 2, 3, 1}));
}

TEST(Tensors, RawDataIsSharedWithTheModel) {
  const auto owner = std::make_shared<Message>(raw(DType::f32, {64}, std::vector<float>(64, 2.f)));
  const Tensor tensor = TensorReader(owner, {}).read(*owner);
  EXPECT_EQ(tensor.data(), owner->raw_data().data());
  EXPECT_EQ(tensor.as<float>()[63], 2.f);
}

TEST(Tensors, AnyByteButZeroIsTrue) {
  const Tensor tensor = read(raw(DType::boolean, {3}, std::vector<uint8_t>{0, 1, 7}));
  EXPECT_EQ(tensor.to_ints(), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(tensor.as<uint8_t>()[2], 1);
}

TEST(Tensors, StringsKeepTheirBytes) {
  Message message = header(DType::string, {2});
  message.add_string_data(std::string("a\0b", 3));
  message.add_string_data("");
  EXPECT_EQ(read(message).as<std::string>()[0], std::string("a\0b", 3));
}

TEST(Tensors, WrongNumbersOfElementsAreRefused) {
  EXPECT_NE(error_of(raw(DType::f32, {3}, std::vector<float>(2))).find("12 are needed"),
            std::string::npos);
  EXPECT_NE(error_of(header(DType::i64, {1})).find("0 values"), std::string::npos);
  EXPECT_NE(error_of(header(DType::f32, {-1})).find("negative"), std::string::npos);
  // Asks for 4 TB in a few bytes: refused before anything is allocated.
  EXPECT_NE(error_of(header(DType::f32, {1000000, 1000000})).find("needed"), std::string::npos);
  EXPECT_NE(error_of(header(DType::f32, {1L << 40, 1L << 40})).find("too many"), std::string::npos);
  EXPECT_NE(error_of(header(static_cast<DType>(99), {1})).find("not supported"), std::string::npos);
  EXPECT_EQ(read(header(DType::f32, {0, 5})).size(), 0);
}

::onnx::SparseTensorProto sparse(std::vector<int64_t> positions, std::vector<int64_t> shape) {
  ::onnx::SparseTensorProto message;
  *message.mutable_values() = header(DType::f32, {2});
  message.mutable_values()->add_float_data(5);
  message.mutable_values()->add_float_data(6);
  *message.mutable_indices() = header(DType::i64, {});
  for (int64_t size : shape) message.mutable_indices()->add_dims(size);
  for (int64_t position : positions) message.mutable_indices()->add_int64_data(position);
  message.add_dims(2);
  message.add_dims(3);
  return message;
}

TEST(Tensors, SparseOnesBecomeDense) {
  const std::vector<double> dense = {0, 5, 0, 0, 0, 6};
  EXPECT_EQ(TensorReader(nullptr, {}).read(sparse({1, 5}, {2})).to_reals(), dense);
  EXPECT_EQ(TensorReader(nullptr, {}).read(sparse({0, 1, 1, 2}, {2, 2})).to_reals(), dense);
  EXPECT_THROW(TensorReader(nullptr, {}).read(sparse({1, 6}, {2})), Error);
  EXPECT_THROW(TensorReader(nullptr, {}).read(sparse({0, 1, 2, 0}, {2, 2})), Error);
  EXPECT_THROW(TensorReader(nullptr, {}).read(sparse({1}, {1})), Error);
  auto huge = sparse({1, 5}, {2});
  huge.set_dims(0, 1L << 40);
  EXPECT_THROW(TensorReader(nullptr, {}).read(huge), Error);
}

/// A folder with weights, and one beside it.
class ExternalTensors : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("dlc_external_" + std::to_string(::getpid()));
    fs::create_directories(folder());
    write(folder() / "weights.bin", 64);
    write(root_ / "secret.bin", 64);
    fs::create_symlink(root_ / "secret.bin", folder() / "link.bin");
    fs::create_symlink(folder() / "weights.bin", folder() / "inner.bin");
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path folder() const { return root_ / "model"; }
  static void write(const fs::path& path, int bytes) {
    std::ofstream file(path, std::ios::binary);
    for (int k = 0; k < bytes; ++k) file.put(static_cast<char>(k));
  }
  static Message at(const std::string& location, const std::string& offset,
                    const std::string& length) {
    Message message = header(DType::u8, {4});
    message.set_data_location(Message::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      message.add_external_data()->set_key(key);
      message.mutable_external_data(message.external_data_size() - 1)->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    return message;
  }

  fs::path root_;
};

TEST_F(ExternalTensors, AreMappedFromTheModelsFolder) {
  EXPECT_EQ(read(at("weights.bin", "8", "4"), folder()).to_ints(),
            (std::vector<int64_t>{8, 9, 10, 11}));
  EXPECT_EQ(read(at("weights.bin", "", ""), folder()).to_ints()[3], 3);
  EXPECT_EQ(read(at("inner.bin", "60", ""), folder()).to_ints()[3], 63);
}

TEST_F(ExternalTensors, ShareOneMapping) {
  const auto first = std::make_shared<Message>(at("weights.bin", "0", ""));
  const auto second = std::make_shared<Message>(at("weights.bin", "16", ""));
  TensorReader reader(first, folder());
  const auto* a = static_cast<const uint8_t*>(reader.read(*first).data());
  const auto* b = static_cast<const uint8_t*>(reader.read(*second).data());
  EXPECT_EQ(b - a, 16);
}

TEST_F(ExternalTensors, StayInTheModelsFolder) {
  const std::string absolute = (root_ / "secret.bin").string();
  for (const std::string& location :
       {absolute, std::string("../secret.bin"), std::string("x/../../secret.bin"), std::string()}) {
    EXPECT_NE(error_of(at(location, "", ""), folder()).find("must be relative"), std::string::npos)
        << location;
  }
  EXPECT_NE(error_of(at("link.bin", "", ""), folder()).find("leads out"), std::string::npos);
  EXPECT_NE(error_of(at("none.bin", "", ""), folder()).find("none.bin"), std::string::npos);
  EXPECT_NE(error_of(at("weights.bin", "", "")).find("no folder"), std::string::npos);
}

TEST_F(ExternalTensors, EndWhereTheFileEnds) {
  EXPECT_NE(error_of(at("weights.bin", "61", ""), folder()).find("the file has 64"),
            std::string::npos);
  EXPECT_NE(error_of(at("weights.bin", "9223372036854775807", ""), folder()).find("has 64"),
            std::string::npos);
  EXPECT_NE(error_of(at("weights.bin", "-1", ""), folder()).find("no number"), std::string::npos);
  EXPECT_NE(error_of(at("weights.bin", "0", "8"), folder()).find("4 are needed"),
            std::string::npos);
}

}  // namespace
}  // namespace dlc::onnx
