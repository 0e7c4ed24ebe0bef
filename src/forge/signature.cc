#include "forge/signature.h"

#include <initializer_list>

#include "base/hmac.h"
#include "base/sha256.h"

namespace refsyncd {
namespace {

/// The first of the headers that is there, or "".
std::string_view first_of(const NoticeHeaders& headers, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (const auto found = headers.find(name); found != headers.end()) return found->second;
  }
  return {};
}

bool digest_fits(std::string_view header, std::string_view prefix, const Secret& secret,
                 std::string_view body) {
  return header.starts_with(prefix) &&
         same_in_constant_time(header.substr(prefix.size()), hmac_sha256_hex(secret, body));
}

/// Compares digests, so that not even the length of the secret shows in the time it takes.
bool token_fits(std::string_view header, const Secret& secret) {
  return same_in_constant_time(sha256_hex(header), sha256_hex(secret.reveal()));
}

}  // namespace

bool genuine(Forge forge, const Secret& secret, const NoticeHeaders& headers, std::string_view body) {
  if (secret.empty()) return false;
  switch (forge) {
    case Forge::github:
      return digest_fits(first_of(headers, {"x-hub-signature-256"}), "sha256=", secret, body);
    case Forge::gitlab: return token_fits(first_of(headers, {"x-gitlab-token"}), secret);
    case Forge::gitea:
      return digest_fits(first_of(headers, {"x-gitea-signature", "x-forgejo-signature"}), "", secret, body);
    case Forge::bitbucket:
      return digest_fits(first_of(headers, {"x-hub-signature"}), "sha256=", secret, body);
  }
  return false;
}

}  // namespace refsyncd
