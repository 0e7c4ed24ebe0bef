#include "config/hosted.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/auth.h"
#include "config/upstream_url.h"

namespace refsyncd {
namespace {

std::optional<std::string> read_base_url(Reading& reading, const Field& field) {
  const auto text = read_expanded(reading, field);
  if (!text) return std::nullopt;
  try {
    auto url = parse_upstream_url(*text, reading.folder);
    if (!over_http(url.transport)) {
      throw UrlError("the API is reached by https; write a URL such as https://api.mesa.dev/v1");
    }
    if (url.transport == Transport::http && !url.loopback) {
      throw UrlError("the credential could be read by anybody on the way; write an https URL");
    }
    while (url.url.ends_with('/')) url.url.pop_back();
    return url.url;
  } catch (const UrlError& problem) {
    reading.problems.add(field.place(), problem.what());
    return std::nullopt;
  }
}

void refuse(Reading& reading, const Fields& fields, std::initializer_list<std::string_view> names,
            std::string_view other_kind) {
  for (const auto name : names) {
    const auto field = fields[name];
    if (!field) continue;
    reading.problems.add(field.key.place(),
                         fmt::format("'{}' has a meaning with kind: {} only; remove it", name, other_kind));
  }
}

bool served_here(Reading& reading, const Field& field, ServiceKind kind) {
  if (kind == ServiceKind::local || !field) return true;
  reading.problems.add(field.key.place(),
                       fmt::format("'{}' is about the API that kind: local serves; remove it", field.name));
  return false;
}

void read_scope(Reading& reading, Value value, ApiScopes& scopes) {
  static constexpr std::string_view names[] = {"read", "write", "admin"};
  bool ApiScopes::*const members[] = {&ApiScopes::read, &ApiScopes::write, &ApiScopes::admin};
  const auto* const found = std::find(std::begin(names), std::end(names), value.text());
  if (value.is_scalar() && found != std::end(names)) {
    scopes.*members[found - std::begin(names)] = true;
  } else {
    reading.problems.add(value.place(), "a scope is one of read, write, admin");
  }
}

ApiScopes read_scopes(Reading& reading, const Fields& token) {
  const auto field = token["scopes"];
  ApiScopes scopes;
  if (field.value.is_list()) {
    for (auto item = field.value.first(); item; item = item.next()) read_scope(reading, item, scopes);
  }
  if (!field.value.is_list() || field.value.size() == 0) {
    reading.problems.add(field ? field.place() : token.place(),
                         "an API token needs 'scopes', a list of read, write, admin; write scopes: [read]");
  }
  return scopes;
}

std::optional<ApiToken> read_api_token(Reading& reading, Value value) {
  if (!value.is_map()) {
    reading.problems.add(
        value.place(),
        "an API token must be a mapping; write - {name: ci, file: PATH, scopes: [read, write]}");
    return std::nullopt;
  }
  const Fields fields(reading, value, keys::api_token, "an API token");
  const auto name = read_name(reading, fields["name"]);
  const auto file = read_path(reading, fields["file"]);
  if (!fields["name"]) reading.problems.add(fields.place(), "an API token needs a 'name', for the log");
  if (!fields["file"]) reading.problems.add(fields.place(), "an API token needs a 'file' that holds it");
  const auto scopes = read_scopes(reading, fields);
  if (!name || !file) return std::nullopt;
  return ApiToken{.name = *name, .file = *file, .scopes = scopes};
}

/// Without a secret anybody could send webhooks, so a forge without one is a mistake.
std::optional<SecretSource> read_forge_secret(Reading& reading, const Field& field) {
  if (!field) return std::nullopt;
  const Fields fields(reading, field.value, keys::forge, field.name);
  const auto secret = fields["secret"];
  if (secret) return read_secret_source(reading, secret);
  reading.problems.add(
      field.place(),
      fmt::format("'{}' needs the 'secret' of its webhooks; write {}: {{secret: {{file: PATH}}}}", field.name,
                  field.name));
  return std::nullopt;
}

}  // namespace

MesaConfig read_mesa(Reading& reading, const Fields& service) {
  MesaConfig mesa;
  mesa.url = read_base_url(reading, service["url"]).value_or(mesa.url);
  const auto credential = service["credential"];
  if (const auto source = read_secret_source(reading, credential)) mesa.credential = *source;
  if (!credential) {
    reading.problems.add(service["kind"].place(),
                         "kind: mesa needs a credential; write credential: {file: PATH} beside it");
  }
  mesa.webhook_secret = read_secret_source(reading, service["webhook_secret"]);
  mesa.manage_upstream = read_bool(reading, service["manage_upstream"]).value_or(false);
  return mesa;
}

void refuse_keys_of_other_kind(Reading& reading, const Fields& service, ServiceKind kind) {
  if (kind == ServiceKind::local) {
    refuse(reading, service, {"url", "credential", "webhook_secret", "manage_upstream"}, "mesa");
  } else {
    refuse(reading, service, {"concurrency", "per_host", "maintenance"}, "local");
  }
}

ApiConfig read_api(Reading& reading, const Field& field, ServiceKind kind) {
  ApiConfig api;
  const Fields fields(reading, field.value, keys::api, "api");
  if (!served_here(reading, field, kind)) return api;
  api.allow_private = read_bool(reading, fields["allow_private"]).value_or(false);
  const auto tokens = fields["tokens"];
  if (!tokens) return api;
  if (!tokens.value.is_list()) {
    reading.problems.add(tokens.place(), "'tokens' must be a list; begin each token with '- '");
    return api;
  }
  for (auto item = tokens.value.first(); item; item = item.next()) {
    const auto token = read_api_token(reading, item);
    if (!token) continue;
    const auto same_name = [&](const ApiToken& other) { return other.name == token->name; };
    if (std::any_of(api.tokens.begin(), api.tokens.end(), same_name)) {
      reading.problems.add(item.place(),
                           fmt::format("the token name '{}' stands here a second time", token->name));
    }
    api.tokens.push_back(*token);
  }
  return api;
}

WebhookConfig read_webhooks(Reading& reading, const Field& field, ServiceKind kind) {
  const Fields fields(reading, field.value, keys::webhooks, "webhooks");
  WebhookConfig webhooks;
  const auto allow_private = fields["allow_private"];
  if (served_here(reading, allow_private, kind)) {
    webhooks.allow_private = read_bool(reading, allow_private).value_or(false);
  }
  for (const auto forge : all_forges) {
    const auto section = fields[to_string(forge)];
    if (auto secret = read_forge_secret(reading, section))
      webhooks.secrets.emplace(forge, std::move(*secret));
  }
  return webhooks;
}

}  // namespace refsyncd
