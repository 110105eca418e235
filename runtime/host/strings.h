// Ops on strings. Rows: compiler/ops/strings.cpp. Errors and threads: runtime/host.h.
#pragma once

#include "runtime/host.h"

namespace dlc::host {

void take_strings(const HostCall& call);       ///< dlc.TakeStrings: positions, texts...
void equal_strings(const HostCall& call);      ///< dlc.EqualStrings: a, b
void cast_strings(const HostCall& call);       ///< dlc.CastStrings: from or to strings
void string_concat(const HostCall& call);      ///< StringConcat: x, y
void string_split(const HostCall& call);       ///< StringSplit: x
void string_normalizer(const HostCall& call);  ///< StringNormalizer: x
void regex_full_match(const HostCall& call);   ///< RegexFullMatch: x
void tf_idf_vectorizer(const HostCall& call);  ///< TfIdfVectorizer: x

}  // namespace dlc::host
