#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/handle.h"
#include "git/packed_refs.h"
#include "git/repository.h"

namespace refsyncd {

using RefUpdates = std::vector<const RefUpdate*>;

/// Updates, sorted by what became of them. A ref that had another value than the update expected is in
/// neither.
struct WrittenRefs {
  RefUpdates made;
  RefUpdates rest;  ///< untouched: for git to do, or to say what stands in the way
};

/// Whether refs are all that is written when a ref moves: the repository keeps no reflogs, and no permissions
/// of its own.
bool has_plain_refs(const std::filesystem::path& repository);

/// Whether there is a file below refs/: a ref's own, or the lock of one. True also when that is unclear.
bool any_ref_files(const std::filesystem::path& repository);

/// Whether Git allows the update as such: the name is valid, the new value is there and, for a branch, a
/// commit.
bool is_allowed(const ObjectReader& reader, const RefUpdate& update);

/// Whether an update can be made, once the ref is locked.
enum class Standing { as_expected, moved, unclear };

/// Refs as they stand under their locks. An empty folder where a file would be, a symbolic ref, a broken one
/// and a name in the way of a new one are unclear.
class LockedRefs {
 public:
  /// Throws Error(internal) when the repository cannot be opened.
  explicit LockedRefs(const std::filesystem::path& repository);

  /// Whether anything is where the ref's own file would be.
  bool has_file(const std::string& name) const;
  /// Both throw Error(internal) when the refs cannot be read.
  Standing standing(const RefUpdate& update);
  Standing standing_without_file(const RefUpdate& update);
  /// Read when first asked for, so after the locks were taken: until they go, nobody can pack or unpack these
  /// refs. Throws Error(internal).
  const PackedRefs& packed();

 private:
  std::filesystem::path repository_;
  FileDescriptor folder_;
  std::optional<PackedRefs> packed_;
};

}  // namespace refsyncd
