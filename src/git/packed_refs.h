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

/// Walks through the text of a packed-refs file, in the file's order and without copying it.
class PackedRefLines {
 public:
  explicit PackedRefLines(std::string_view text);

  /// Goes on to the next ref; false at the end. Throws Error(internal) when the file is damaged.
  bool next();
  std::string_view name() const { return name_; }
  const ObjectId& id() const { return id_; }
  /// The ref's line and, for an annotated tag, the one after it, as they stand in the file.
  std::string_view lines() const { return lines_; }
  /// What the header promised: every ref that can be peeled tells so.
  bool fully_peeled() const { return fully_peeled_; }

 private:
  std::string_view take_line();

  std::string_view rest_;
  std::string_view name_;
  std::string_view lines_;
  ObjectId id_;
  bool fully_peeled_ = false;
};

/// One entry of a packed-refs file. Refers to the file's text.
struct PackedRef {
  std::string_view name;
  ObjectId id;
  std::string_view lines;  ///< see PackedRefLines
};

/// What packed-refs is to say of a ref from now on.
struct PackedChange {
  std::string name;
  ObjectId value;                  ///< absent: nothing
  std::optional<ObjectId> peeled;  ///< what an annotated tag finally names
};

/// The content of a packed-refs file: Git's list of refs in one file. Of two lines with one name the last
/// counts.
class PackedRefs {
 public:
  /// Throws Error(internal) when the text is damaged.
  explicit PackedRefs(std::string text);
  PackedRefs(const PackedRefs&) = delete;
  PackedRefs& operator=(const PackedRefs&) = delete;

  bool empty() const { return refs_.empty(); }
  const PackedRef* find(std::string_view name) const;
  /// True when no ref of that name could be made: one has the name of a folder that it would be in, or would
  /// be in a folder of its name.
  bool is_in_the_way_of(std::string_view name) const;
  /// The text of the file after the changes, of which no two may have one name; sorted, as Git writes it.
  std::string with(std::vector<PackedChange> changes) const;

 private:
  std::string text_;
  std::vector<PackedRef> refs_;  ///< sorted by name
  bool fully_peeled_;
};

/// The text of the repository's packed-refs; "" when it has no such file. Throws as read_file() does.
std::string read_packed_refs_text(const std::filesystem::path& repository);

/// The lock that git itself takes to replace packed-refs. Released by the destructor.
class PackedRefsLock {
 public:
  /// Waits up to a second for whoever holds it, then throws LockHeld. Throws Error(transient) when it cannot
  /// be made.
  explicit PackedRefsLock(std::filesystem::path repository);
  PackedRefsLock(const PackedRefsLock&) = delete;
  PackedRefsLock& operator=(const PackedRefsLock&) = delete;
  ~PackedRefsLock();

  /// Replaces the file in one step, durably. Throws Error(internal).
  void replace(std::string_view text);

 private:
  std::filesystem::path repository_;
};

}  // namespace refsyncd
