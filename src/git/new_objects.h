#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

#include "git/remote.h"
#include "git/repository.h"

namespace refsyncd {

/// How much is looked at in process before git is asked instead.
struct WalkLimits {
  size_t objects = 20'000;  ///< commits, trees and files of what is new
  size_t history = 2'000;   ///< commits of what was there before
};

/// Proves in process what check_connected() promises. False when nothing is known: the limits were met, a
/// commit that was there before is not seen to be reachable from `held`, or libgit2 cannot read an object.
/// Throws as check_connected() does.
bool prove_connected(const ScratchRepository& scratch, std::span<const ObjectId> tips,
                     std::span<const RefValue> held, const WalkLimits& limits = {});

/// True when each of the objects is in a pack of the repository's own, not in its alternates.
bool holds_itself(const std::filesystem::path& scratch, std::span<const ObjectId> objects);

}  // namespace refsyncd
