// How often operator new was called in this test program (tensors take their memory from calloc).
#pragma once

#include <cstdint>

namespace dlc {

int64_t allocation_count();

}  // namespace dlc
