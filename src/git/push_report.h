#pragma once
#include <string_view>
#include <vector>

#include "git/remote.h"

namespace refsyncd {

/// What `git push --porcelain` printed, ref by ref, in the order it was printed; `error` is its stderr, which
/// tells why a server could not update a ref. Lines that tell of no ref are passed over.
std::vector<PushResult> parse_push_report(std::string_view output, std::string_view error);

/// True when the upstream refused the ref because it could not store the objects: then it has refused all.
bool is_unpack_failure(const PushResult& result);

}  // namespace refsyncd
