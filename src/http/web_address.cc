#include "http/web_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/text.h"
#include "http/address.h"
#include "http/libcurl.h"

namespace refsyncd {
namespace {

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

bool WebAddress::plainly_private() const {
  if (is_address(host)) return !is_public_address(host);
  const auto name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  return name == "localhost" || name.ends_with(".localhost");
}

std::optional<WebAddress> parse_web_address(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  WebAddress address{.scheme = part_of(parsed, CURLUPART_SCHEME), .host = part_of(parsed, CURLUPART_HOST)};
  if ((address.scheme != "http" && address.scheme != "https") || address.host.empty()) return std::nullopt;
  if (address.host.starts_with('[')) address.host = address.host.substr(1, address.host.size() - 2);
  address.host = lower_case(address.host);
  address.credentials =
      !part_of(parsed, CURLUPART_USER).empty() || !part_of(parsed, CURLUPART_PASSWORD).empty();
  return address;
}

}  // namespace refsyncd
