#include "api/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/fake_control.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

HttpRequest get(const std::string& path, HttpRequest::Fields query = {}) {
  return {.method = "GET", .path = path, .query = std::move(query)};
}
HttpRequest post(const std::string& path, const std::string& body = "") {
  return {.method = "POST", .path = path, .body = body};
}
std::string code_of(const HttpResponse& response) {
  return json::parse(response.body).at("error").at("code");
}
std::string message_of(const HttpResponse& response) {
  return json::parse(response.body).at("error").at("message");
}

Sync queued_sync() {
  Sync sync;
  sync.id = "0190f5fe-7c00-7a00-8000-000000000001";
  sync.repo_id = "0190f5fe-7c00-7a00-8000-0000000000aa";
  sync.request.repo = "app";
  return sync;
}

TEST(PublicRoutes, GiveTheMetricsInThePrometheusTextFormat) {
  FakeControl control;
  control.text = "refsyncd_queue_depth 0\n";
  const auto response = serve_public(control, get("/metrics"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "refsyncd_queue_depth 0\n");
}

TEST(PublicRoutes, SayWhetherTheLoopTurns) {
  FakeControl control;
  EXPECT_EQ(serve_public(control, get("/healthz")).status, 200);
  EXPECT_EQ(json::parse(serve_public(control, get("/healthz")).body), json({{"status", "ok"}}));
  control.turning = false;
  EXPECT_EQ(serve_public(control, get("/healthz")).status, 503);
  EXPECT_EQ(json::parse(serve_public(control, get("/healthz")).body), json({{"status", "stalled"}}));
}

TEST(PublicRoutes, SayWhetherEveryPolicyIsFreshAndWhichAreNot) {
  FakeControl control;
  EXPECT_EQ(serve_public(control, get("/readyz")).status, 200);
  control.ready = {.ready = false, .stale = 7, .reasons = {{"app-pull", "last success 3h ago"}}};
  const auto response = serve_public(control, get("/readyz"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(json::parse(response.body), json::parse(R"({"ready":false,"stale":7,
                            "reasons":[{"policy":"app-pull","reason":"last success 3h ago"}]})"));
}

TEST(PublicRoutes, HaveAPageThatNamesTheOthers) {
  FakeControl control;
  const auto response = serve_public(control, get("/"));
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) EXPECT_THAT(response.body, HasSubstr(path));
}

TEST(PublicRoutes, GiveNothingOfTheControlRoutes) {
  FakeControl control;
  control.syncs = {queued_sync()};
  for (const auto& request :
       {get("/control/v1/agent"), get("/control/v1/status"), get("/control/v1/syncs"),
        post("/control/v1/syncs", R"({"repo":"app","direction":"pull"})"), post("/control/v1/reload"),
        get("/control/v1/syncs/" + queued_sync().id), post("/control/v1/policies/app-pull/trigger")}) {
    EXPECT_EQ(serve_public(control, request).status, 404) << request.path;
  }
  EXPECT_EQ(control.calls, 0);
}

TEST(ControlRoutes, GiveThePublicOnesToo) {
  FakeControl control;
  for (const char* path : {"/", "/metrics", "/healthz", "/readyz"}) {
    EXPECT_EQ(serve_control(control, get(path)).status, 200) << path;
  }
}

class UnknownPath : public testing::TestWithParam<const char*> {};
TEST_P(UnknownPath, IsA404WithTheErrorEnvelope) {
  FakeControl control;
  for (const auto& response :
       {serve_public(control, get(GetParam())), serve_control(control, get(GetParam()))}) {
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(code_of(response), "not_found");
  }
}
INSTANTIATE_TEST_SUITE_P(Rows, UnknownPath,
                         testing::Values("/nothing", "/metrics/", "//metrics", "/METRICS", "/control",
                                         "/control/v1/", "/control/v1/syncs/", "/control/v1/syncs/a/b",
                                         "/control/v1/../v1/agent", "/control/v1/policies//trigger",
                                         "/control/v1/policies/a/b/trigger", "/control/v1/policies/trigger",
                                         "/\"quoted\"", "/\xff\xfe", "/\x1b[31m"));

TEST(Routes, RefuseOtherMethodsAndNameTheOnesTheyTake) {
  FakeControl control;
  const auto on_metrics = serve_public(control, post("/metrics"));
  EXPECT_EQ(on_metrics.status, 405);
  EXPECT_EQ(on_metrics.headers.at("Allow"), "GET");
  EXPECT_EQ(code_of(on_metrics), "method_not_allowed");
  auto remove = get("/control/v1/syncs");
  remove.method = "DELETE";
  EXPECT_EQ(serve_control(control, remove).headers.at("Allow"), "GET, POST");
  EXPECT_EQ(serve_control(control, get("/control/v1/reload")).headers.at("Allow"), "POST");
  EXPECT_EQ(control.calls, 0);
}

struct ErrorRow {
  const char* name;
  ErrorKind kind;
  std::optional<milliseconds> retry_after;
  int status;
  const char* code;
  const char* retry_header;
};
void PrintTo(const ErrorRow& row, std::ostream* out) { *out << row.name; }
class ErrorStatus : public testing::TestWithParam<ErrorRow> {};
TEST_P(ErrorStatus, FollowsTheKind) {
  FakeControl control;
  control.problem = Error(GetParam().kind, "what \"went\" wrong", GetParam().retry_after);
  const auto response = serve_control(control, get("/control/v1/agent"));
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(code_of(response), GetParam().code);
  EXPECT_EQ(message_of(response), "what \"went\" wrong");
  EXPECT_EQ(response.headers.contains("Retry-After") ? response.headers.at("Retry-After") : "",
            GetParam().retry_header);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ErrorStatus,
    testing::Values(
        ErrorRow{"not_found", ErrorKind::not_found, {}, 404, "not_found", ""},
        ErrorRow{"auth", ErrorKind::auth, {}, 403, "auth", ""},
        ErrorRow{"bad_config", ErrorKind::bad_config, {}, 409, "bad_config", ""},
        ErrorRow{"untrusted", ErrorKind::untrusted, {}, 409, "untrusted", ""},
        ErrorRow{"transient", ErrorKind::transient, {}, 503, "transient", "1"},
        ErrorRow{"throttled", ErrorKind::throttled, milliseconds(90'000), 503, "throttled", "90"},
        ErrorRow{"throttled_rounds_up", ErrorKind::throttled, milliseconds(1001), 503, "throttled", "2"},
        ErrorRow{"throttled_at_least_a_second", ErrorKind::throttled, milliseconds(0), 503, "throttled", "1"},
        ErrorRow{"internal", ErrorKind::internal, {}, 500, "internal", ""}),
    [](const auto& row) { return row.param.name; });

TEST(ControlRoutes, EnqueueASyncByHand) {
  FakeControl control;
  control.syncs = {queued_sync()};
  const auto response = serve_control(
      control, post("/control/v1/syncs",
                    R"({"repo":"app","direction":"push","ref_globs":{"branches":"main release/*"}})"));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(json::parse(response.body).at("id"), queued_sync().id);
  EXPECT_EQ(json::parse(response.body).at("status"), "queued");
  EXPECT_THAT(control.requests,
              ElementsAre(SyncRequest{.repo = "app",
                                      .direction = Direction::push,
                                      .globs = {.branches = {"main", "release/*"}, .tags = {}},
                                      .priority = Priority::manual}));
}

TEST(ControlRoutes, EnqueueAllRefsWhenNoGlobsAreGiven) {
  FakeControl control;
  control.syncs = {queued_sync()};
  serve_control(control, post("/control/v1/syncs", R"({"repo":"app","direction":"pull"})"));
  ASSERT_EQ(control.requests.size(), 1U);
  EXPECT_EQ(control.requests[0].globs, RefGlobs::all());
}

struct BodyRow {
  const char* name;
  std::string body;
  const char* message;
};
void PrintTo(const BodyRow& row, std::ostream* out) { *out << row.name; }
class BadBody : public testing::TestWithParam<BodyRow> {};
TEST_P(BadBody, IsRefusedWithWhatIsWrong) {
  FakeControl control;
  const auto response = serve_control(control, post("/control/v1/syncs", GetParam().body));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(code_of(response), "bad_request");
  EXPECT_THAT(message_of(response), HasSubstr(GetParam().message));
  EXPECT_EQ(control.calls, 0);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, BadBody,
    testing::Values(
        BodyRow{"empty", "", "the request body must be a JSON object"},
        BodyRow{"not_json", "repo=app", "the request body must be a JSON object"},
        BodyRow{"cut_short", R"({"repo":"app")", "the request body must be a JSON object"},
        BodyRow{"list", "[]", "the request body must be a JSON object"},
        BodyRow{"deeply_nested", std::string(1'000'000, '['), "the request body is nested too deeply"},
        BodyRow{"deep_and_complete", std::string(500'000, '[') + std::string(500'000, ']'),
                "the request body is nested too deeply"},
        BodyRow{"not_utf8", "{\"repo\":\"\xff\"}", "the request body must be a JSON object"},
        BodyRow{"no_repo", R"({"direction":"pull"})", "repo: is missing"},
        BodyRow{"repo_is_a_number", R"({"repo":1,"direction":"pull"})", "repo: must be a string"},
        BodyRow{"repo_is_empty", R"({"repo":"","direction":"pull"})", "repo: must not be empty"},
        BodyRow{"no_direction", R"({"repo":"app"})", "direction: is missing"},
        BodyRow{"unknown_direction", R"({"repo":"app","direction":"sideways"})",
                "direction: must be pull or push"},
        BodyRow{"unknown_key", R"({"repo":"app","direction":"pull","force":true})", "unknown key 'force'"},
        BodyRow{"globs_are_a_string", R"({"repo":"app","direction":"pull","ref_globs":"main"})",
                "ref_globs must be a JSON object"},
        BodyRow{"globs_are_null", R"({"repo":"app","direction":"pull","ref_globs":null})",
                "ref_globs must be a JSON object"},
        BodyRow{"globs_are_empty", R"({"repo":"app","direction":"pull","ref_globs":{}})",
                "ref_globs: needs branches or tags"},
        BodyRow{"unknown_kind_of_glob", R"({"repo":"app","direction":"pull","ref_globs":{"notes":"*"}})",
                "ref_globs: unknown key 'notes'"},
        BodyRow{"glob_is_a_list", R"({"repo":"app","direction":"pull","ref_globs":{"branches":["main"]}})",
                "ref_globs.branches: must be a string"},
        BodyRow{"glob_that_never_matches",
                R"({"repo":"app","direction":"pull","ref_globs":{"branches":"a..b"}})",
                "ref_globs.branches: 'a..b'"}),
    [](const auto& row) { return row.param.name; });

TEST(ControlRoutes, ListSyncsAsTheQuerySays) {
  FakeControl control;
  control.syncs = {queued_sync(), queued_sync()};
  const auto response = serve_control(
      control,
      get("/control/v1/syncs", {{"repo", "app"}, {"before", "x"}, {"limit", "1000"}, {"refs", "false"}}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(response.body).at("syncs").size(), 2U);
  ASSERT_EQ(control.queries.size(), 1U);
  EXPECT_EQ(control.queries[0].repo, "app");
  EXPECT_EQ(control.queries[0].before_id, "x");
  EXPECT_EQ(control.queries[0].limit, 1000U);
  EXPECT_FALSE(control.queries[0].with_refs);
}

/// Ends of syncs with so many refs each, newest first.
std::vector<Sync> syncs_of(size_t count, size_t refs) {
  std::vector<Sync> syncs(count);
  for (size_t i = 0; i < count; ++i) {
    syncs[i].id = "sync-" + std::to_string(count - i);
    syncs[i].status = SyncStatus::completed;
    syncs[i].refs = std::make_shared<RefResults>(refs, RefResult{.name = "refs/heads/a"});
  }
  return syncs;
}
size_t listed(FakeControl& control, const HttpRequest& request) {
  return json::parse(serve_control(control, request).body).at("syncs").size();
}

TEST(ControlRoutes, ListTwentySyncsOfAllRepositoriesWhenTheQueryIsEmpty) {
  FakeControl control;
  EXPECT_EQ(listed(control, get("/control/v1/syncs")), 0U);
  EXPECT_EQ(control.queries.at(0).repo, "");
  EXPECT_TRUE(control.queries.at(0).with_refs);
  control.syncs = syncs_of(30, 1);
  EXPECT_EQ(listed(control, get("/control/v1/syncs")), 20U);
}

TEST(ControlRoutes, EndAListEarlyWhenItsSyncsHoldVeryManyRefs) {
  FakeControl control;
  control.syncs = syncs_of(30, 30'000);
  EXPECT_EQ(listed(control, get("/control/v1/syncs")), 5U);
}

class BadLimit : public testing::TestWithParam<const char*> {};
TEST_P(BadLimit, IsRefused) {
  FakeControl control;
  const auto response = serve_control(control, get("/control/v1/syncs", {{"limit", GetParam()}}));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(message_of(response), HasSubstr("is not a number from 1 to 1000"));
  EXPECT_EQ(control.calls, 0);
}
INSTANTIATE_TEST_SUITE_P(Rows, BadLimit,
                         testing::Values("0", "1001", "-1", "+1", " 1", "1x", "ten", "1e3", "0x10",
                                         "99999999999999999999999", "\xff\xfe", "'; DROP TABLE syncs; --"));

TEST(ControlRoutes, RefuseRefsThatIsNeitherTrueNorFalse) {
  FakeControl control;
  EXPECT_EQ(serve_control(control, get("/control/v1/syncs", {{"refs", "maybe"}})).status, 400);
}

TEST(ControlRoutes, GiveOneSyncOrA404) {
  FakeControl control;
  control.syncs = {queued_sync()};
  const auto found = serve_control(control, get("/control/v1/syncs/" + queued_sync().id));
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(json::parse(found.body).at("repo_id"), queued_sync().repo_id);
  const auto missing = serve_control(control, get("/control/v1/syncs/no\"such"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(message_of(missing), "there is no sync no\"such");
}

TEST(ControlRoutes, TriggerAPolicyByName) {
  FakeControl control;
  EXPECT_EQ(serve_control(control, post("/control/v1/policies/app-pull/trigger")).status, 202);
  EXPECT_THAT(control.triggered, ElementsAre("app-pull"));
}

TEST(ControlRoutes, SayWhyAReloadFailed) {
  FakeControl control;
  control.reloaded = {.ok = false, .problem = "config.yaml:3:1: unknown key 'polices'"};
  EXPECT_EQ(json::parse(serve_control(control, post("/control/v1/reload")).body),
            json({{"ok", false}, {"problem", "config.yaml:3:1: unknown key 'polices'"}}));
}

TEST(ControlRoutes, WriteHundredsOfPoliciesAsOneValidList) {
  FakeControl control;
  PolicyStatus status{.policy = "p", .repo = "r", .why_not_running = "next \"due\" in 3m\n"};
  control.policies.assign(300, status);
  const auto body = json::parse(serve_control(control, get("/control/v1/status")).body);
  EXPECT_EQ(body.at("policies").size(), 300U);
  EXPECT_EQ(body.at("policies").at(299).at("why_not_running"), "next \"due\" in 3m\n");
}

}  // namespace
}  // namespace refsyncd
