// Regular expressions, by RE2: in time linear in the text.
#include <re2/re2.h>

#include "runtime/error.h"
#include "runtime/host/media.h"

namespace dlc::host {

void full_match(const std::string& pattern, std::span<const std::string> texts, uint8_t* results) {
  const re2::RE2 compiled(pattern, re2::RE2::Quiet);
  if (!compiled.ok()) fail("the pattern '{}' is wrong: {}", pattern, compiled.error());
  for (const std::string& text : texts) *results++ = re2::RE2::FullMatch(text, compiled);
}

}  // namespace dlc::host
