#pragma once
#include <optional>

#include "base/error.h"
#include "model/policy.h"

namespace refsyncd {

/// How long to wait before the next attempt. `failures` is how many attempts of the run have failed (1 or more),
/// `asked` the other side's wish (a floor, never cut), `roll` a die in [0, 1). The wait grows from rule.first, doubling, up to
/// rule.max; half of it is fixed and half is rolled.
milliseconds backoff(const RetryRule& rule, int failures, std::optional<milliseconds> asked, double roll);

/// How long scheduled runs of a policy stay away after its run failed for a reason a person must mend (auth,
/// not_found, untrusted, bad_config): a minute after the first such run, doubling, at most an hour; zero for other kinds.
milliseconds stay_away(ErrorKind kind, int consecutive_failures);

}  // namespace refsyncd
