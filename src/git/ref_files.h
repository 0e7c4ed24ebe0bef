#pragma once
#include <filesystem>
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

/// Branches and tags (refs/heads/, refs/tags/) of a bare repository, sorted by name, read straight from its
/// files: a file of a ref's own wins over packed-refs, symbolic refs are resolved. Left out are refs without
/// a value (broken, empty or dangling ones, a broken file also when packed-refs knows the ref) and names that
/// Git does not allow. Links to directories are not followed. Every value is one that the ref had during the
/// call, whoever writes meanwhile. Throws Error(not_found) when there is no repository, Error(bad_config) for
/// one that does not keep its refs in files, and Error(internal) for what cannot be read. Any thread.
std::vector<RefValue> read_refs(const std::filesystem::path& repository);

}  // namespace refsyncd
