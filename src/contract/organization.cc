#include "contract/organization.h"

#include <fmt/format.h>

#include "base/sha256.h"

namespace refsyncd {

/// A UUID of version 8 (RFC 9562, section 5.8), whose bits are ours to fill: from a hash of the slug.
Organization organization_of(const std::string& slug) {
  const auto hash = sha256_hex("refsyncd organization " + slug);
  const std::string_view digits = hash;
  auto id = fmt::format("{}-{}-8{}-a{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 3),
                        digits.substr(15, 3), digits.substr(18, 12));
  return {.id = std::move(id), .slug = slug, .name = slug};
}

}  // namespace refsyncd
