#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "local/credentials.h"
#include "model/store.h"

namespace refsyncd {

/// A repository as the catalog knows it. One of the configuration file has no definition.
struct CatalogEntry {
  Repo repo;
  RepositoryRecord record;
  bool from_file = false;
};

/// All repositories: those of the configuration file, and beside them those made through the API. The file
/// wins: while it has a name, a repository of the API with that name is out of sight, with its refs and its
/// definition, and comes back when the file gives the name up. On the loop's thread; what changes is
/// recorded, and so durable when the recorder says so.
///
/// A repository of the API lies in a folder named after its id: renaming it moves nothing, and what is left
/// of a deleted one can never be taken for a later one of the same name.
class Catalog {
 public:
  Catalog(Recorder& recorder, const Clock& clock, std::string org, const std::filesystem::path& data_dir);

  void configure(std::vector<Repo> from_file);
  /// Whether upstreams of the API may have addresses that are not public.
  void allow_private(bool allowed);
  bool allows_private() const { return allow_private_; }
  /// What the store has. Those that are deleted, or of another organisation, are not ours to show.
  void adopt(const std::vector<RepositoryRecord>& records);

  /// Nullptr when there is none. Holds until the next change.
  const Repo* find(const std::string& name) const;
  /// The contract's id of a repository's name, made when it is asked for first.
  const std::string& id_of(const std::string& name) { return record_of(name).id; }

  std::optional<CatalogEntry> entry(const std::string& name);
  /// By name, those after `after`, at most `limit`.
  std::vector<CatalogEntry> list(const std::string& after, size_t limit);

  /// Adds a repository. Throws Error(bad_config) when the name is taken.
  CatalogEntry create(const std::string& name, const RepositoryDefinition& definition);
  /// Gives one of the API another name and definition. Throws as create() and changeable().
  CatalogEntry change(const std::string& name, const std::string& new_name,
                      const RepositoryDefinition& definition);
  /// Takes one of the API away, and returns what it was. Its files stay. Throws as changeable().
  CatalogEntry remove(const std::string& name);
  /// Throws Error(not_found) for an unknown name, and Error(bad_config) for one of the configuration file.
  CatalogEntry changeable(const std::string& name);

  const UpstreamCredentials& credentials() const { return credentials_; }
  /// Removes what a repository of the API has on the disk: its folder, and its credential if any. False when
  /// something may be left. For any thread; blocks on the disk.
  std::function<bool()> removal_of(const RepositoryRecord& record) const;
  /// Folders of repositories of the API, and credentials, that no record of the store names. They belong to
  /// another state of the store, and may be all that is left of a repository.
  std::vector<std::filesystem::path> unknown_files(const std::vector<RepositoryRecord>& records) const;

 private:
  RepositoryRecord& record_of(const std::string& name);
  void refuse_if_taken(const std::string& name) const;
  std::filesystem::path folder_of(const RepositoryRecord& record) const;
  Repo made(const RepositoryRecord& record) const;
  CatalogEntry add(RepositoryRecord record);

  Recorder& recorder_;
  const Clock& clock_;
  std::string org_;
  std::filesystem::path repos_;
  UpstreamCredentials credentials_;
  bool allow_private_ = false;
  std::map<std::string, Repo> from_file_;
  std::map<std::string, Repo> from_api_;
  std::unordered_map<std::string, RepositoryRecord> records_;  // by name, also of names nobody has any more
};

}  // namespace refsyncd
