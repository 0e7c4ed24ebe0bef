#pragma once
#include <string_view>

namespace refsyncd {

/// The project's version, from CMakeLists.txt.
inline constexpr std::string_view version = REFSYNCD_VERSION;

}  // namespace refsyncd
