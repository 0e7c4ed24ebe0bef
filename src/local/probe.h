#pragma once
#include <functional>

#include "git/smart_http.h"
#include "local/probing.h"

namespace refsyncd {

/// What a sync would do to the refs, judged by names and values alone: the results when it would move none,
/// nothing when there is work, or when only objects could tell. Reads the repository, and writes nothing.
/// Throws Error for a repository that cannot be read.
std::optional<RefResults> results_without_work(const SyncRequest& request, const Repo& repo,
                                               const Advertisement& listed);

/// A Probe over smart HTTP. Credentials are read, and many refs compared, by `in_background`, which runs a
/// function on some other thread; `on_loop` hands a function to the loop's. Everything outlives the probe.
Probe make_probe(SmartHttp& http, std::function<void(std::function<void()>)> in_background,
                 std::function<void(std::function<void()>)> on_loop);

}  // namespace refsyncd
