#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "git/remote.h"
#include "model/object_id.h"

namespace refsyncd {

/// One entry of a packed-refs file.
struct PackedRef {
  std::string name;
  ObjectId id;
  std::optional<ObjectId> peeled;  ///< what an annotated tag finally names
};

/// A packed-refs file: Git's list of refs in one file.
struct PackedRefs {
  std::vector<PackedRef> refs;  ///< sorted by name
  bool fully_peeled = true;     ///< every ref that can be peeled tells so

  const PackedRef* find(std::string_view name) const;
  /// True when some ref is named `directory`/anything.
  bool has_below(std::string_view directory) const;
};

/// Walks through the text of a packed-refs file, in the file's order and without copying it.
class PackedRefLines {
 public:
  explicit PackedRefLines(std::string_view text);

  /// Goes on to the next ref; false at the end. Throws Error(internal) when the file is damaged.
  bool next();
  std::string_view name() const { return name_; }
  const ObjectId& id() const { return id_; }
  /// Throws Error(internal) when it is damaged.
  std::optional<ObjectId> peeled() const;
  /// What the header promised: see PackedRefs.
  bool fully_peeled() const { return fully_peeled_; }

 private:
  std::string_view take_line();

  std::string_view rest_;
  std::string_view name_;
  ObjectId id_;
  std::string_view peeled_;  ///< "" or the whole line
  bool fully_peeled_ = false;
};

/// Reads the text of a packed-refs file. Throws Error(internal) when it is damaged.
PackedRefs parse_packed_refs(std::string_view text);
std::string format_packed_refs(const PackedRefs& packed);

/// The text of the repository's packed-refs; "" when it has no such file. Throws Error(internal).
std::string read_packed_refs_text(const std::filesystem::path& repository);

/// The repository's packed refs; an empty list when it has no such file. Throws Error(internal).
PackedRefs read_packed_refs(const std::filesystem::path& repository);

/// The lock that git itself takes to replace packed-refs. Released by the destructor.
class PackedRefsLock {
 public:
  /// Waits up to a second for whoever holds it; then throws Error(transient).
  explicit PackedRefsLock(std::filesystem::path repository);
  PackedRefsLock(const PackedRefsLock&) = delete;
  PackedRefsLock& operator=(const PackedRefsLock&) = delete;
  ~PackedRefsLock();

  /// Replaces the file in one step, durably. Throws Error(internal).
  void replace(const PackedRefs& packed);

 private:
  std::filesystem::path repository_;
};

}  // namespace refsyncd
