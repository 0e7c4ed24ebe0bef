#pragma once
#include "config/reader.h"
#include "config/upstream_url.h"

namespace refsyncd {

/// Reads an upstream's `auth` and reports what does not fit its address (null when that is wrong itself).
Auth read_auth(Reading& reading, const Field& field, const UpstreamUrl* url);

}  // namespace refsyncd
