#include "local/catalog.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/uuid.h"
#include "config/upstream_url.h"

namespace refsyncd {
namespace {

namespace fs = std::filesystem;

constexpr auto by_id = "by-id";

Auth auth_of(const RepositoryDefinition& definition, const UpstreamCredentials& credentials) {
  switch (definition.auth) {
    case AuthKind::none: return {};
    case AuthKind::token:
      return TokenAuth{.token = credentials.source(definition.credential), .username = definition.username};
    case AuthKind::username_password:
      return PasswordAuth{.username = definition.username,
                          .password = credentials.source(definition.credential)};
  }
  return {};
}

}  // namespace

Catalog::Catalog(Recorder& recorder, const Clock& clock, std::string org, const fs::path& data_dir)
    : recorder_(recorder),
      clock_(clock),
      org_(std::move(org)),
      repos_(data_dir / "repos"),
      credentials_(data_dir / "credentials") {}

void Catalog::configure(std::vector<Repo> from_file) {
  from_file_.clear();
  for (auto& repo : from_file) {
    auto name = repo.name;
    from_file_.emplace(std::move(name), std::move(repo));
  }
}

void Catalog::allow_private(bool allowed) {
  allow_private_ = allowed;
  for (auto& [name, repo] : from_api_) {
    if (repo.upstream) repo.upstream->public_only = !allowed;
  }
}

void Catalog::adopt(const std::vector<RepositoryRecord>& records) {
  for (const auto& record : records) {
    if (record.org != org_ || record.state != RepositoryState::present) continue;
    if (record.definition) from_api_.emplace(record.name, made(record));
    records_.emplace(record.name, record);
  }
}

const Repo* Catalog::find(const std::string& name) const {
  if (const auto found = from_file_.find(name); found != from_file_.end()) return &found->second;
  const auto found = from_api_.find(name);
  return found == from_api_.end() ? nullptr : &found->second;
}

RepositoryRecord& Catalog::record_of(const std::string& name) {
  auto& record = records_[name];
  if (record.id.empty()) {
    const auto now = clock_.now();
    record = {.id = new_uuid(now), .org = org_, .name = name, .created_at = now};
    recorder_.record(record);
  }
  return record;
}

std::optional<CatalogEntry> Catalog::entry(const std::string& name) {
  const auto* repo = find(name);
  if (repo == nullptr) return std::nullopt;
  return CatalogEntry{.repo = *repo, .record = record_of(name), .from_file = from_file_.contains(name)};
}

std::vector<CatalogEntry> Catalog::list(const std::string& after, size_t limit) {
  std::vector<CatalogEntry> entries;
  auto file = from_file_.upper_bound(after);
  auto api = from_api_.upper_bound(after);
  while (entries.size() < limit && (file != from_file_.end() || api != from_api_.end())) {
    const bool file_is_next =
        api == from_api_.end() || (file != from_file_.end() && file->first <= api->first);
    const auto& name = file_is_next ? file->first : api->first;
    if (file_is_next && api != from_api_.end() && api->first == name) ++api;
    entries.push_back(*entry(name));
    file_is_next ? ++file : ++api;
  }
  return entries;
}

void Catalog::refuse_if_taken(const std::string& name) const {
  if (from_file_.contains(name)) {
    throw Error(ErrorKind::bad_config,
                fmt::format("the configuration file has a repository '{}'; use another name", name));
  }
  if (from_api_.contains(name)) {
    throw Error(ErrorKind::bad_config, fmt::format("there is a repository '{}' already", name));
  }
}

CatalogEntry Catalog::changeable(const std::string& name) {
  auto found = entry(name);
  if (!found) throw Error(ErrorKind::not_found, fmt::format("there is no repository '{}'", name));
  if (found->from_file) {
    throw Error(ErrorKind::bad_config,
                fmt::format("repository '{}' is defined by the configuration file; change it there", name));
  }
  return std::move(*found);
}

fs::path Catalog::folder_of(const RepositoryRecord& record) const {
  return repos_ / record.org / by_id / (record.id + ".git");
}

Repo Catalog::made(const RepositoryRecord& record) const {
  Repo repo{.name = record.name, .path = folder_of(record).string(), .managed = true};
  const auto& definition = *record.definition;
  if (!definition.default_bookmark.empty()) repo.head = "refs/heads/" + definition.default_bookmark;
  if (definition.upstream_url.empty()) return repo;
  const auto url = parse_upstream_url(definition.upstream_url, "/");
  repo.upstream = Upstream{.url = url.url,
                           .transport = url.transport,
                           .host = url.host,
                           .auth = auth_of(definition, credentials_),
                           .public_only = !allow_private_};
  return repo;
}

CatalogEntry Catalog::add(RepositoryRecord record) {
  auto& repo = from_api_[record.name] = made(record);
  recorder_.record(record);
  records_[record.name] = record;
  return {.repo = repo, .record = std::move(record)};
}

CatalogEntry Catalog::create(const std::string& name, const RepositoryDefinition& definition) {
  refuse_if_taken(name);
  const auto now = clock_.now();
  return add({.id = new_uuid(now), .org = org_, .name = name, .created_at = now, .definition = definition});
}

CatalogEntry Catalog::change(const std::string& name, const std::string& new_name,
                             const RepositoryDefinition& definition) {
  auto record = changeable(name).record;
  if (new_name != name) {
    refuse_if_taken(new_name);
    from_api_.erase(name);
    records_.erase(name);
    record.name = new_name;
  }
  record.definition = definition;
  return add(std::move(record));
}

CatalogEntry Catalog::remove(const std::string& name) {
  auto removed = changeable(name);
  from_api_.erase(name);
  records_.erase(name);
  removed.record.state = RepositoryState::deleted;
  recorder_.record(removed.record);
  return removed;
}

std::function<bool()> Catalog::removal_of(const RepositoryRecord& record) const {
  std::vector<fs::path> files{folder_of(record)};
  const bool has_credential = record.definition && !record.definition->credential.empty();
  if (has_credential) files.emplace_back(credentials_.source(record.definition->credential).name);
  return [files = std::move(files)] {
    std::error_code problem;
    for (const auto& file : files) {
      if (fs::remove_all(file, problem); problem) return false;
    }
    return true;
  };
}

std::vector<fs::path> Catalog::unknown_files(const std::vector<RepositoryRecord>& records) const {
  std::set<std::string> folders;
  std::set<std::string> credentials;
  for (const auto& record : records) {
    if (!record.definition) continue;
    folders.insert(folder_of(record).filename());
    credentials.insert(record.definition->credential);
  }
  auto unknown = credentials_.all_but(credentials);
  std::error_code ignored;
  for (const auto& found : fs::directory_iterator(repos_ / org_ / by_id, ignored)) {
    if (!folders.contains(found.path().filename())) unknown.push_back(found.path());
  }
  return unknown;
}

}  // namespace refsyncd
