#include "config/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace refsyncd {
namespace {

bool is_port(std::string_view text) {
  int number = -1;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc{} && end == text.data() + text.size() && number >= 0 && number <= 65535;
}

bool is_host(std::string_view text) {
  if (text.empty() || text == "localhost") return true;
  std::string address(text);
  in_addr ipv4{};
  if (::inet_pton(AF_INET, address.c_str(), &ipv4) == 1) return true;
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  in6_addr ipv6{};
  address = text.substr(1, text.size() - 2);
  return ::inet_pton(AF_INET6, address.c_str(), &ipv6) == 1;
}

}  // namespace

std::string listen_problem(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return "the port is missing; write 127.0.0.1:9480, or :9480 for all addresses";
  if (!is_port(text.substr(colon + 1))) return "the port is no number from 0 to 65535; write 127.0.0.1:9480";
  if (!is_host(text.substr(0, colon))) {
    return "the host is no address; write an IPv4 address, an IPv6 address in brackets ([::1]), localhost, "
           "or nothing "
           "for all addresses";
  }
  return "";
}

}  // namespace refsyncd
