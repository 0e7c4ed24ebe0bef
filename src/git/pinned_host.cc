#include "git/pinned_host.h"

#include <fmt/format.h>

#include "base/error.h"

namespace refsyncd {

std::string pin(const HostAndPort& host, const std::vector<std::string>& addresses) {
  auto text = fmt::format("{}:{}:", host.host, host.port);
  const char* separator = "";
  for (const auto& address : addresses) {
    const bool v6 = address.find(':') != std::string::npos;
    text += fmt::format("{}{}{}{}", separator, v6 ? "[" : "", address, v6 ? "]" : "");
    separator = ",";
  }
  return text;
}

std::string pinned_host(const Upstream& upstream) {
  if (!upstream.public_only) return "";
  if (!over_http(upstream.transport)) {
    throw Error(ErrorKind::bad_config, fmt::format("{}: the API takes http and https only", upstream.url));
  }
  const auto host = split_host(upstream.host, upstream.transport == Transport::https ? 443 : 80);
  const auto addresses = public_addresses(host.host);
  return pin(host, addresses);
}

}  // namespace refsyncd
