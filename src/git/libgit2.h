#pragma once
#include <string>
#include <string_view>

namespace refsyncd {

/// Starts libgit2 once for the process: it reads no configuration but a repository's own, and leaves the
/// question whom a repository belongs to to audit_repository(), which asks more strictly. Throws
/// Error(internal).
void prepare_libgit2();

/// Throws Error(internal) "doing: what libgit2 says" when the code tells of a failure (is negative).
void check_libgit2(int code, std::string_view doing);

/// True for a full ref name that Git allows (git-check-ref-format(1)).
bool is_valid_ref_name(std::string_view name);

}  // namespace refsyncd
