// libdlc-media.so: found, and not loaded before it is needed.
#include "runtime/host/media.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <vector>

#include "runtime/error.h"
#include "runtime/module.h"

namespace dlc {
namespace {

bool is_loaded(const char* library) {
  void* handle = ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle != nullptr) ::dlclose(handle);
  return handle != nullptr;
}

TEST(Media, IsLoadedWhenItIsNeeded) {
  EXPECT_FALSE(is_loaded(module_path("libdlc-media.so").c_str()));
  const std::vector<std::string> texts = {"dlc", "dlc!"};
  uint8_t results[2] = {};
  host::media().full_match("[a-z]+", texts, results);
  EXPECT_EQ(results[0], 1);
  EXPECT_EQ(results[1], 0);
  EXPECT_THROW(host::media().full_match("(", texts, results), Error);
  EXPECT_TRUE(is_loaded(module_path("libdlc-media.so").c_str()));
}

TEST(Media, WhatIsMissingIsNamed) {
  try {
    module_function("libdlc-none.so", "none");
    FAIL() << "it was found";
  } catch (const Error& error) {
    EXPECT_EQ(std::string_view(error.what()).substr(0, 32), "libdlc-none.so cannot be loaded:");
  }
}

}  // namespace
}  // namespace dlc
