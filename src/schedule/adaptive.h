#pragma once
#include "base/clock.h"
#include "model/policy.h"

namespace refsyncd {

/// The interval of a repository that has been quiet for so long: a tenth of that time, not below min and not
/// above max. A repository that changes every ten minutes is so looked at about each minute, and a change is
/// late by a tenth of the quiet before it at most.
///
/// Below max, an interval is min times a power of two, the largest that is not too long: the grids of due
/// times then lie in each other, and a policy keeps its place among others while its interval grows.
milliseconds adaptive_interval(const Adaptive& adaptive, milliseconds quiet);

}  // namespace refsyncd
