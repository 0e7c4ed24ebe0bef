#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/sync.h"

namespace refsyncd {

/// The upstream of a hosted repository, as the API shows it.
struct HostedUpstream {
  std::string url;
  AuthKind auth = AuthKind::none;
  std::optional<Sync> latest_sync;
};

/// A repository of the hosted API.
struct HostedRepo {
  std::string id;
  std::string org;
  std::string name;
  std::optional<HostedUpstream> upstream;
  // What follows is written, and not read from answers: nobody here asks for it.
  std::string default_bookmark;
  std::string head_change_id;  ///< of the default bookmark's tip (see git/change_id)
  WallTime created_at;
  std::map<std::string, std::string> tags;
};

/// In the contract's shape.
nlohmann::json to_json_value(const HostedRepo& repo);

/// One page of a list; `next_cursor` asks for the next one, nothing when this is the last.
struct RepoPage {
  std::vector<HostedRepo> repos;
  std::optional<std::string> next_cursor;
};
struct SyncPage {
  std::vector<Sync> syncs;
  std::optional<std::string> next_cursor;
};

/// The organisation a credential belongs to.
struct Whoami {
  std::string org;  ///< the name used in paths (slug)
};

/// What a service answered, checked: each throws Error(internal) "unexpected answer: ..." that names the
/// field. Unknown fields are ignored.
HostedRepo repo_from_json(const nlohmann::json& value);
RepoPage repo_page_from_json(const nlohmann::json& value);
SyncPage sync_page_from_json(const nlohmann::json& value);
Whoami whoami_from_json(const nlohmann::json& value);

}  // namespace refsyncd
