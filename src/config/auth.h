#pragma once
#include "config/reader.h"
#include "config/upstream_url.h"

namespace refsyncd {

/// Reads an upstream's `auth` and reports what does not fit its address (null when that is wrong itself).
Auth read_auth(Reading& reading, const Field& field, const UpstreamUrl* url);

/// Reads where a secret is found. It is named, never written: its value must not stand in the file, nor in a
/// message.
std::optional<SecretSource> read_secret_source(Reading& reading, const Field& field);

}  // namespace refsyncd
