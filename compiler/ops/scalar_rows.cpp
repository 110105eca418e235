// Checks that elementwise rows share.
// Next: arithmetic.cpp.
#include "compiler/ops/scalar_rows.h"

namespace dlc {

void require_one_type(const OpArgs& args, size_t first) {
  const Type* expected = nullptr;
  for (size_t i = first; i < args.input_count(); ++i) {
    const Type& type = args.type(i);
    if (type.kind == Type::Kind::none) continue;
    if (expected == nullptr) expected = &type;
    if (type.dtype == expected->dtype) continue;
    fail("inputs have the element types {} and {}, but must have the same", name(expected->dtype),
         name(type.dtype));
  }
}

}  // namespace dlc
