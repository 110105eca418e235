// Packed elements in kernels: machine code reads and writes whole bytes.
#pragma once

#include <vector>

#include "compiler/lower/kernel.h"

namespace dlc {

/// Rewrites kernels with operands or results of types below 8 bits to ones over their bytes: loads
/// take an element's bits out of a byte, and a packed result is computed byte by byte. Buffers stay
/// what they are.
void use_bytes(std::vector<Kernel>& kernels);

}  // namespace dlc
