#pragma once
#include <optional>

#include "base/clock.h"
#include "model/policy.h"

namespace refsyncd {

/// How long an HTTP upstream that has just throttled us wants us to wait (Retry-After, RFC 9110
/// section 10.2.3): asks it once more, without credentials, because git does not show the header. Nothing
/// when it does not say, for other transports, where git would go through a proxy, and for an upstream that
/// must be public: the address git was bound to is not ours to look up once more. Blocks a few seconds at
/// most; safe from any thread.
std::optional<milliseconds> asked_patience(const Upstream& upstream);

}  // namespace refsyncd
