#pragma once
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/secret.h"
#include "contract/organization.h"
#include "contract/repo_json.h"
#include "model/sync.h"

namespace refsyncd {

/// A credential on its way in. It never comes out again.
struct GivenCredential {
  AuthKind kind = AuthKind::token;
  std::string username;
  Secret secret;
};

/// What a caller says of an upstream's authentication.
struct KeepAuth {};   ///< nothing: what is there stays
struct ClearAuth {};  ///< null: the upstream is public
using GivenAuth = std::variant<KeepAuth, ClearAuth, GivenCredential>;

struct GivenUpstream {
  std::string url;
  GivenAuth auth;
};

struct NewRepo {
  std::string name;              ///< "" = one is made up
  std::string default_bookmark;  ///< "" = the branch that HEAD names
  std::map<std::string, std::string> tags;
  std::optional<GivenUpstream> upstream;
};

/// What is absent stays.
struct RepoChange {
  struct RemoveUpstream {};
  using Upstream = std::variant<std::monostate, RemoveUpstream, GivenUpstream>;

  std::optional<std::string> name;
  std::optional<std::string> default_bookmark;
  std::map<std::string, std::optional<std::string>> tags;  ///< to set, and with nothing to remove
  Upstream upstream;
};

/// A part of a list. It may end before the limit, but never without an item, when its items hold very many
/// refs; what follows its last item is then asked for as ever.
template <class Item>
struct HostedPage {
  std::vector<Item> items = {};
  bool has_more = false;  ///< something follows the last item
};

/// What the API's repositories and syncs are behind it. Calls come from several threads at once and return
/// within a bounded time. They throw ApiError for what the caller said, and besides: Error(not_found) for an
/// unknown repository or sync, Error(bad_config) for what cannot be as things stand (a name that is taken, a
/// repository of the configuration file, no upstream), Error(transient) while the agent is busy or stopping.
class Hosting {
 public:
  virtual ~Hosting() = default;

  virtual Organization organization() const = 0;
  /// By name, those after `after` ("" = from the first), at most `limit`.
  virtual HostedPage<HostedRepo> repos(const std::string& after, size_t limit) = 0;
  virtual HostedRepo repo(const std::string& name) = 0;
  virtual HostedRepo create(const NewRepo& repo) = 0;
  virtual HostedRepo change(const std::string& name, const RepoChange& change) = 0;
  virtual void remove(const std::string& name) = 0;

  /// Of the request, repo, direction and globs count. Durable on return.
  virtual Sync enqueue(const SyncRequest& request) = 0;
  virtual Sync sync(const std::string& repo, const std::string& id) = 0;
  /// Newest first, those older than the sync `before` ("" = from the newest), at most `limit`.
  virtual HostedPage<Sync> syncs(const std::string& repo, const std::string& before, size_t limit) = 0;
};

}  // namespace refsyncd
