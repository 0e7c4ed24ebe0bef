#pragma once
#include <optional>

#include "base/error.h"
#include "model/policy.h"

namespace refsyncd {

/// The most patience another side may ask of us: what it asks beyond is taken as this.
inline constexpr milliseconds longest_wish = std::chrono::days(365);

/// How long to wait before the next attempt. `failures` is how many attempts of the run have failed (1 or
/// more), `asked` the other side's wish, `roll` a die in [0, 1). Our own wait grows from rule.first,
/// doubling, up to rule.max; half of it is fixed and half is rolled. A wish is a floor, never cut by
/// rule.max, with up to a tenth of it rolled on top, so that those who were turned away together do not come
/// back together. The longer of the two holds.
milliseconds backoff(const RetryRule& rule, int failures, std::optional<milliseconds> asked, double roll);

/// How long scheduled runs of a policy stay away after its run failed for a reason a person must mend (auth,
/// not_found, untrusted, bad_config): a minute after the first such run, doubling, at most an hour; zero for
/// other kinds.
milliseconds stay_away(ErrorKind kind, int consecutive_failures);

/// How long a hint that a failed run has not answered waits for the next one, whatever the reason: a minute
/// after the first such run, doubling, at most an hour, and no less than one more attempt would have waited.
milliseconds hint_wait(const RetryRule& rule, int consecutive_failures, double roll);

}  // namespace refsyncd
