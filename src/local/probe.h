#pragma once
#include <functional>

#include "base/worker_pool.h"
#include "git/smart_http.h"
#include "local/divergences.h"
#include "local/probing.h"

namespace refsyncd {

/// What a repository holds, as far as a decision needs it.
struct HeldRefs {
  std::vector<RefValue> refs;
  std::string head;         ///< the branch that HEAD names, "" when it names a commit
  bool any_broken = false;  ///< a ref's file says nothing: it is not among `refs`
};
/// What a sync would do to the refs, judged by names and values alone: the results when it would move none,
/// nothing when there is work, or when only objects could tell.
std::optional<RefResults> results_without_work(const SyncRequest& request, const Repo& repo,
                                               const HeldRefs& held, const Advertisement& listed,
                                               const Divergences& divergences);

/// A Probe over smart HTTP. Credentials are read, and many refs compared, by `in_background`, which runs a
/// function on some other thread; `on_loop` hands a function to the loop's. Everything outlives the probe.
Probe make_probe(SmartHttp& http, const Divergences& divergences, Executor in_background, Executor on_loop);

}  // namespace refsyncd
