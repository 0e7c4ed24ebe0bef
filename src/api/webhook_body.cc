#include "api/webhook_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/api_route.h"
#include "api/body.h"
#include "contract/time.h"
#include "http/web_address.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

constexpr size_t longest_name = 256;
constexpr size_t longest_url = 2048;
constexpr size_t most_repositories = 1000;

/// All events of the contract. Only those of syncs happen here; a client made for the hosted service may ask
/// for the others, and never hears of them.
constexpr std::array<std::string_view, 14> known_events{
    "repo.created",   "repo.updated",     "repo.deleted",   "bookmark.created", "bookmark.deleted",
    "bookmark.moved", "bookmark.merged",  "change.created", "change.evolved",   "push",
    "sync.queued",    "sync.in_progress", "sync.completed", "sync.failed"};

Words sync_events() {
  Words events;
  for (const auto status :
       {SyncStatus::queued, SyncStatus::in_progress, SyncStatus::completed, SyncStatus::failed})
    events.emplace_back(webhook_event(status));
  return events;
}

/// A list of texts that is not empty, each once.
Words words_of(const json& value, std::string_view field) {
  if (!value.is_array() || value.empty()) throw bad_request(field, "must be a list that is not empty");
  Words words;
  for (const auto& item : value) {
    if (!item.is_string()) throw bad_request(field, "must hold strings");
    auto word = item.get<std::string>();
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(std::move(word));
  }
  return words;
}

void check_url(const std::string& url, bool allow_private) {
  const auto address = parse_web_address(url);
  if (!address || std::any_of(url.begin(), url.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7f; }))
    throw bad_request("url", "must be an http:// or https:// address");
  if (address->credentials)
    throw bad_request("url", "must not name a user or password; verify the signature");
  if (address->plainly_private() && !allow_private) {
    throw bad_request("url",
                      "is a loopback or private address; the agent sends there only with "
                      "webhooks.allow_private: true in its configuration");
  }
}

void check_events(const Words& events) {
  for (const auto& event : events) {
    if (std::find(known_events.begin(), known_events.end(), event) == known_events.end())
      throw bad_request("events", fmt::format("there is no event '{}'", event));
  }
}

void check_repositories(const Words& ids, WebhookControl& control) {
  if (ids.size() > most_repositories)
    throw bad_request("repo_ids", fmt::format("are more than {}; leave them out for all", most_repositories));
  const auto known = control.repository_ids();
  for (const auto& id : ids) {
    if (std::find(known.begin(), known.end(), id) == known.end())
      throw bad_request("repo_ids", fmt::format("there is no repository with the id '{}'", id));
  }
}

}  // namespace

WebhookControl::Change webhook_target_change(const json& body, WebhookControl& control) {
  WebhookControl::Change change;
  const auto is_null = [&](const char* key) { return body.contains(key) && body[key].is_null(); };
  if (is_null("name")) {
    change.name.emplace(std::nullopt);
  } else if (auto name = optional_text(body, "name", longest_name)) {
    change.name.emplace(std::move(*name));
  }
  change.url = optional_text(body, "url", longest_url);
  if (change.url) check_url(*change.url, control.allows_private_webhooks());
  if (body.contains("events")) {
    change.events = words_of(body["events"], "events");
    check_events(*change.events);
  }
  if (is_null("repo_ids")) {
    change.repo_ids.emplace(std::nullopt);
  } else if (body.contains("repo_ids")) {
    change.repo_ids.emplace(words_of(body["repo_ids"], "repo_ids"));
    check_repositories(**change.repo_ids, control);
  }
  return change;
}

void apply(const WebhookControl::Change& change, WebhookTarget& target) {
  if (change.name) target.name = *change.name;
  if (change.url) target.url = *change.url;
  if (change.events) target.events = *change.events;
  if (change.repo_ids) target.repo_ids = *change.repo_ids;
}

WebhookTarget new_webhook_target(const json& body, WebhookControl& control) {
  required_text(body, "url", longest_url);
  WebhookTarget target;
  target.events = sync_events();
  apply(webhook_target_change(body, control), target);
  return target;
}

json to_json_value(const WebhookTarget& target) {
  return {{"id", target.id},
          {"name", target.name ? json(*target.name) : json()},
          {"url", target.url},
          {"events", target.events},
          {"repo_ids", target.repo_ids ? json(*target.repo_ids) : json()},
          {"created_at", format_time(target.created_at)},
          {"updated_at", format_time(target.updated_at)}};
}

}  // namespace refsyncd
