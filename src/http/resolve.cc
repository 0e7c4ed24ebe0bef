#include "http/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/handle.h"
#include "base/text.h"
#include "http/address.h"

namespace refsyncd {
namespace {

using Addresses = Owned<addrinfo, freeaddrinfo>;

Addresses resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (problem == 0) return Addresses(found);
  const bool unknown = problem == EAI_NONAME || problem == EAI_NODATA;
  throw Error(unknown ? ErrorKind::not_found : ErrorKind::transient,
              fmt::format("resolving {}: {}", printable(host, 300), ::gai_strerror(problem)));
}

std::string literal(const addrinfo& address) {
  char text[NI_MAXHOST];
  const int problem =
      ::getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  if (problem != 0) throw Error(ErrorKind::internal, fmt::format("an address: {}", ::gai_strerror(problem)));
  return text;
}

}  // namespace

HostAndPort split_host(std::string_view text, int default_port) {
  HostAndPort parts{.host = {}, .port = default_port};
  const auto host_end = text.starts_with('[') ? text.find(']') + 1 : std::min(text.find(':'), text.size());
  const auto host = text.substr(0, host_end);
  parts.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  if (host_end < text.size()) {
    std::from_chars(text.data() + host_end + 1, text.data() + text.size(), parts.port);
  }
  return parts;
}

std::vector<std::string> public_addresses(const std::string& host) {
  const auto found = resolve(host);
  std::vector<std::string> addresses;
  for (const auto* address = found.get(); address != nullptr; address = address->ai_next) {
    auto text = literal(*address);
    if (!is_public_address(*address->ai_addr)) {
      throw Error(ErrorKind::untrusted,
                  fmt::format("{} has the address {}, which is not public", printable(host, 300), text));
    }
    addresses.push_back(std::move(text));
  }
  return addresses;
}

}  // namespace refsyncd
