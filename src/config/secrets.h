#pragma once
#include "base/secret.h"
#include "model/policy.h"

namespace refsyncd {

/// The secret's value now, without a final line break. Throws Error(auth) that names the source, never a
/// value, when the file cannot be read, the variable is not set, or the value is empty or holds a line break
/// or NUL; Error(transient) when reading failed as it may once for any file.
Secret read_secret(const SecretSource& source);

}  // namespace refsyncd
