#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "git/remote.h"

namespace refsyncd {

/// What the file of a ref says: a value or, for a symbolic ref, another ref's name. Neither when it is
/// broken.
struct RefFile {
  ObjectId id;         ///< absent unless it is a value
  std::string target;  ///< "" unless it is a name
};

/// Reads the file of one ref, whose name is valid; nothing when the ref has none. Throws as read_refs() does.
std::optional<RefFile> read_ref_file(const std::filesystem::path& repository, const std::string& name);

/// Where HEAD points ("refs/heads/main"), also when unborn; "" when detached. Throws as read_refs() does.
std::string read_head_target(const std::filesystem::path& repository);

/// Branches and tags (refs/heads/, refs/tags/) of a bare repository, read straight from its files: a file of
/// a ref's own wins over packed-refs, symbolic refs are resolved. Links to directories are not followed.
/// Everything throws Error(not_found) when there is no repository, Error(bad_config) for one that does not
/// keep its refs in files, and Error(internal) for what cannot be read. One thread at a time.
class RefSnapshot {
 public:
  /// Reads the refs that have files of their own.
  explicit RefSnapshot(const std::filesystem::path& repository);
  RefSnapshot(const RefSnapshot&) = delete;
  RefSnapshot& operator=(const RefSnapshot&) = delete;
  ~RefSnapshot();

  /// Sorted by name. Left out are refs without a value (broken, empty or dangling ones, a broken file also
  /// when packed-refs knows the ref) and names that Git does not allow. Every value is one that the ref had
  /// since the snapshot was begun, whoever writes meanwhile.
  std::vector<RefValue> values();
  /// Whether a branch or tag has a file that says nothing, as after a loss of power.
  bool any_broken() const;
  /// While a repository's stamp stays the same, so do its refs: those that values() gave, when it is asked
  /// afterwards. Costs little, however much is packed. "" while packed-refs is so new that the next one might
  /// look the same.
  std::string stamp() const;

 private:
  class Files;
  std::unique_ptr<Files> files_;
};

/// The values of a snapshot made just now. Any thread.
std::vector<RefValue> read_refs(const std::filesystem::path& repository);

}  // namespace refsyncd
