#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace refsyncd {

/// "example.org:8443" or "[::1]" taken apart: the host without brackets, and the port, or `default_port`. The
/// text was checked before.
struct HostAndPort {
  std::string host;
  int port = 0;
};
HostAndPort split_host(std::string_view text, int default_port);

/// The addresses of a host (a name or a literal) as literals without brackets, as the system resolves them,
/// after checking that every one is public (see is_public_address()): who then speaks to these and to no
/// others cannot be led into our own network. Blocks as long as the resolver does. Throws Error(transient)
/// when the name cannot be resolved now, Error(not_found) when there is no such name, and Error(untrusted)
/// that names the address which is not public.
std::vector<std::string> public_addresses(const std::string& host);

}  // namespace refsyncd
