#include "api/openapi.h"

#include <fmt/format.h>

#include "base/version.h"

namespace refsyncd {
namespace {

using nlohmann::json;

constexpr auto schemas = R"({
  "Error": {"type": "object", "required": ["error"], "properties": {"error": {
    "type": "object", "required": ["code", "message"], "properties": {
      "code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": "object"},
      "trace_id": {"type": "string", "description": "Of a 5xx: what the agent's log calls it"}}}}},
  "Success": {"type": "object", "required": ["success"], "properties": {"success": {"enum": [true]}}},
  "Whoami": {"type": "object", "required": ["org", "key_id", "key_name", "scopes"], "properties": {
    "org": {"type": "object", "required": ["id", "slug", "name"], "properties": {
      "id": {"type": "string"}, "slug": {"type": "string"}, "name": {"type": "string"}}},
    "key_id": {"type": ["string", "null"]}, "key_name": {"type": ["string", "null"]},
    "scopes": {"type": "array", "items": {"enum": ["read", "write", "admin"]}}}},
  "RefGlobs": {"type": "object", "required": ["branches", "tags"], "properties": {
    "branches": {"type": "string"}, "tags": {"type": "string"}}},
  "Ref": {"type": "object", "required": ["name", "before", "after", "outcome"], "properties": {
    "name": {"type": "string"}, "before": {"type": ["string", "null"]}, "after": {"type": "string"},
    "outcome": {"enum": ["updated", "unchanged", "filtered", "rejected"]},
    "reason": {"type": "string", "description": "Why, in one word"},
    "offered": {"type": ["string", "null"], "description": "What the source holds"},
    "detail": {"type": "string", "description": "The other side's words"},
    "name_base64": {"type": "string", "description": "The exact name, where it is not UTF-8"}}},
  "Sync": {"type": "object",
    "required": ["id", "repo_id", "direction", "status", "attempt", "ref_globs", "stats", "error", "created_at",
                 "started_at", "finished_at"],
    "properties": {
      "id": {"type": "string"}, "repo_id": {"type": "string"},
      "direction": {"enum": ["pull", "push"]},
      "status": {"enum": ["queued", "in_progress", "completed", "failed"]},
      "attempt": {"type": "integer", "minimum": 1},
      "ref_globs": {"$ref": "#/components/schemas/RefGlobs"},
      "stats": {"oneOf": [{"type": "null"}, {"type": "object", "required": ["refs"], "properties": {
        "refs": {"type": "array", "items": {"$ref": "#/components/schemas/Ref"}}}}]},
      "error": {"type": ["string", "null"]}, "error_kind": {"type": "string"},
      "created_at": {"type": "string"}, "started_at": {"type": ["string", "null"]},
      "finished_at": {"type": ["string", "null"]},
      "repo": {"type": "string"}, "policy": {"type": "string"}}},
  "Upstream": {"type": "object", "required": ["url", "auth_kind", "latest_sync"], "properties": {
    "url": {"type": "string"}, "auth_kind": {"enum": ["token", "username_password", null]},
    "latest_sync": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Sync"}]}}},
  "Tags": {"type": "object", "additionalProperties": {"type": "string"}},
  "Repo": {"type": "object",
    "required": ["id", "org", "name", "default_bookmark", "head_change_id", "upstream", "created_at", "tags"],
    "properties": {
      "id": {"type": "string"}, "org": {"type": "string"}, "name": {"type": "string"},
      "default_bookmark": {"type": "string"},
      "head_change_id": {"type": "string", "pattern": "^[k-z]{32}$"},
      "upstream": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Upstream"}]},
      "created_at": {"type": "string"}, "tags": {"$ref": "#/components/schemas/Tags"}}},
  "Auth": {"oneOf": [
    {"type": "object", "required": ["kind", "token"], "properties": {
      "kind": {"enum": ["token"]}, "token": {"type": "string"}, "token_username": {"type": "string"}}},
    {"type": "object", "required": ["kind", "username", "password"], "properties": {
      "kind": {"enum": ["username_password"]}, "username": {"type": "string"}, "password": {"type": "string"}}}]},
  "UpstreamInput": {"type": "object", "required": ["url"], "properties": {
    "url": {"type": "string"},
    "auth": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Auth"}]}}},
  "RepoInput": {"type": "object", "properties": {
    "name": {"type": "string"}, "default_bookmark": {"type": "string"},
    "tags": {"$ref": "#/components/schemas/Tags"},
    "upstream": {"$ref": "#/components/schemas/UpstreamInput"}}},
  "RepoChange": {"type": "object", "properties": {
    "name": {"type": "string"}, "default_bookmark": {"type": "string"},
    "tags": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    "upstream": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/UpstreamInput"}]}}},
  "SyncInput": {"type": "object", "required": ["direction"], "properties": {
    "direction": {"enum": ["pull", "push"]},
    "ref_globs": {"type": "object", "minProperties": 1, "properties": {
      "branches": {"type": "string"}, "tags": {"type": "string"}}}}},
  "WebhookTarget": {"type": "object",
    "required": ["id", "name", "url", "events", "repo_ids", "created_at", "updated_at"],
    "properties": {
      "id": {"type": "string"}, "name": {"type": ["string", "null"]}, "url": {"type": "string"},
      "events": {"type": "array", "items": {"type": "string"}},
      "repo_ids": {"type": ["array", "null"], "items": {"type": "string"}},
      "created_at": {"type": "string"}, "updated_at": {"type": "string"},
      "secret": {"type": "string", "description": "Only in the answer to its creation"}}},
  "WebhookTargetInput": {"type": "object", "required": ["url"], "properties": {
    "name": {"type": "string"}, "url": {"type": "string"},
    "events": {"type": "array", "items": {"type": "string"}},
    "repo_ids": {"type": "array", "items": {"type": "string"}}}},
  "WebhookTargetChange": {"type": "object", "properties": {
    "name": {"type": ["string", "null"]}, "url": {"type": "string"},
    "events": {"type": "array", "items": {"type": "string"}},
    "repo_ids": {"type": ["array", "null"], "items": {"type": "string"}}}}
})";

json reference(std::string_view schema) { return {{"$ref", fmt::format("#/components/schemas/{}", schema)}}; }

/// A page of a list whose items stand under `name`.
json page_of(std::string_view name, std::string_view schema) {
  return {{"type", "object"},
          {"required", {"next_cursor", "has_more", name}},
          {"properties",
           {{"next_cursor", {{"type", {"string", "null"}}}},
            {"has_more", {{"type", "boolean"}}},
            {std::string(name), {{"type", "array"}, {"items", reference(schema)}}}}}};
}

json content(json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

json parameter(std::string_view name, std::string_view in, json schema) {
  return {{"name", name}, {"in", in}, {"required", in == "path"}, {"schema", std::move(schema)}};
}

/// One call of the document.
struct Operation {
  std::string_view id;
  std::string_view path;
  std::string_view method;
  std::string_view scope;  ///< "" = none is needed
  std::string_view summary;
  int status;
  json answer;
  std::string_view body = "";  ///< schema of the request's body; "" = none
  bool pages = false;
};

std::vector<Operation> operations() {
  constexpr auto repos = "/v1/{org}/repos";
  constexpr auto repo = "/v1/{org}/{repo}";
  constexpr auto syncs = "/v1/{org}/{repo}/upstream/syncs";
  constexpr auto sync = "/v1/{org}/{repo}/upstream/syncs/{syncId}";
  constexpr auto targets = "/v1/{org}/webhook-targets";
  constexpr auto target = "/v1/{org}/webhook-targets/{id}";
  return {
      {"openapi", "/v1/openapi.json", "get", "", "This document", 200, {{"type", "object"}}},
      {"whoami", "/v1/whoami", "get", "any", "Who the caller is", 200, reference("Whoami")},
      {"listRepos", repos, "get", "read", "Repositories by name", 200, page_of("repos", "Repo"), "", true},
      {"createRepo", repos, "post", "write", "Make a repository", 201, reference("Repo"), "RepoInput"},
      {"getRepo", repo, "get", "read", "A repository", 200, reference("Repo")},
      {"updateRepo", repo, "patch", "write", "Change a repository; what is absent stays", 200,
       reference("Repo"), "RepoChange"},
      {"deleteRepo", repo, "delete", "write", "Delete a repository with its refs", 200, reference("Success")},
      {"listSyncs", syncs, "get", "read", "A repository's syncs, newest first", 200, page_of("syncs", "Sync"),
       "", true},
      {"createSync", syncs, "post", "write", "Ask for a sync", 201, reference("Sync"), "SyncInput"},
      {"getSync", sync, "get", "read", "A sync", 200, reference("Sync")},
      {"listWebhookTargets", targets, "get", "admin", "Webhook targets", 200,
       page_of("webhook_targets", "WebhookTarget"), "", true},
      {"createWebhookTarget", targets, "post", "admin", "Add a webhook target; its secret is told once", 201,
       reference("WebhookTarget"), "WebhookTargetInput"},
      {"getWebhookTarget", target, "get", "admin", "A webhook target", 200, reference("WebhookTarget")},
      {"updateWebhookTarget", target, "patch", "admin", "Change a webhook target", 200,
       reference("WebhookTarget"), "WebhookTargetChange"},
      {"deleteWebhookTarget", target, "delete", "admin", "Delete a webhook target", 200,
       reference("Success")},
  };
}

json parameters_of(const Operation& operation) {
  auto all = json::array();
  std::string_view rest = operation.path;
  for (auto open = rest.find('{'); open != rest.npos; open = rest.find('{')) {
    const auto close = rest.find('}');
    all.push_back(parameter(rest.substr(open + 1, close - open - 1), "path", {{"type", "string"}}));
    rest.remove_prefix(close + 1);
  }
  if (operation.pages) {
    all.push_back(parameter("cursor", "query", {{"type", "string"}}));
    all.push_back(parameter("limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 100}}));
  }
  return all;
}

json described(const Operation& operation) {
  json value{
      {"operationId", operation.id},
      {"summary", operation.summary},
      {"parameters", parameters_of(operation)},
      {"responses",
       {{std::to_string(operation.status), {{"description", "Done"}, {"content", content(operation.answer)}}},
        {"default", {{"description", "Refused"}, {"content", content(reference("Error"))}}}}}};
  if (!operation.body.empty()) {
    value["requestBody"] = {{"required", true}, {"content", content(reference(operation.body))}};
  }
  if (operation.scope.empty()) {
    value["security"] = json::array();
  } else {
    value["description"] = fmt::format("Scope: {}", operation.scope);
  }
  return value;
}

}  // namespace

json openapi_document() {
  json paths = json::object();
  for (const auto& operation : operations()) {
    paths[std::string(operation.path)][std::string(operation.method)] = described(operation);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "refsyncd"},
            {"version", version},
            {"description", "Repositories, their syncs with an upstream, and webhooks that tell of them."}}},
          {"security", {{{"bearer", json::array()}}}},
          {"paths", std::move(paths)},
          {"components",
           {{"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}},
            {"schemas", json::parse(schemas)}}}};
}

ApiRoute openapi_route() {
  return {
      .method = "GET", .pattern = "/v1/openapi.json", .scope = ApiScope::open, .serve = [](const ApiCall&) {
        return api_answer(openapi_document());
      }};
}

}  // namespace refsyncd
