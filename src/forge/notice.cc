#include "forge/notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "http/url.h"

namespace refsyncd {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(std::string_view problem) {
  throw Error(ErrorKind::internal, fmt::format("the webhook's body {}", problem));
}

std::string header(const NoticeHeaders& headers, std::string_view name) {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

/// Commits are nearly all of a large push, and nothing here asks for them.
json parse(const std::string& text) {
  constexpr int deepest = 32;
  bool too_deep = false;
  auto value = json::parse(
      text,
      [&](int depth, json::parse_event_t event, const json& parsed) {
        if (depth > deepest) too_deep = true;
        const bool commits = event == json::parse_event_t::key && parsed == "commits";
        return !too_deep && !commits;
      },
      false);
  if (too_deep) refuse("is nested too deeply");
  if (!value.is_object()) refuse("is not a JSON object");
  return value;
}

/// Forges post JSON, or a form with the JSON in one field (the first choice of GitHub's settings page).
json payload_of(const NoticeHeaders& headers, const std::string& body) {
  if (!header(headers, "content-type").starts_with("application/x-www-form-urlencoded")) return parse(body);
  constexpr std::string_view field = "payload=";
  if (!body.starts_with(field)) refuse("is a form without the field 'payload'");
  auto value = body.substr(field.size(), body.find('&') - field.size());
  std::replace(value.begin(), value.end(), '+', ' ');
  const auto decoded = percent_decode(value);
  if (!decoded) refuse("is a form with a broken escape");
  return parse(*decoded);
}

/// The object's member; null when there is none.
const json& member(const json& object, const char* name) {
  static const json none;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text(const json& object, const char* name) {
  const auto& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

void add(std::vector<std::string>& list, std::string value) {
  if (!value.empty() && std::find(list.begin(), list.end(), value) == list.end())
    list.push_back(std::move(value));
}

void add_ref(std::vector<std::string>& refs, std::string_view kind, const std::string& name) {
  if (name.empty()) return;
  if (kind == "branch") add(refs, "refs/heads/" + name);
  if (kind == "tag") add(refs, "refs/tags/" + name);
}

void add_urls(std::vector<std::string>& urls, const json& repository) {
  for (const auto* name :
       {"clone_url", "ssh_url", "html_url", "git_http_url", "git_ssh_url", "http_url", "web_url"}) {
    add(urls, text(repository, name));
  }
  const auto& links = member(repository, "links");
  add(urls, text(member(links, "html"), "href"));
  for (const auto& link : member(links, "clone")) add(urls, text(link, "href"));
}

PushNotice about_repository(const json& body) {
  PushNotice notice;
  const auto& repository = member(body, "repository");
  const auto& project = member(body, "project");  // GitLab's word for it
  if (!repository.is_object() && !project.is_object()) refuse("names no repository");
  add_urls(notice.urls, project);
  add_urls(notice.urls, repository);
  return notice;
}

/// GitHub, Gitea, Forgejo: a push names a full ref; what was created or deleted, a name and its kind.
std::optional<PushNotice> github_notice(const std::string& event, const json& body) {
  if (event != "push" && event != "create" && event != "delete") return std::nullopt;
  auto notice = about_repository(body);
  const auto ref = text(body, "ref");
  if (ref.starts_with("refs/")) {
    add(notice.refs, ref);
  } else {
    add_ref(notice.refs, text(body, "ref_type"), ref);
  }
  return notice;
}

/// GitLab says in the body what it tells, under two names that differ by where the webhook was set up.
std::optional<PushNotice> gitlab_notice(const json& body) {
  auto kind = text(body, "object_kind");
  if (kind.empty()) kind = text(body, "event_name");
  if (kind != "push" && kind != "tag_push" && kind != "repository_update") return std::nullopt;
  auto notice = about_repository(body);
  add(notice.refs, text(body, "ref"));
  for (const auto& change : member(body, "changes")) add(notice.refs, text(change, "ref"));
  return notice;
}

std::optional<PushNotice> bitbucket_cloud_notice(const json& body) {
  auto notice = about_repository(body);
  for (const auto& change : member(member(body, "push"), "changes")) {
    for (const auto* side : {"new", "old"}) {
      const auto& ref = member(change, side);  // null where there is none: created, or deleted
      add_ref(notice.refs, text(ref, "type"), text(ref, "name"));
    }
  }
  return notice;
}

/// Bitbucket Data Center names a repository by its project's key, and has no links in its older versions.
std::optional<PushNotice> bitbucket_server_notice(const json& body) {
  auto notice = about_repository(body);
  const auto& repository = member(body, "repository");
  const auto project = text(member(repository, "project"), "key");
  const auto slug = text(repository, "slug");
  if (notice.urls.empty() && !project.empty() && !slug.empty()) notice.path = project + "/" + slug;
  for (const auto& change : member(body, "changes")) add(notice.refs, text(member(change, "ref"), "id"));
  notice.any_ref = member(body, "refLimitExceeded") == true;
  return notice;
}

std::optional<PushNotice> bitbucket_notice(const std::string& event, const json& body) {
  if (event == "repo:push") return bitbucket_cloud_notice(body);
  if (event == "repo:refs_changed" || event == "mirror:repo_synchronized")
    return bitbucket_server_notice(body);
  return std::nullopt;
}

std::optional<PushNotice> notice_of(Forge forge, const NoticeHeaders& headers, const json& body) {
  switch (forge) {
    case Forge::github: return github_notice(header(headers, "x-github-event"), body);
    case Forge::gitlab: return gitlab_notice(body);
    case Forge::gitea: {
      const auto event = header(headers, "x-gitea-event");
      return github_notice(event.empty() ? header(headers, "x-forgejo-event") : event, body);
    }
    case Forge::bitbucket: return bitbucket_notice(header(headers, "x-event-key"), body);
  }
  return std::nullopt;
}

}  // namespace

std::optional<PushNotice> read_notice(Forge forge, const NoticeHeaders& headers, const std::string& body) {
  auto notice = notice_of(forge, headers, payload_of(headers, body));
  if (notice && notice->refs.empty() && !notice->any_ref) refuse("names no branch or tag");
  return notice;
}

std::string describe(const PushNotice& notice) {
  const auto& where = notice.urls.empty() ? notice.path : notice.urls.front();
  const auto first = notice.refs.empty() ? "any ref" : printable(notice.refs.front(), 200);
  const auto more = notice.refs.size() > 1 ? fmt::format(" and {} more", notice.refs.size() - 1) : "";
  return fmt::format("a push to {}{} of {}", first, more, printable(where, 200));
}

}  // namespace refsyncd
