#include "api/hosting_routes.h"

#include "api/hosting_body.h"
#include "api/page.h"
#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;

HttpResponse answer_whoami(const Hosting& hosting, const ApiCaller& caller) {
  const auto org = hosting.organization();
  auto scopes = json::array();
  if (caller.scopes.read) scopes.push_back("read");
  if (caller.scopes.write) scopes.push_back("write");
  if (caller.scopes.admin) scopes.push_back("admin");
  const auto key = caller.key_name.empty() ? json() : json(caller.key_name);
  return api_answer({{"org", {{"id", org.id}, {"slug", org.slug}, {"name", org.name}}},
                     {"key_id", key},
                     {"key_name", key},
                     {"scopes", std::move(scopes)}});
}

HttpResponse answer_repos(Hosting& hosting, const ApiCall& call) {
  const auto asked = page_request(call.query);
  const auto page = hosting.repos(asked.after, asked.limit);
  return answer_page("repos", page.items, page.has_more, page.items.empty() ? "" : page.items.back().name);
}

HttpResponse answer_syncs(Hosting& hosting, const ApiCall& call) {
  const auto asked = page_request(call.query);
  const auto page = hosting.syncs(call.parameter("repo"), asked.after, asked.limit);
  return answer_page("syncs", page.items, page.has_more, page.items.empty() ? "" : page.items.back().id);
}

HttpResponse answer_enqueue(Hosting& hosting, const ApiCall& call) {
  auto request = sync_request_from(call.body);
  request.repo = call.parameter("repo");
  return api_answer(to_json_value(hosting.enqueue(request)), 201);
}

}  // namespace

std::vector<ApiRoute> hosting_routes(Hosting& hosting) {
  constexpr auto repos = "/v1/{org}/repos";
  constexpr auto repo = "/v1/{org}/{repo}";
  constexpr auto syncs = "/v1/{org}/{repo}/upstream/syncs";
  constexpr auto sync = "/v1/{org}/{repo}/upstream/syncs/{syncId}";
  const auto route = [](const char* method, const char* pattern, ApiScope scope, bool takes_body,
                        auto serve) {
    return ApiRoute{
        .method = method, .pattern = pattern, .scope = scope, .takes_body = takes_body, .serve = serve};
  };
  return {
      route("GET", "/v1/whoami", ApiScope::any, false,
            [&](const ApiCall& call) { return answer_whoami(hosting, call.caller); }),
      route("GET", repos, ApiScope::read, false,
            [&](const ApiCall& call) { return answer_repos(hosting, call); }),
      route("POST", repos, ApiScope::write, true,
            [&](const ApiCall& call) {
              return api_answer(to_json_value(hosting.create(new_repo_from(call.body))), 201);
            }),
      route("GET", repo, ApiScope::read, false,
            [&](const ApiCall& call) {
              return api_answer(to_json_value(hosting.repo(call.parameter("repo"))));
            }),
      route("PATCH", repo, ApiScope::write, true,
            [&](const ApiCall& call) {
              return api_answer(
                  to_json_value(hosting.change(call.parameter("repo"), repo_change_from(call.body))));
            }),
      route("DELETE", repo, ApiScope::write, false,
            [&](const ApiCall& call) {
              hosting.remove(call.parameter("repo"));
              return api_answer({{"success", true}});
            }),
      route("POST", syncs, ApiScope::write, true,
            [&](const ApiCall& call) { return answer_enqueue(hosting, call); }),
      route("GET", syncs, ApiScope::read, false,
            [&](const ApiCall& call) { return answer_syncs(hosting, call); }),
      route("GET", sync, ApiScope::read, false,
            [&](const ApiCall& call) {
              auto found = hosting.sync(call.parameter("repo"), call.parameter("syncId"));
              return HttpResponse{.body = sync_text(std::move(found)) + "\n"};
            }),
  };
}

}  // namespace refsyncd
