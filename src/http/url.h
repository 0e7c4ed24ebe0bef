#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace refsyncd {

/// Undoes percent-encoding (RFC 3986, section 2.1). Nothing when an escape is cut short or not hexadecimal.
/// The result may hold any byte, zero included.
std::optional<std::string> percent_decode(std::string_view text);

/// Encodes every byte but the unreserved ones (letters, digits, `-._~`): fit for one path segment or query
/// value.
std::string percent_encode(std::string_view text);

}  // namespace refsyncd
