#pragma once
#include <functional>

#include "base/clock.h"
#include "base/worker_pool.h"
#include "git/program.h"
#include "local/maintenance.h"

namespace refsyncd {

/// A Maintain that works by `in_background`, which runs a function on a thread that is there for nothing
/// else: it is made nice (10) for good, and so is the git that it starts. `on_loop` hands a function to the
/// loop's thread. One maintenance has ten minutes. Everything outlives it.
Maintain make_maintain(const Clock& clock, const GitProgram& git, milliseconds keep_backups,
                       Executor in_background, Executor on_loop);

}  // namespace refsyncd
