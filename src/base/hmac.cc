#include "base/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {

std::string hmac_sha256_hex(const Secret& key, std::string_view bytes) {
  const auto& value = key.reveal();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const bool fits = value.size() <= static_cast<size_t>(std::numeric_limits<int>::max());
  if (!fits || HMAC(EVP_sha256(), value.data(), static_cast<int>(value.size()),
                    reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(),
                    &length) == nullptr) {
    throw Error(ErrorKind::internal, "cannot compute an HMAC-SHA256");
  }
  return hex_of({digest.data(), length});
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace refsyncd
