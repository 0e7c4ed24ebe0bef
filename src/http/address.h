#pragma once
#include <string_view>

struct sockaddr;

namespace refsyncd {

/// True for a unicast address of the public internet: not loopback, private (RFC 1918, RFC 4193), link-local,
/// shared (RFC 6598), multicast, unspecified, documentation, benchmarking, reserved or otherwise special
/// (IANA's IPv4 and IPv6 special-purpose address registries), and not such an IPv4 address dressed up as IPv6
/// (mapped, 6to4, NAT64). What both registries hold for protocol assignments (192.0.0.0/24; 2001::/23, with
/// Teredo) is refused whole. False for other families.
bool is_public_address(const sockaddr& address);
/// The same for a literal ("10.0.0.1", "::1", "[::1]"); false for what is no address, also for an IPv4
/// address in an abbreviated, octal or hexadecimal form.
bool is_public_address(std::string_view literal);

}  // namespace refsyncd
