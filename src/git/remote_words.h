#pragma once
#include <string>
#include <string_view>

namespace refsyncd {

/// What the upstream said in git's stderr ("remote: ..."), without progress: one printable line, shortened.
std::string remote_words(std::string_view error);

}  // namespace refsyncd
