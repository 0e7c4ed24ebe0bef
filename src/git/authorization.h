#pragma once
#include <string>

#include "base/secret.h"
#include "model/policy.h"

namespace refsyncd {

/// The value of the HTTP header Authorization: Basic (RFC 7617) or Bearer (RFC 6750). "" without a secret.
/// Throws Error(auth) for a bearer token that a header cannot carry.
std::string authorization_of(const Auth& auth, const Secret& secret);

}  // namespace refsyncd
