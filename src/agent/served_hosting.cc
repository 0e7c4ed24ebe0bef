#include "agent/served_hosting.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "agent/ask_by_hand.h"
#include "api/api_route.h"
#include "base/handle.h"
#include "base/uuid.h"
#include "config/upstream_url.h"
#include "git/change_id.h"
#include "http/resolve.h"

namespace refsyncd {
namespace {

/// What a repository is called whose caller gave it no name.
std::string made_up_name(WallTime now) {
  const auto id = new_uuid(now);
  return "repo-" + id.substr(id.size() - 12);
}

UpstreamUrl checked_url(const std::string& text) {
  constexpr auto field = "upstream.url";
  try {
    auto url = parse_upstream_url(text, "/");
    if (over_http(url.transport)) return url;
  } catch (const UrlError& problem) {
    throw bad_request(field, problem.what());
  }
  throw bad_request(field, "must be an https or http URL; the configuration file can name others");
}

void check_addresses(const UpstreamUrl& url) {
  try {
    public_addresses(split_host(url.host, 0).host);
  } catch (const Error& problem) {
    const auto remedy = problem.kind() == ErrorKind::untrusted
                            ? "; the agent's administrator can allow that: api: {allow_private: true}"
                            : "";
    throw bad_request("upstream.url", fmt::format("{}{}", problem.what(), remedy));
  }
}

/// Where a credential goes: it must not follow when somebody points the upstream elsewhere.
std::string origin_of(const std::string& url) {
  const auto parsed = parse_upstream_url(url, "/");
  return fmt::format("{}://{}", to_string(parsed.transport), parsed.host);
}

void set_auth(RepositoryDefinition& definition, const GivenAuth& auth, const std::string& credential) {
  if (const auto* given = std::get_if<GivenCredential>(&auth)) {
    definition.auth = given->kind;
    definition.username = given->username;
    definition.credential = credential;
  } else if (std::holds_alternative<ClearAuth>(auth)) {
    definition.auth = AuthKind::none;
    definition.username.clear();
    definition.credential.clear();
  }
}

void set_upstream(RepositoryDefinition& definition, const GivenUpstream& upstream,
                  const std::string& credential) {
  const bool keeps = std::holds_alternative<KeepAuth>(upstream.auth) && !definition.credential.empty();
  if (keeps && origin_of(definition.upstream_url) != origin_of(upstream.url)) {
    throw bad_request("upstream.auth",
                      "the credential belongs to another host: give it again, or null for none");
  }
  definition.upstream_url = upstream.url;
  set_auth(definition, upstream.auth, credential);
}

RepositoryDefinition changed(RepositoryDefinition definition, const RepoChange& change,
                             const std::string& credential) {
  if (change.default_bookmark) definition.default_bookmark = *change.default_bookmark;
  for (const auto& [key, value] : change.tags) {
    definition.tags.erase(key);
    if (value) definition.tags.emplace(key, *value);
  }
  std::visit(match{[](std::monostate) {},
                   [&](RepoChange::RemoveUpstream) {
                     definition.upstream_url.clear();
                     set_auth(definition, ClearAuth{}, "");
                   },
                   [&](const GivenUpstream& upstream) { set_upstream(definition, upstream, credential); }},
             change.upstream);
  return definition;
}

constexpr std::string_view branches = "refs/heads/";

/// Fills in what only Git knows. A repository that is not there yet, or cannot be read, is shown as empty.
void read_git(const std::filesystem::path& path, HostedRepo& repo) {
  repo.head_change_id = root_change_id;
  std::error_code unreadable;
  if (std::filesystem::exists(path, unreadable)) {
    try {
      const ObjectReader reader(path);
      const auto head = reader.head_target();
      if (repo.default_bookmark.empty() && head.starts_with(branches)) {
        repo.default_bookmark = head.substr(branches.size());
      }
      const auto tip = reader.value_of(std::string(branches) + repo.default_bookmark);
      if (tip) repo.head_change_id = reader.change_id(*tip);
    } catch (const Error&) {
      // A sync of it says what is wrong.
    }
  }
  if (repo.default_bookmark.empty()) repo.default_bookmark = "main";
}

/// Everything but the latest sync.
HostedRepo shown(const CatalogEntry& entry) {
  HostedRepo repo{.id = entry.record.id, .org = entry.record.org, .name = entry.repo.name};
  repo.created_at = entry.record.created_at;
  if (!entry.from_file && entry.record.definition) {
    repo.default_bookmark = entry.record.definition->default_bookmark;
    repo.tags = entry.record.definition->tags;
  }
  if (const auto& upstream = entry.repo.upstream) {
    repo.upstream = HostedUpstream{.url = upstream->url, .auth = kind_of(upstream->auth)};
  }
  read_git(entry.repo.path, repo);
  return repo;
}

size_t refs_of(const Sync& sync) { return sync.refs ? sync.refs->size() : 0; }

size_t refs_of(const HostedRepo& repo) {
  return repo.upstream && repo.upstream->latest_sync ? refs_of(*repo.upstream->latest_sync) : 0;
}

}  // namespace

CatalogEntry ServedHosting::entry(const std::string& name) {
  return around_.calls.ask([this, name] {
    auto found = around_.engine.local()->catalog().entry(name);
    if (!found) throw Error(ErrorKind::not_found, fmt::format("there is no repository '{}'", name));
    return std::move(*found);
  });
}

std::vector<HostedRepo> ServedHosting::describe(std::span<const CatalogEntry> entries) {
  std::vector<std::string> ids;
  for (const auto& entry : entries) ids.push_back(entry.record.id);
  std::unordered_map<std::string, Sync> latest;
  for (auto& sync : around_.engine.store().latest_syncs(ids)) {
    auto id = sync.repo_id;
    latest.emplace(std::move(id), std::move(sync));
  }
  std::vector<HostedRepo> repos;
  for (const auto& entry : entries) {
    auto& repo = repos.emplace_back(shown(entry));
    const auto found = latest.find(repo.id);
    if (repo.upstream && found != latest.end()) repo.upstream->latest_sync = std::move(found->second);
  }
  return repos;
}

HostedRepo ServedHosting::describe(const CatalogEntry& entry) {
  return std::move(describe(std::span(&entry, 1)).front());
}

HostedPage<HostedRepo> ServedHosting::repos(const std::string& after, size_t limit) {
  auto entries = around_.calls.ask(
      [this, after, limit] { return around_.engine.local()->catalog().list(after, limit + 1); });
  HostedPage<HostedRepo> page{.has_more = entries.size() > limit};
  if (page.has_more) entries.pop_back();
  size_t refs = 0;
  for (std::span<const CatalogEntry> rest(entries); !rest.empty();) {
    const auto some = rest.first(std::min(syncs_at_once, rest.size()));
    for (auto& repo : describe(some)) {
      page.has_more = page.has_more || refs >= around_.most_refs;
      if (refs >= around_.most_refs) return page;
      refs += refs_of(repo);
      page.items.push_back(std::move(repo));
    }
    rest = rest.subspan(some.size());
  }
  return page;
}

HostedRepo ServedHosting::repo(const std::string& name) { return describe(entry(name)); }

/// Everything about an upstream that can be refused before anything is written.
void ServedHosting::check_upstream(const GivenUpstream& upstream, bool has_credential) {
  const auto url = checked_url(upstream.url);
  if (has_credential && url.transport == Transport::http && !url.loopback) {
    throw bad_request("upstream.url",
                      "credentials over http can be read by anybody on the way; use an https URL");
  }
  const bool any_address =
      around_.calls.ask([this] { return around_.engine.local()->catalog().allows_private(); });
  if (!any_address) around_.calls.take_long([&] { check_addresses(url); });
}

/// The name of the file, "" when no credential is given.
std::string ServedHosting::keep_credential(const GivenUpstream& upstream) {
  const auto* given = std::get_if<GivenCredential>(&upstream.auth);
  if (given == nullptr) return "";
  return around_.engine.local()->catalog().credentials().keep(given->secret, around_.clock.now());
}

HostedRepo ServedHosting::create(const NewRepo& repo) {
  RepositoryDefinition definition{.default_bookmark = repo.default_bookmark, .tags = repo.tags};
  std::string credential;
  if (repo.upstream) {
    check_upstream(*repo.upstream, std::holds_alternative<GivenCredential>(repo.upstream->auth));
    credential = keep_credential(*repo.upstream);
    set_upstream(definition, *repo.upstream, credential);
  }
  const auto name = repo.name.empty() ? made_up_name(around_.clock.now()) : repo.name;
  return describe(around_.calls.decide(
      [this, name, definition] {
        auto& catalog = around_.engine.local()->catalog();
        try {
          return catalog.create(name, definition);
        } catch (...) {
          catalog.credentials().forget(definition.credential);
          throw;
        }
      },
      [this, credential](const CatalogEntry* made) {
        made != nullptr ? undo(*made) : around_.engine.local()->catalog().credentials().forget(credential);
      }));
}

/// On the loop's thread. What has another name by now is somebody's.
void ServedHosting::undo(const CatalogEntry& made) {
  auto& service = *around_.engine.local();
  const auto now = service.catalog().entry(made.record.name);
  if (now && now->record.id == made.record.id && !now->from_file) {
    service.remove_repository(made.record.name);
  }
}

HostedRepo ServedHosting::change(const std::string& name, const RepoChange& change) {
  std::string credential;
  const auto before = entry(name);
  if (const auto* upstream = std::get_if<GivenUpstream>(&change.upstream)) {
    const bool kept = std::holds_alternative<KeepAuth>(upstream->auth) && before.record.definition &&
                      !before.record.definition->credential.empty();
    check_upstream(*upstream, kept || std::holds_alternative<GivenCredential>(upstream->auth));
    credential = keep_credential(*upstream);
  }
  const auto decide = [this, name, change, credential] {
    auto& service = *around_.engine.local();
    auto& catalog = service.catalog();
    try {
      const auto record = catalog.changeable(name).record;
      const auto new_name = change.name.value_or(name);
      if (new_name != name && service.busy(record.id)) {
        throw Error(ErrorKind::bad_config,
                    fmt::format("repository '{}' has syncs that have not ended; rename it after them", name));
      }
      auto entry = catalog.change(name, new_name, changed(*record.definition, change, credential));
      if (record.definition->credential != entry.record.definition->credential) {
        around_.engine.recorder().when_durable(
            [&catalog, old = record.definition->credential] { catalog.credentials().forget(old); });
      }
      return entry;
    } catch (...) {
      catalog.credentials().forget(credential);
      throw;
    }
  };
  return describe(around_.calls.decide(decide, [this, credential](const CatalogEntry* made) {
    if (made == nullptr) around_.engine.local()->catalog().credentials().forget(credential);
  }));
}

void ServedHosting::remove(const std::string& name) {
  around_.calls.decide([this, name] { around_.engine.local()->remove_repository(name); });
}

Sync ServedHosting::enqueue(const SyncRequest& asked) {
  return ask_by_hand(around_.calls, *around_.engine.local(), asked);
}

Sync ServedHosting::sync(const std::string& repo, const std::string& id) {
  const auto repo_id = entry(repo).record.id;
  auto found = around_.engine.store().sync(id);
  if (!found || found->repo_id != repo_id) {
    throw Error(ErrorKind::not_found, fmt::format("repository '{}' has no sync '{}'", repo, id));
  }
  return std::move(*found);
}

/// A few at a time, so that no more than the answer needs is in memory, and the store is free in between.
HostedPage<Sync> ServedHosting::syncs(const std::string& repo, const std::string& before, size_t limit) {
  SyncQuery query{.repo_id = entry(repo).record.id, .before_id = before};
  HostedPage<Sync> page;
  size_t refs = 0;
  for (;;) {
    const bool full = page.items.size() == limit || refs >= around_.most_refs;
    query.limit = full ? 1 : std::min(syncs_at_once, limit - page.items.size());
    query.with_refs = !full;
    auto some = around_.engine.store().syncs(query);
    for (auto& sync : some) {
      page.has_more = full || refs >= around_.most_refs;
      if (page.has_more) return page;
      refs += refs_of(sync);
      page.items.push_back(std::move(sync));
    }
    if (some.size() < query.limit) return page;
    query.before_id = page.items.back().id;
  }
}

}  // namespace refsyncd
