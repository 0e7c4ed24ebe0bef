#include "api/hosting_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/api_router.h"
#include "api/fake_hosting.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

HostedRepo a_repo(const std::string& name) {
  HostedRepo repo{.id = "id-of-" + name, .org = "local", .name = name};
  repo.default_bookmark = "main";
  repo.head_change_id = std::string(32, 'z');
  return repo;
}

Sync a_sync(const std::string& id) {
  Sync sync;
  sync.id = id;
  sync.repo_id = "id-of-app";
  sync.request.repo = "app";
  return sync;
}

class HostingRoutes : public testing::Test {
 protected:
  HostingRoutes() {
    hosting.known = {a_repo("app"), a_repo("lib"), a_repo("zoo")};
    hosting.done = {a_sync("s3"), a_sync("s2"), a_sync("s1")};
  }

  HttpResponse call(const std::string& method, const std::string& path, const json& body = nullptr,
                    HttpRequest::Fields query = {}) {
    return router.serve({.method = method,
                         .path = path,
                         .query = std::move(query),
                         .body = body.is_null() ? "" : body.dump()},
                        [this](const HttpRequest&) { return caller; });
  }
  json get(const std::string& path, HttpRequest::Fields query = {}) {
    const auto response = call("GET", path, nullptr, std::move(query));
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body);
  }
  /// The field that a refused body is blamed for.
  std::string blamed(const std::string& method, const std::string& path, const json& body) {
    const auto response = call(method, path, body);
    EXPECT_EQ(response.status, 400) << response.body;
    return json::parse(response.body)["error"].value("details", json::object()).value("field", "");
  }

  ApiCaller caller{.key_name = "ci", .scopes = {.read = true, .write = true}};
  FakeHosting hosting;
  ApiRouter router{"local", hosting_routes(hosting), [](const auto&...) {}};
};

TEST_F(HostingRoutes, SayWhoTheCallerIs) {
  EXPECT_EQ(get("/v1/whoami"),
            json({{"org", {{"id", organization_of("local").id}, {"slug", "local"}, {"name", "local"}}},
                  {"key_id", "ci"},
                  {"key_name", "ci"},
                  {"scopes", {"read", "write"}}}));
  caller = {.key_name = "", .scopes = {.admin = true}};
  EXPECT_EQ(get("/v1/whoami")["key_id"], nullptr) << "the user of the Unix socket has no key";
}

TEST_F(HostingRoutes, ListRepositoriesPageByPage) {
  const auto first = get("/v1/local/repos", {{"limit", "2"}});
  EXPECT_EQ(first["repos"].size(), 2u);
  EXPECT_EQ(first["has_more"], true);
  hosting.known.insert(hosting.known.begin(), a_repo("aaa"));
  const auto second = get("/v1/local/repos", {{"limit", "2"}, {"cursor", first["next_cursor"]}});
  ASSERT_EQ(second["repos"].size(), 1u) << "what was added before the cursor moves nothing";
  EXPECT_EQ(second["repos"][0]["name"], "zoo");
  EXPECT_EQ(second["has_more"], false);
  EXPECT_EQ(second["next_cursor"], nullptr);
  EXPECT_EQ(call("GET", "/v1/local/repos", nullptr, {{"limit", "101"}}).status, 400);
}

TEST_F(HostingRoutes, ListSyncsNewestFirst) {
  const auto first = get("/v1/local/app/upstream/syncs", {{"limit", "2"}});
  EXPECT_EQ(first["syncs"][0]["id"], "s3");
  const auto second = get("/v1/local/app/upstream/syncs", {{"cursor", first["next_cursor"]}});
  ASSERT_EQ(second["syncs"].size(), 1u);
  EXPECT_EQ(second["syncs"][0]["id"], "s1");
}

TEST_F(HostingRoutes, GiveASyncOfItsRepositoryOnly) {
  EXPECT_EQ(get("/v1/local/app/upstream/syncs/s1")["id"], "s1");
  EXPECT_EQ(call("GET", "/v1/local/lib/upstream/syncs/s1").status, 404);
  EXPECT_EQ(call("GET", "/v1/local/app/upstream/syncs/s9").status, 404);
}

