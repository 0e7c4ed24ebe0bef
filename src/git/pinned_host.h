#pragma once
#include <string>
#include <vector>

#include "http/resolve.h"
#include "model/policy.h"

namespace refsyncd {

/// The value of git's `http.curloptResolve` (CURLOPT_RESOLVE) that makes it speak to these addresses of a
/// host, whatever the name resolves to by then.
std::string pin(const HostAndPort& host, const std::vector<std::string>& addresses);

/// pin() for an http or https upstream that may have public addresses only, as it resolves now; "" for other
/// upstreams. Throws what public_addresses() does, and Error(bad_config) for another transport.
std::string pinned_host(const Upstream& upstream);

}  // namespace refsyncd
