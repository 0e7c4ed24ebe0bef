#include "agent/served_api.h"

#include <fmt/format.h>

#include "api/hosting_routes.h"
#include "api/openapi.h"
#include "api/webhook_routes.h"
#include "base/text.h"

namespace refsyncd {
namespace {

std::vector<ApiRoute> all_routes(Hosting& hosting, WebhookControl& webhooks) {
  auto routes = hosting_routes(hosting);
  for (auto& route : webhook_routes(webhooks)) routes.push_back(std::move(route));
  routes.push_back(openapi_route());
  return routes;
}

}  // namespace

ServedApi::ServedApi(const ServedHosting::Surroundings& surroundings, const OnProblem& on_problem)
    : hosting_(surroundings),
      webhooks_({.webhooks = *surroundings.engine.webhooks(),
                 .catalog = surroundings.engine.local()->catalog(),
                 .calls = surroundings.calls,
                 .clock = surroundings.clock}),
      tokens_([on_problem](const std::string& token, const std::string& problem) {
        on_problem(fmt::format("the API's token '{}' cannot be used: {}", token, problem));
      }),
      router_(surroundings.org, all_routes(hosting_, webhooks_),
              [on_problem](const std::string& trace_id, const HttpRequest& request, const Failure& why) {
                on_problem(fmt::format("{} {} failed: {} (trace {})", request.method,
                                       printable(request.path, 300), why.message, trace_id));
              }) {}

HttpResponse ServedApi::serve_owner(const HttpRequest& request) const {
  return router_.serve(request, [](const HttpRequest&) {
    return ApiCaller{.key_name = "", .scopes = {.read = true, .write = true, .admin = true}};
  });
}

HttpResponse ServedApi::serve_public(const HttpRequest& request) {
  return router_.serve(request, [this](const HttpRequest& from) { return tokens_.authenticate(from); });
}

}  // namespace refsyncd
