#pragma once
#include <string>
#include <string_view>

namespace refsyncd {

/// Why a text is no address to listen on ("127.0.0.1:9480", ":9480" for all addresses, "[::1]:9480", port 0
/// to let the kernel choose), or "".
std::string listen_problem(std::string_view text);

}  // namespace refsyncd