TEST_F(HostingRoutes, MakeARepositoryWithAllOrNothing) {
  EXPECT_EQ(call("POST", "/v1/local/repos", json::object()).status, 201);
  const auto response = call(
      "POST", "/v1/local/repos",
      {{"name", "app"},
       {"default_bookmark", "trunk"},
       {"tags", {{"team", "core"}}},
       {"upstream", {{"url", "https://example.org/app"}, {"auth", {{"kind", "token"}, {"token", "t0ken"}}}}},
       {"unknown", {1, 2}}});
  EXPECT_EQ(response.status, 201);
  EXPECT_THAT(response.body, testing::Not(HasSubstr("t0ken")));
  ASSERT_EQ(hosting.created.size(), 2u);
  EXPECT_EQ(hosting.created[0].name, "");
  EXPECT_FALSE(hosting.created[0].upstream);
  const auto& made = hosting.created[1];
  EXPECT_EQ(made.name, "app");
  EXPECT_EQ(made.default_bookmark, "trunk");
  EXPECT_EQ(made.tags, (std::map<std::string, std::string>{{"team", "core"}}));
  const auto& given = std::get<GivenCredential>(made.upstream->auth);
  EXPECT_EQ(given.kind, AuthKind::token);
  EXPECT_EQ(given.username, "x-access-token");
  EXPECT_EQ(given.secret.reveal(), "t0ken");
}

TEST_F(HostingRoutes, BlameTheFieldThatIsWrong) {
  const std::string repos = "/v1/local/repos";
  const auto with_auth = [](const json& auth) {
    return json{{"upstream", {{"url", "https://example.org/app"}, {"auth", auth}}}};
  };
  EXPECT_EQ(blamed("POST", repos, {{"name", "Not A Name"}}), "name");
  EXPECT_EQ(blamed("POST", repos, {{"name", "../etc"}}), "name");
  EXPECT_EQ(blamed("POST", repos, {{"name", 7}}), "name");
  EXPECT_EQ(blamed("POST", repos, {{"name", "repos"}}), "name");
  EXPECT_EQ(blamed("POST", repos, {{"name", "webhook-targets"}}), "name");
  EXPECT_EQ(blamed("POST", repos, {{"default_bookmark", "a..b"}}), "default_bookmark");
  EXPECT_EQ(blamed("POST", repos, {{"default_bookmark", "*"}}), "default_bookmark");
  EXPECT_EQ(blamed("POST", repos, {{"tags", {1}}}), "tags");
  EXPECT_EQ(blamed("POST", repos, {{"tags", {{"a", nullptr}}}}), "tags.a");
  EXPECT_EQ(blamed("POST", repos, {{"tags", {{"a", "b\nc"}}}}), "tags.a");
  EXPECT_EQ(blamed("POST", repos, {{"upstream", "https://example.org"}}), "upstream");
  EXPECT_EQ(blamed("POST", repos, {{"upstream", json::object()}}), "upstream.url");
  EXPECT_EQ(blamed("POST", repos, with_auth("token")), "upstream.auth");
  EXPECT_EQ(blamed("POST", repos, with_auth({{"kind", "magic"}})), "upstream.auth.kind");
  EXPECT_EQ(blamed("POST", repos, with_auth({{"kind", "token"}})), "upstream.auth.token");
  EXPECT_EQ(blamed("POST", repos, with_auth({{"kind", "username_password"}, {"username", "a:b"}})),
            "upstream.auth.username");
  EXPECT_EQ(blamed("POST", repos, with_auth({{"kind", "token"}, {"token", "a\nb"}})), "upstream.auth.token");
  EXPECT_TRUE(hosting.created.empty());
}

