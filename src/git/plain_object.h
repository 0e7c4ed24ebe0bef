#pragma once
#include <git2/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "model/object_id.h"

namespace refsyncd {

/// Something that an object names, and what it must be.
struct NamedObject {
  ObjectId id;
  git_object_t type = GIT_OBJECT_INVALID;

  bool operator==(const NamedObject&) const = default;
};

/// What a plain object leaves to be looked at. Commits of submodules, which live elsewhere, are not in it.
struct PlainObject {
  std::vector<NamedObject> names;
  std::vector<ObjectId> attributes;  ///< which of the named files are called .gitattributes
};

/// Reads the content of an object that is sound beyond doubt, as nearly all are. Nothing for any other
/// object: it may be sound or not, and git is to say which. Not plain is whatever git-fsck(1) has a message
/// for, of any severity (its "Fsck Messages"; for names also what they mean to Git on HFS+ and NTFS,
/// core.protectHFS), and much that is merely unusual. This looks at the one object: that what it names is
/// there, and of that type, is for the caller to find out, and so is are_plain_attributes().
std::optional<PlainObject> read_plain(git_object_t type, std::string_view content);

/// The same for the content of a file that is called .gitattributes.
bool are_plain_attributes(std::string_view content);

/// More bytes than this are no plain attributes, and need not be read.
inline constexpr size_t most_attribute_bytes = size_t{1} << 20;

}  // namespace refsyncd
