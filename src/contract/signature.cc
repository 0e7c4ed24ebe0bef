#include "contract/signature.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "base/hmac.h"
#include "base/text.h"

namespace refsyncd {
namespace {

constexpr size_t digest_digits = 64;

std::string digest_of(const Secret& secret, std::string_view seconds, std::string_view body) {
  return hmac_sha256_hex(secret, fmt::format("{}.{}", seconds, body));
}

struct Signature {
  std::string_view seconds;
  int64_t time = 0;
  std::string_view digest;
};

std::optional<Signature> parse(std::string_view header) {
  Signature signature;
  for (const auto part : split(header, ',')) {
    const auto field = trim(part);
    if (field.starts_with("t=")) signature.seconds = field.substr(2);
    if (field.starts_with("sha256=")) signature.digest = field.substr(7);
  }
  const auto* end = signature.seconds.data() + signature.seconds.size();
  const auto [last, error] = std::from_chars(signature.seconds.data(), end, signature.time);
  // Twelve digits last for 30,000 years, and cannot overflow when turned into milliseconds.
  const bool time_reads = error == std::errc{} && last == end && signature.seconds.size() <= 12;
  if (!time_reads || signature.time < 0 || signature.digest.size() != digest_digits) return std::nullopt;
  return signature;
}

}  // namespace

std::string sign_webhook(const Secret& secret, WallTime now, std::string_view body) {
  const auto seconds =
      fmt::format("{}", std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  return fmt::format("t={},sha256={}", seconds, digest_of(secret, seconds, body));
}

SignatureCheck check_signature(const Secret& secret, std::string_view header, WallTime now,
                               std::string_view body) {
  const auto signature = parse(header);
  if (!signature) return SignatureCheck::malformed;
  if (secret.empty()) return SignatureCheck::wrong;
  if (!same_in_constant_time(digest_of(secret, signature->seconds, body), signature->digest)) {
    return SignatureCheck::wrong;
  }
  const auto age = now - WallTime(std::chrono::seconds(signature->time));
  return age > signature_window || age < -signature_window ? SignatureCheck::too_old : SignatureCheck::good;
}

}  // namespace refsyncd
