// Checks that elementwise rows share.
// Next: arithmetic.cpp.
#include "compiler/ops/scalar_rows.h"

#include <algorithm>

namespace dlc {

void require_one_type(const OpArgs& args, size_t first, size_t end) {
  const Type* expected = nullptr;
  for (size_t i = first; i < std::min(end, args.input_count()); ++i) {
    if (!args.input(i).valid()) continue;
    const Type& type = args.type(i);
    if (expected == nullptr) expected = &type;
    if (type.dtype == expected->dtype) continue;
    fail("inputs have the element types {} and {}, but must have the same", name(expected->dtype),
         name(type.dtype));
  }
}

}  // namespace dlc