TEST_F(HostingRoutes, ChangeWhatIsSaidAndNothingElse) {
  const std::string app = "/v1/local/app";
  EXPECT_EQ(call("PATCH", app, json::object()).status, 200);
  EXPECT_EQ(call("PATCH", app, {{"upstream", nullptr}, {"tags", {{"a", nullptr}, {"b", "c"}}}}).status, 200);
  EXPECT_EQ(call("PATCH", app, {{"upstream", {{"url", "https://h/x"}}}}).status, 200);
  EXPECT_EQ(call("PATCH", app, {{"upstream", {{"url", "https://h/x"}, {"auth", nullptr}}}}).status, 200);
  ASSERT_EQ(hosting.changes.size(), 4u);
  EXPECT_FALSE(hosting.changes[0].name);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(hosting.changes[0].upstream));
  EXPECT_TRUE(std::holds_alternative<RepoChange::RemoveUpstream>(hosting.changes[1].upstream));
  EXPECT_EQ(hosting.changes[1].tags,
            (std::map<std::string, std::optional<std::string>>{{"a", std::nullopt}, {"b", "c"}}));
  EXPECT_TRUE(std::holds_alternative<KeepAuth>(std::get<GivenUpstream>(hosting.changes[2].upstream).auth));
  EXPECT_TRUE(std::holds_alternative<ClearAuth>(std::get<GivenUpstream>(hosting.changes[3].upstream).auth));
  EXPECT_EQ(call("PATCH", "/v1/local/none", json::object()).status, 404);
}

TEST_F(HostingRoutes, DeleteARepository) {
  EXPECT_EQ(json::parse(call("DELETE", "/v1/local/app").body), json({{"success", true}}));
  EXPECT_THAT(hosting.removed, ElementsAre("app"));
}

TEST_F(HostingRoutes, AskForASync) {
  const std::string syncs = "/v1/local/app/upstream/syncs";
  EXPECT_EQ(call("POST", syncs, {{"direction", "pull"}}).status, 201);
  EXPECT_EQ(call("POST", syncs, {{"direction", "push"}, {"ref_globs", {{"branches", "release/*"}}}}).status,
            201);
  ASSERT_EQ(hosting.requests.size(), 2u);
  EXPECT_EQ(hosting.requests[0].repo, "app");
  EXPECT_EQ(hosting.requests[0].globs, RefGlobs::all());
  EXPECT_EQ(hosting.requests[1].direction, Direction::push);
  EXPECT_EQ(hosting.requests[1].globs, (RefGlobs{.branches = {"release/*"}, .tags = {}}));
  EXPECT_EQ(blamed("POST", syncs, {{"direction", "sideways"}}), "direction");
  EXPECT_EQ(blamed("POST", syncs, json::object()), "direction");
  EXPECT_EQ(blamed("POST", syncs, {{"direction", "pull"}, {"ref_globs", json::object()}}), "ref_globs");
  EXPECT_EQ(blamed("POST", syncs, {{"direction", "pull"}, {"ref_globs", {{"branches", "a..b"}}}}),
            "ref_globs.branches");
}

TEST_F(HostingRoutes, NeedTheScopeOfTheContract) {
  caller.scopes = {.read = true};
  EXPECT_EQ(call("GET", "/v1/local/app").status, 200);
  EXPECT_EQ(call("POST", "/v1/local/repos", json::object()).status, 403);
  EXPECT_EQ(call("PATCH", "/v1/local/app", json::object()).status, 403);
  EXPECT_EQ(call("DELETE", "/v1/local/app").status, 403);
  EXPECT_EQ(call("POST", "/v1/local/app/upstream/syncs", {{"direction", "pull"}}).status, 403);
  caller.scopes = {.write = true};
  EXPECT_EQ(call("GET", "/v1/local/repos").status, 403);
  EXPECT_EQ(call("GET", "/v1/local/app/upstream/syncs").status, 403);
  EXPECT_EQ(call("GET", "/v1/local/app/upstream/syncs/s1").status, 403);
}

}  // namespace
}  // namespace refsyncd
