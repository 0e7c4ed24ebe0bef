#pragma once
#include <string>
#include <string_view>

#include "base/secret.h"

namespace refsyncd {

/// HMAC-SHA256 (RFC 2104) as 64 lower-case hexadecimal digits. Throws Error(internal) when OpenSSL cannot.
std::string hmac_sha256_hex(const Secret& key, std::string_view bytes);

/// Whether both are the same, in a time that depends on their lengths alone.
bool same_in_constant_time(std::string_view a, std::string_view b);

}  // namespace refsyncd
