#include "api/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/api_router.h"
#include "api/fake_hosting.h"
#include "api/hosting_routes.h"
#include "api/webhook_routes.h"
#include "config/json_schema.h"

namespace refsyncd {
namespace {

using nlohmann::json;

struct NoWebhooks final : WebhookControl {
  WebhookTarget target{.id = "t1",
                       .name = std::nullopt,
                       .url = "https://example.org/hook",
                       .events = {"sync.completed"},
                       .repo_ids = std::nullopt,
                       .created_at = {},
                       .updated_at = {}};
  std::vector<WebhookTarget> webhook_targets() override { return {target}; }
  Created create_webhook_target(const WebhookTarget&) override { return {target, Secret("s")}; }
  std::optional<WebhookTarget> change_webhook_target(const std::string&, const Change&) override {
    return target;
  }
  bool remove_webhook_target(const std::string&) override { return true; }
  bool allows_private_webhooks() override { return true; }
  std::vector<std::string> repository_ids() override { return {}; }
};

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

class OpenApi : public testing::Test {
 protected:
  OpenApi() {
    Sync sync;
    sync.id = "s1";
    sync.repo_id = "r1";
    sync.request.repo = "app";
    sync.status = SyncStatus::completed;
    sync.refs = std::make_shared<const RefResults>(RefResults{{.name = "refs/heads/main",
                                                               .before = {},
                                                               .after = {},
                                                               .outcome = Outcome::rejected,
                                                               .detail = "no"}});
    sync.started_at = sync.finished_at = sync.created_at;
    hosting.done = {sync};
    HostedRepo repo{.id = "r1", .org = "local", .name = "app"};
    repo.default_bookmark = "main";
    repo.head_change_id = std::string(32, 'z');
    hosting.known = {repo, repo};
    hosting.known[0].upstream =
        HostedUpstream{.url = "https://h/a", .auth = AuthKind::token, .latest_sync = sync};
    hosting.known[1].name = "bare";
  }

  std::vector<ApiRoute> all_routes() {
    auto routes = hosting_routes(hosting);
    for (auto& route : webhook_routes(webhooks)) routes.push_back(std::move(route));
    routes.push_back(openapi_route());
    return routes;
  }

  /// Whether the document's schema of this answer accepts the body.
  static bool accepts(const json& document, const json& schema, const json& body) {
    auto whole = schema;
    whole["definitions"] = json::object();
    auto text = whole.dump();
    const std::string from = "#/components/schemas/";
    for (auto at = text.find(from); at != text.npos; at = text.find(from)) {
      text.replace(at, from.size(), "#/definitions/");
    }
    auto definitions = document["components"]["schemas"].dump();
    for (auto at = definitions.find(from); at != definitions.npos; at = definitions.find(from)) {
      definitions.replace(at, from.size(), "#/definitions/");
    }
    whole = json::parse(text);
    whole["definitions"] = json::parse(definitions);
    return JsonSchema(whole).accepts(body);
  }

  FakeHosting hosting;
  NoWebhooks webhooks;
};

TEST_F(OpenApi, HasEveryRouteAndNoOther) {
  std::set<std::string> served;
  for (const auto& route : all_routes()) served.insert(lower(route.method) + " " + route.pattern);
  std::set<std::string> described;
  const auto document = openapi_document();
  for (const auto& [path, methods] : document["paths"].items()) {
    for (const auto& [method, operation] : methods.items()) described.insert(method + " " + path);
  }
  EXPECT_EQ(served, described);
}

TEST_F(OpenApi, SaysTheScopesAndBodiesThatTheRoutesHave) {
  const auto document = openapi_document();
  for (const auto& route : all_routes()) {
    const auto& operation = document["paths"][route.pattern][lower(route.method)];
    EXPECT_EQ(operation.contains("requestBody"), route.takes_body) << route.pattern;
    const bool open = route.scope == ApiScope::open;
    EXPECT_EQ(operation.contains("security"), open) << route.pattern;
    const auto note = open ? "" : "Scope: " + std::string(to_string(route.scope));
    EXPECT_EQ(operation.value("description", ""), note) << route.pattern;
  }
}

TEST_F(OpenApi, AcceptsWhatTheRoutesAnswer) {
  const auto document = openapi_document();
  const ApiRouter router("local", all_routes(), [](const auto&...) {});
  const json bodies{{"createRepo", json::object()},
                    {"updateRepo", json::object()},
                    {"createSync", {{"direction", "pull"}}},
                    {"createWebhookTarget", {{"url", "https://example.org/hook"}}},
                    {"updateWebhookTarget", json::object()}};
  for (const auto& route : all_routes()) {
    const auto& operation = document["paths"][route.pattern][lower(route.method)];
    auto path = route.pattern;
    for (const auto& [name, value] : std::map<std::string, std::string>{
             {"{org}", "local"}, {"{repo}", "app"}, {"{syncId}", "s1"}, {"{id}", "t1"}}) {
      if (const auto at = path.find(name); at != path.npos) path.replace(at, name.size(), value);
    }
    const auto body = bodies.value(operation["operationId"].get<std::string>(), json());
    const auto response = router.serve(
        {.method = route.method, .path = path, .body = body.is_null() ? "" : body.dump()}, [](const auto&) {
          return ApiCaller{.key_name = "x", .scopes = {.read = true, .write = true, .admin = true}};
        });
    const auto status = std::to_string(response.status);
    ASSERT_TRUE(operation["responses"].contains(status)) << route.method << " " << path << " " << status;
    const auto& schema = operation["responses"][status]["content"]["application/json"]["schema"];
    EXPECT_TRUE(accepts(document, schema, json::parse(response.body))) << response.body;
    EXPECT_FALSE(accepts(document, document["components"]["schemas"]["Error"], json::parse(response.body)));
  }
}

TEST_F(OpenApi, AcceptsTheErrorEnvelope) {
  const auto document = openapi_document();
  const ApiRouter router("local", all_routes(), [](const auto&...) {});
  const auto response = router.serve({.method = "GET", .path = "/v1/none"}, {});
  EXPECT_TRUE(accepts(document, document["components"]["schemas"]["Error"], json::parse(response.body)));
}

}  // namespace
}  // namespace refsyncd
