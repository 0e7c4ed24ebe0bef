#include "api/api_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/page.h"
#include "base/uuid.h"
#include "contract/repo_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A route that answers with its own pattern and what it was called with.
ApiRoute echo(const std::string& method, const std::string& pattern, ApiScope scope = ApiScope::read) {
  return {.method = method,
          .pattern = pattern,
          .scope = scope,
          .takes_body = method == "POST",
          .serve = [pattern](const ApiCall& call) {
            return api_answer({{"pattern", pattern}, {"parameters", call.parameters}, {"body", call.body}});
          }};
}

ApiRoute failing(const std::string& pattern, const Error& error) {
  return {.method = "GET",
          .pattern = pattern,
          .scope = ApiScope::any,
          .serve = [error](const ApiCall&) -> HttpResponse { throw error; }};
}

struct Bench {
  ApiCaller caller{.key_name = "ci", .scopes = {.read = true}};
  std::vector<std::string> failures;
  ApiRouter router;

  explicit Bench(std::vector<ApiRoute> routes)
      : router("local", std::move(routes),
               [this](const std::string& trace_id, const HttpRequest& request, const Failure& why) {
                 failures.push_back(trace_id + " " + request.path + " " + why.message);
               }) {}

  HttpResponse call(const std::string& method, const std::string& path, const std::string& body = "",
                    HttpRequest::Fields headers = {}) {
    return router.serve({.method = method, .path = path, .headers = std::move(headers), .body = body},
                        [this](const HttpRequest&) { return caller; });
  }
};

json body_of(const HttpResponse& response) { return json::parse(response.body); }
std::string code_of(const HttpResponse& response) { return body_of(response).at("error").at("code"); }
std::string message_of(const HttpResponse& response) { return body_of(response).at("error").at("message"); }

TEST(ApiRouter, PutsLiteralsBeforeParameters) {
  Bench bench({echo("GET", "/v1/{org}/{repo}"), echo("GET", "/v1/{org}/repos"), echo("GET", "/v1/whoami")});
  EXPECT_EQ(body_of(bench.call("GET", "/v1/local/repos"))["pattern"], "/v1/{org}/repos");
  EXPECT_EQ(body_of(bench.call("GET", "/v1/local/app"))["pattern"], "/v1/{org}/{repo}");
  EXPECT_EQ(body_of(bench.call("GET", "/v1/local/app"))["parameters"],
            json({{"org", "local"}, {"repo", "app"}}));
}

TEST(ApiRouter, AnswersAnythingElseWith404InTheEnvelope) {
  Bench bench({echo("GET", "/v1/{org}/{repo}"), echo("GET", "/v1/{org}/repos")});
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/v1"},
                                                        {"GET", "/v1/"},
                                                        {"GET", "/v1/local"},
                                                        {"GET", "/v1/local/"},
                                                        {"GET", "/v1/local/app/"},
                                                        {"GET", "/v1/local/app/x"},
                                                        {"GET", "/v1//app"},
                                                        {"PUT", "/v1/local/app"},
                                                        {"PATCH", "/v1/local/repos"},
                                                        {"GET", "/v2/local/app"}}) {
    const auto response = bench.call(method, path);
    EXPECT_EQ(response.status, 404) << method << " " << path;
    EXPECT_EQ(code_of(response), "not_found");
  }
}

TEST(ApiRouter, KnowsOneOrganisation) {
  Bench bench({echo("GET", "/v1/{org}/repos")});
  const auto response = bench.call("GET", "/v1/acme/repos");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(message_of(response), HasSubstr("organization 'acme'"));
}

TEST(ApiRouter, NeedsTheRoutesScopeAndNoOtherStandsForIt) {
  Bench bench({echo("GET", "/v1/r", ApiScope::read), echo("GET", "/v1/w", ApiScope::write),
               echo("GET", "/v1/a", ApiScope::admin), echo("GET", "/v1/any", ApiScope::any)});
  bench.caller.scopes = {.admin = true};
  EXPECT_EQ(bench.call("GET", "/v1/a").status, 200);
  EXPECT_EQ(bench.call("GET", "/v1/any").status, 200);
  EXPECT_EQ(bench.call("GET", "/v1/w").status, 403);
  const auto response = bench.call("GET", "/v1/r");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(code_of(response), "forbidden");
  EXPECT_EQ(body_of(response)["error"]["details"], json({{"scope", "read"}}));
}

