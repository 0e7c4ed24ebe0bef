#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/handle.h"
#include "git/program.h"
#include "git/remote.h"
#include "model/object_id.h"

namespace refsyncd {

/// A ref that an update left as it was.
struct RefLeftAlone {
  std::string name;
  /// Why a ref that had not moved could not be written (a lock, a permission), printable; "" when it had
  /// moved meanwhile (raced).
  std::string obstacle;

  bool operator==(const RefLeftAlone&) const = default;
};

class Objects;

/// What history says about two commits of a branch.
enum class Ancestry { same, ahead, diverged, unknown_object, not_a_commit };

/// Reads refs, objects and ancestry through libgit2; never touches the network and changes nothing.
class ObjectReader {
 public:
  explicit ObjectReader(const std::filesystem::path& repository);
  ~ObjectReader();
  ObjectReader(ObjectReader&&) noexcept;

  /// Branches and tags (refs/heads/, refs/tags/), sorted by name; symbolic refs resolved.
  std::vector<RefValue> refs() const;
  /// Every ref whose name starts with the prefix, sorted by name; "refs/" gives all. Broken refs are left
  /// out.
  std::vector<RefValue> refs_below(std::string_view prefix) const;
  /// The value of one ref, symbolic refs resolved; nothing when it does not exist or is broken.
  std::optional<ObjectId> value_of(const std::string& name) const;
  bool contains(const ObjectId& id) const;
  /// The same, without a new look at the disk for each object that is absent: for asking about many.
  bool contained_when_opened(const ObjectId& id) const;
  /// What an annotated tag finally names; nothing for any other object.
  std::optional<ObjectId> peel(const ObjectId& id) const;
  /// Where `tip` stands to `base`: ahead means base is its ancestor, so moving from base to tip is a
  /// fast-forward.
  Ancestry ancestry(const ObjectId& base, const ObjectId& tip) const;
  /// Jujutsu's change id of a commit (see git/change_id). Throws Error when there is no such commit.
  std::string change_id(const ObjectId& commit) const;
  /// Where HEAD points ("refs/heads/main"), also when unborn; "" when detached.
  std::string head_target() const;
  /// For parts of this folder that look into objects themselves.
  const Objects& objects() const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

/// A throw-away bare repository on the target's file system whose alternates name the target's objects: what
/// is fetched lands here first, and a failure leaves nothing of it behind. At the object's end the directory
/// is emptied and laid aside beside it, for the next one.
class ScratchRepository {
 public:
  /// The name of the one that is laid aside.
  static constexpr auto spare_name = "spare";

  /// Creates the directory, whose parent may be missing. Throws Error(internal).
  ScratchRepository(std::filesystem::path path, const std::filesystem::path& target);
  ~ScratchRepository();
  ScratchRepository(ScratchRepository&&) noexcept;

  const std::filesystem::path& path() const { return path_; }
  /// The repository whose objects it sees.
  const std::filesystem::path& target() const { return target_; }
  /// Sees the scratch's own objects, those that come later too, and through the alternates the target's.
  /// Opened once, for one thread; lives as long as the scratch stays where it is.
  const ObjectReader& reader() const;
  /// What was fetched, sorted by name. The directory holds the objects alone: its only reader is this
  /// process.
  const std::vector<RefValue>& refs() const { return refs_; }
  /// For Remotes.
  void set_refs(std::vector<RefValue> refs);

 private:
  std::filesystem::path path_;
  std::filesystem::path target_;
  std::vector<RefValue> refs_;
  mutable std::optional<ObjectReader> reader_;
};

/// How long ago a leftover must have been changed to be removed.
struct LeftoverAges {
  milliseconds locks = std::chrono::minutes(10);
  /// Below objects/, where somebody's push or repack may take its time. Of a folder what is newest in it
  /// counts.
  milliseconds objects = std::chrono::hours(6);
  /// How long we run. Locks that were made before, but since a sync began that never ended (see
  /// RepositoryUse), are a killed agent's: they go at once, and so do all scratch repositories then.
  milliseconds ours = milliseconds::max();
  /// Also ref files that a power loss left empty: not when the repository's values are to go elsewhere, for
  /// what packed-refs says of such a ref may be old.
  bool empty_refs = true;
};

/// A bare repository that syncs write to. Every write is compare-and-swap or adds objects. One sync at a time
/// uses it; other programs may use it meanwhile.
class Repository {
 public:
  /// Opens the repository, creating an empty one first when it is missing and `create` is set. Refuses with
  /// Error(untrusted) one whose control files another user owns or anybody may write, with Error(bad_config)
  /// a path that is not a bare repository or uses SHA-256, and with Error(not_found) a missing one.
  static Repository open(const GitProgram& git, const std::filesystem::path& path, bool create);

  const std::filesystem::path& path() const { return path_; }
  ObjectReader reader() const { return ObjectReader(path_); }

  /// Removes what killed git processes leave behind: stale locks, packed-refs.new, temporary packs and
  /// objects, packs without an index or the reverse, old scratch repositories, and ref files that a power
  /// loss left empty, which hide the ref's last packed value and block every update. To be called while
  /// nobody else of ours uses the repository. Spares what may belong to somebody else's running git. Returns
  /// how many went.
  size_t remove_leftovers(const LeftoverAges& ages) const;

  /// The names of refs whose file a power loss left empty.
  std::vector<std::string> empty_refs() const;

  /// A new, empty scratch repository for one sync.
  ScratchRepository scratch() const;

  /// Moves the scratch's packs here, objects before their index, and makes them durable.
  void adopt_objects(ScratchRepository& scratch) const;

  /// Applies the updates, deletions first, each by compare-and-swap. Returns the refs that were left alone;
  /// all others got their new value, durably, whatever somebody else has made of them since. Throws when
  /// nothing can be written, or when what is left cannot be: deletions may then be done already.
  std::vector<RefLeftAlone> update_refs(std::span<const RefUpdate> updates, const Operation& operation) const;

  /// Points HEAD at a branch.
  void set_head(const std::string& branch) const;

  /// Packs loose refs when there are at least so many (git pack-refs --all).
  void pack_refs(const Operation& operation, size_t many = 1000) const;

  /// Rolls small packs and loose objects up into larger packs when there are at least so many packs (git
  /// repack --geometric), within some minutes. Deletes no object, and is safe while others read or push.
  void consolidate_packs(const Operation& operation, size_t many) const;

  /// Writes what has come since the last time into the commit-graph, by which git walks history two or three
  /// times as fast (git commit-graph write --split).
  void extend_commit_graph(const Operation& operation) const;

 private:
  Repository(const GitProgram& git, std::filesystem::path path) : git_(&git), path_(std::move(path)) {}

  const GitProgram* git_;
  std::filesystem::path path_;
};

/// Makes the mark of a sync (see RepositoryUse) durable, if there is one: a power loss while a ref's lock has
/// no content yet would leave the lock and forget the mark. Best effort.
void sync_use_mark(const std::filesystem::path& repository);

/// Marks a repository while a sync of ours works on it: the file "refsyncd-in-use" says 1 then, else 0.
/// The mark of a sync that was killed stays, and tells the next process whose leftovers it sees. Throws
/// Error(internal) when it cannot be made.
class RepositoryUse {
 public:
  explicit RepositoryUse(const Repository& repository);
  RepositoryUse(const RepositoryUse&) = delete;
  RepositoryUse& operator=(const RepositoryUse&) = delete;
  ~RepositoryUse();

 private:
  FileDescriptor file_;
};

}  // namespace refsyncd
