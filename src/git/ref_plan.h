#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "git/repository.h"
#include "model/sync.h"

namespace refsyncd {

/// The rules a sync moves refs by, taken from its request.
struct RefRules {
  RefGlobs globs = RefGlobs::all();
  RefGlobs exclude;
  bool force = false;
  bool prune = false;
};

/// The names of the source refs whose objects the decision and the target need: those the globs match, that
/// are not excluded, and that differ from the target's. Both lists sorted by name.
std::vector<std::string> refs_to_transfer(const RefRules& rules, std::span<const RefValue> source,
                                          std::span<const RefValue> target);

/// True for a ref of the target that the source no longer has and that is to follow it in that. Source sorted
/// by name.
bool is_to_be_pruned(const RefRules& rules, std::span<const RefValue> source, const std::string& name);

/// Where the source's value of a branch stands to the target's.
using AncestryCheck = std::function<Ancestry(const ObjectId& base, const ObjectId& tip)>;

/// Decides the outcome of every source ref that the globs match, and of every ref to prune: the whole of the
/// contract's "fast-forward only, deletions are not carried over, an existing tag never moves", and of the
/// switches. `head` is the target's HEAD branch, which prune never deletes ("" = none). Both lists sorted by
/// name; asks `ancestry` only where it matters. Results are sorted by name and say what the target will hold
/// once the updates are made.
RefResults plan_refs(const RefRules& rules, std::span<const RefValue> source,
                     std::span<const RefValue> target, const std::string& head,
                     const AncestryCheck& ancestry);

}  // namespace refsyncd
