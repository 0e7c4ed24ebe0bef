#include "git/authorization.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace refsyncd {
namespace {

/// What is sent as it stands could end its header, and begin another one.
void check_bearer(const std::string& token) {
  const bool visible = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!visible) {
    throw Error(ErrorKind::auth,
                "the bearer token holds blanks, control characters or characters beyond ASCII");
  }
}

}  // namespace

std::string authorization_of(const Auth& auth, const Secret& secret) {
  if (secret.empty()) return {};
  if (std::holds_alternative<BearerAuth>(auth)) {
    check_bearer(secret.reveal());
    return "Bearer " + secret.reveal();
  }
  return "Basic " + base64(fmt::format("{}:{}", username_of(auth), secret.reveal()));
}

}  // namespace refsyncd
