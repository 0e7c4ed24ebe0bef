#include "contract/repo_json.h"

#include <string_view>

#include "contract/json_fields.h"
#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;

json auth_kind_json(AuthKind kind) { return kind == AuthKind::none ? json() : json(to_string(kind)); }

HostedUpstream upstream_from_json(const json& value) {
  const JsonFields fields(value, "upstream");
  HostedUpstream upstream;
  upstream.url = fields.name("url");
  upstream.auth = fields.parsed_if_there("auth_kind", auth_kind_from).value_or(AuthKind::none);
  if (const auto* latest = fields.find("latest_sync")) upstream.latest_sync = sync_from_json(*latest);
  return upstream;
}

std::optional<std::string> next_cursor(const JsonFields& fields) {
  if (!fields.flag("has_more")) return std::nullopt;
  return fields.name("next_cursor");
}

/// The entries of a page, and the cursor of the next one.
template <class Entry>
std::optional<std::string> read_page(const json& value, const char* name, std::vector<Entry>& entries,
                                     Entry (*read)(const json&)) {
  const JsonFields fields(value, "");
  for (const auto& entry : fields.list(name)) entries.push_back(read(entry));
  return next_cursor(fields);
}

}  // namespace

json to_json_value(const HostedRepo& repo) {
  json value{{"id", repo.id},
             {"org", repo.org},
             {"name", repo.name},
             {"default_bookmark", repo.default_bookmark},
             {"head_change_id", repo.head_change_id},
             {"upstream", nullptr},
             {"created_at", format_time(repo.created_at)},
             {"tags", repo.tags}};
  if (!repo.upstream) return value;
  const auto& latest = repo.upstream->latest_sync;
  value["upstream"] = {{"url", repo.upstream->url},
                       {"auth_kind", auth_kind_json(repo.upstream->auth)},
                       {"latest_sync", latest ? to_json_value(*latest) : json()}};
  return value;
}

HostedRepo repo_from_json(const json& value) {
  const JsonFields fields(value, "", "repository");
  HostedRepo repo{
      .id = fields.name("id"), .org = fields.name("org"), .name = fields.name("name"), .upstream = {}};
  if (const auto* upstream = fields.find("upstream")) repo.upstream = upstream_from_json(*upstream);
  return repo;
}

RepoPage repo_page_from_json(const json& value) {
  RepoPage page;
  page.next_cursor = read_page(value, "repos", page.repos, repo_from_json);
  return page;
}

SyncPage sync_page_from_json(const json& value) {
  SyncPage page;
  page.next_cursor = read_page(value, "syncs", page.syncs, sync_from_json);
  return page;
}

Whoami whoami_from_json(const json& value) {
  const JsonFields org(JsonFields(value, "").get("org"), "org");
  return {.org = org.name("slug")};
}

}  // namespace refsyncd
