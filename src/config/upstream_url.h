#pragma once
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "model/policy.h"

namespace refsyncd {

/// An upstream's address, checked against an allow-list: what is not understood is refused, so that nothing
/// in it can become an option, a helper program or a second line for the programs that see it later.
struct UpstreamUrl {
  std::string url;  ///< as written with the scheme in lower case; a plain absolute path for a file upstream
  Transport transport = Transport::https;
  std::string host;       ///< Upstream::host
  std::string identity;   ///< equal for addresses of the same repository, whatever the transport and spelling
  bool loopback = false;  ///< the host is this machine: nobody can listen on the way
};

/// Why an address is refused, and what to write. Never holds the address or a part of it that may be a
/// secret.
class UrlError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Checks an address; relative paths (./x, ../x) start at `folder`. Throws UrlError.
UpstreamUrl parse_upstream_url(std::string_view text, const std::filesystem::path& folder);

}  // namespace refsyncd
