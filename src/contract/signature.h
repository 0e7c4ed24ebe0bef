#pragma once
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace refsyncd {

/// The header that carries a webhook's signature.
inline constexpr std::string_view signature_header = "x-mesa-signature";
/// How far a signature's time may be from ours, in either direction.
inline constexpr milliseconds signature_window = std::chrono::seconds(300);

/// The value of x-mesa-signature for a body sent at `now`: "t=<unix seconds>,sha256=<hex>", where the digest
/// is HMAC-SHA256 of "<t>.<raw body>" with the secret as key. Throws Error(internal) when OpenSSL cannot.
std::string sign_webhook(const Secret& secret, WallTime now, std::string_view body);

enum class SignatureCheck {
  good,
  malformed,  ///< no header, or not of that form
  too_old,    ///< its time is outside the window, before or after
  wrong,      ///< somebody else's, or the body was changed
};

/// Whether the header's value fits the raw body. The digest is compared in constant time, and before the
/// time, so that only who has the secret learns about our clock. An empty secret fits nothing.
SignatureCheck check_signature(const Secret& secret, std::string_view header, WallTime now,
                               std::string_view body);

}  // namespace refsyncd
