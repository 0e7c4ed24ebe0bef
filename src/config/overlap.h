#pragma once
#include <string_view>

#include "model/ref_globs.h"

namespace refsyncd {

/// True when some name matches both patterns. Linear in the product of their lengths.
bool globs_overlap(std::string_view a, std::string_view b);

/// True when some branch or tag is matched by both.
bool globs_overlap(const RefGlobs& a, const RefGlobs& b);

/// True when both match the same names because they list the same patterns, in any order.
bool same_patterns(const RefGlobs& a, const RefGlobs& b);

}  // namespace refsyncd
