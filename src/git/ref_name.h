#pragma once
#include <string_view>

namespace refsyncd {

/// True for a full ref name ("refs/...") that Git allows (git-check-ref-format(1)). Pure and fast: lists of
/// tens of thousands of names pass through it.
bool is_valid_ref_name(std::string_view name);

}  // namespace refsyncd