TEST(ApiRouter, LetsNobodyInWithoutCredentialButToOpenRoutes) {
  ApiRouter router("local", {echo("GET", "/v1/open", ApiScope::open), echo("GET", "/v1/any", ApiScope::any)},
                   [](const auto&...) {});
  const ApiRouter::Authenticate nobody = [](const HttpRequest&) -> ApiCaller {
    throw ApiError(401, "unauthorized", "who are you?");
  };
  EXPECT_EQ(router.serve({.method = "GET", .path = "/v1/open"}, nobody).status, 200);
  const auto refused = router.serve({.method = "GET", .path = "/v1/any"}, nobody);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.at("WWW-Authenticate"), "Bearer realm=\"refsyncd\"");
}

TEST(ApiRouter, TakesABodyThatIsAJsonObjectAndNotTooDeep) {
  Bench bench({echo("POST", "/v1/{org}/repos")});
  EXPECT_EQ(body_of(bench.call("POST", "/v1/local/repos", R"({"a":1})"))["body"], json({{"a", 1}}));
  const auto deep = std::string(R"({"a":)") + std::string(5000, '[') + std::string(5000, ']') + "}";
  for (const auto& body : {std::string(), std::string("[]"), std::string("{"), std::string("\"x\""), deep}) {
    const auto response = bench.call("POST", "/v1/local/repos", body);
    EXPECT_EQ(response.status, 400) << body.substr(0, 20);
    EXPECT_EQ(code_of(response), "bad_request");
  }
}

TEST(ApiRouter, AnswersJsonToWhoTakesIt) {
  Bench bench({echo("GET", "/v1/{org}/repos")});
  for (const auto* accept : {"*/*", "application/json", "text/html, application/*;q=0.5", ""}) {
    EXPECT_EQ(bench.call("GET", "/v1/local/repos", "", {{"accept", accept}}).status, 200) << accept;
  }
  const auto response = bench.call("GET", "/v1/local/repos", "", {{"accept", "text/html, image/png"}});
  EXPECT_EQ(response.status, 406);
  EXPECT_EQ(code_of(response), "not_acceptable");
}

TEST(ApiRouter, TurnsFailuresIntoTheContractsStatuses) {
  Bench bench({failing("/v1/gone", {ErrorKind::not_found, "no such thing"}),
               failing("/v1/wrong", {ErrorKind::bad_config, "it has no upstream"})});
  EXPECT_EQ(bench.call("GET", "/v1/gone").status, 404);
  const auto response = bench.call("GET", "/v1/wrong");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(message_of(response), "it has no upstream");
  EXPECT_TRUE(bench.failures.empty());
}

TEST(ApiRouter, TellsATraceIdWithWhatIsOurFaultAndLogsIt) {
  Bench bench({failing("/v1/broken", {ErrorKind::internal, "/var/lib/x: oh"}),
               failing("/v1/busy", {ErrorKind::throttled, "later", std::chrono::seconds(7)})});
  const auto broken = bench.call("GET", "/v1/broken");
  EXPECT_EQ(broken.status, 500);
  const std::string trace_id = body_of(broken)["error"]["trace_id"];
  EXPECT_TRUE(time_of_uuid(trace_id));
  EXPECT_THAT(bench.failures, testing::ElementsAre(trace_id + " /v1/broken /var/lib/x: oh"));
  EXPECT_THAT(broken.body, testing::Not(HasSubstr("/var/lib"))) << "what failed inside is for the log";
  const auto busy = bench.call("GET", "/v1/busy");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers.at("Retry-After"), "7");
}

TEST(Pages, RefuseALimitOutOfRangeAndAForeignCursor) {
  for (const auto* limit : {"0", "101", "-1", "ten", "", "1 ", "99999999999999999999"}) {
    EXPECT_THROW(page_request({{"limit", limit}}), ApiError) << limit;
  }
  for (const auto* cursor : {"", "x", "c1f", "c1zz", "app"}) {
    EXPECT_THROW(page_request({{"cursor", cursor}}), ApiError) << cursor;
  }
  EXPECT_EQ(page_request({{"limit", "100"}}).limit, 100u);
}

TEST(Pages, GoOnWhereTheLastOneEnded) {
  const std::vector<HostedRepo> repos(2);
  const auto page = json::parse(answer_page("repos", repos, true, "a\nb\xff").body);
  EXPECT_EQ(page["repos"], json::array({to_json_value(repos[0]), to_json_value(repos[1])}));
  EXPECT_EQ(page["has_more"], true);
  EXPECT_EQ(page_request({{"cursor", page["next_cursor"]}}).after, "a\nb\xff");
  const auto last = json::parse(answer_page("repos", std::vector<HostedRepo>(), false, "x").body);
  EXPECT_EQ(last, json({{"repos", json::array()}, {"has_more", false}, {"next_cursor", nullptr}}));
}

}  // namespace
}  // namespace refsyncd
