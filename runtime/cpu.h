// What the processor can do.
#pragma once

#include <string>

namespace dlc {

/// The widest vectors that generated code may use here: 128, 256 or 512 bits.
int widest_vector_bits();
/// For people: "avx2 fma f16c".
std::string isa_name(int vector_bits);
/// All that generated code may depend on: code that was made under one signature runs under it.
std::string cpu_signature();

}  // namespace dlc
