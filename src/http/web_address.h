#pragma once
#include <optional>
#include <string>

namespace refsyncd {

/// The parts of an http or https URL by which one judges whether to send something there.
struct WebAddress {
  std::string scheme;  ///< "http" or "https"
  /// In lower case; an IPv4 address in the usual form, whatever it was written in; IPv6 without brackets and
  /// zone.
  std::string host;
  bool credentials = false;  ///< names a user or password

  /// The host is this machine by its name, or an address that is not of the public internet. A name that
  /// resolves to such an address is not seen here.
  bool plainly_private() const;
};

/// Understands a URL as the HTTP client will. Nothing for one that is relative, of another scheme, without
/// host, or malformed.
std::optional<WebAddress> parse_web_address(const std::string& url);

}  // namespace refsyncd
