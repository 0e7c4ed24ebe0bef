#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace refsyncd {
namespace {

constexpr uint32_t v4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24U | b << 16U | c << 8U | d;
}

struct V4Range {
  uint32_t first;
  unsigned bits;
};
constexpr V4Range special_v4[] = {
    {v4(0, 0, 0, 0), 8},        // this network
    {v4(10, 0, 0, 0), 8},       // private
    {v4(100, 64, 0, 0), 10},    // shared by a provider's customers
    {v4(127, 0, 0, 0), 8},      // loopback
    {v4(169, 254, 0, 0), 16},   // link-local, and where clouds keep their metadata
    {v4(172, 16, 0, 0), 12},    // private
    {v4(192, 0, 0, 0), 24},     // protocol assignments
    {v4(192, 0, 2, 0), 24},     // documentation
    {v4(192, 88, 99, 0), 24},   // 6to4 relays, given up
    {v4(192, 168, 0, 0), 16},   // private
    {v4(198, 18, 0, 0), 15},    // benchmarking
    {v4(198, 51, 100, 0), 24},  // documentation
    {v4(203, 0, 113, 0), 24},   // documentation
    {v4(224, 0, 0, 0), 4},      // multicast
    {v4(240, 0, 0, 0), 4},      // reserved, and broadcast
};

bool is_public_v4(uint32_t address) {
  return std::none_of(std::begin(special_v4), std::end(special_v4), [address](const V4Range& range) {
    return (address ^ range.first) >> (32U - range.bits) == 0;
  });
}

using Bytes = std::array<uint8_t, 16>;

/// The first bytes of an IPv6 address, `bits` of them counting.
struct V6Range {
  Bytes first;
  unsigned bits;

  bool holds(const Bytes& address) const {
    const auto whole = bits / 8;
    if (!std::equal(first.begin(), first.begin() + whole, address.begin())) return false;
    return bits % 8 == 0 || (first[whole] ^ address[whole]) >> (8U - bits % 8) == 0;
  }
};

/// Ranges whose addresses hold an IPv4 address, beginning at byte `at`: that one is reached in the end.
struct Wrapped {
  V6Range range;
  size_t at;
};
constexpr Wrapped wrapped[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},  // ::ffff:0:0/96, mapped
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12},                       // 64:ff9b::/96, NAT64
    {{{0x20, 0x02}, 16}, 2},                                 // 2002::/16, 6to4
};

constexpr V6Range unicast{{0x20}, 3};  // 2000::/3: all that is given out
constexpr V6Range special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},        // 2001::/23, protocol assignments
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // 2001:db8::/32, documentation
    {{0x3f, 0xff, 0x00}, 20},        // 3fff::/20, documentation
};

bool is_public_v6(const Bytes& address) {
  for (const auto& [range, at] : wrapped) {
    if (range.holds(address)) {
      return is_public_v4(v4(address[at], address[at + 1], address[at + 2], address[at + 3]));
    }
  }
  return unicast.holds(address) && std::none_of(std::begin(special_v6), std::end(special_v6),
                                                [&](const V6Range& range) { return range.holds(address); });
}

Bytes bytes_of(const in6_addr& address) {
  Bytes bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return bytes;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public_v4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    return is_public_v6(bytes_of(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr));
  }
  return false;
}

bool is_public_address(std::string_view literal) {
  if (literal.size() > 2 && literal.front() == '[' && literal.back() == ']') {
    literal = literal.substr(1, literal.size() - 2);
    if (literal.find(':') == std::string_view::npos) return false;
  }
  const std::string text(literal);
  if (text.find('\0') != std::string::npos) return false;
  in_addr four{};
  if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return is_public_v4(ntohl(four.s_addr));
  in6_addr six{};
  return ::inet_pton(AF_INET6, text.c_str(), &six) == 1 && is_public_v6(bytes_of(six));
}

}  // namespace refsyncd
