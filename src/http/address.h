#pragma once
#include <string>
#include <string_view>

struct sockaddr;

namespace refsyncd {

/// True for an address on the public internet: not loopback, private (RFC 1918, RFC 4193), link-local, shared
/// (RFC 6598), multicast, unspecified, documentation or otherwise special (IANA's special-purpose
/// registries), and not such an IPv4 address dressed up as IPv6 (mapped, 6to4, NAT64).
bool is_public_address(const sockaddr& address);
/// The same for a literal ("10.0.0.1", "::1", "[::1]"); false for what is no address.
bool is_public_address(std::string_view literal);

}  // namespace refsyncd
