// Rules for sizes. See size_rule.h.
#include "runtime/size_rule.h"

#include "runtime/error.h"

namespace dlc {

void check_sizes(SizeRule rule, int64_t a, int64_t b, std::string_view what) {
  if (rule == SizeRule::differ && a == b)
    fail_as(ErrorCode::unsupported,
            "{} is {}, for which another program is needed: compile for that shape (--shape)", what,
            b);
  if (a == b) return;
  switch (rule) {
    case SizeRule::equal:
      fail("{}: {} instead of {}", what, a, b);
    case SizeRule::broadcast:
      if (a != 1 && b != 1) fail("{} {} and {} do not broadcast", what, a, b);
      return;
    case SizeRule::at_most:
      if (a > b) fail("{}: {} instead of at most {}", what, a, b);
      return;
    case SizeRule::differ:
      return;
  }
}

}  // namespace dlc
