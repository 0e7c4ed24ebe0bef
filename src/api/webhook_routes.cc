#include "api/webhook_routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/page.h"
#include "api/webhook_body.h"

namespace refsyncd {
namespace {

constexpr auto all_targets = "/v1/{org}/webhook-targets";
constexpr auto one_target = "/v1/{org}/webhook-targets/{id}";

ApiError no_such_target(const ApiCall& call) {
  return not_found(fmt::format("there is no webhook target '{}'", call.parameter("id")));
}

/// Ids sort by time, so a page goes on after the last one's id.
HttpResponse list(WebhookControl& control, const ApiCall& call) {
  const auto page = page_request(call.query);
  auto targets = control.webhook_targets();
  std::erase_if(targets, [&](const auto& target) { return target.id <= page.after; });
  const bool has_more = targets.size() > page.limit;
  if (has_more) targets.resize(page.limit);
  return answer_page("webhook_targets", targets, has_more, targets.empty() ? "" : targets.back().id);
}

HttpResponse create(WebhookControl& control, const ApiCall& call) {
  const auto created = control.create_webhook_target(new_webhook_target(call.body, control));
  auto answer = to_json_value(created.target);
  answer["secret"] = created.secret.reveal();  // the only time it is shown
  return api_answer(answer, 201);
}

HttpResponse get(WebhookControl& control, const ApiCall& call) {
  const auto targets = control.webhook_targets();
  const auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](const auto& target) { return target.id == call.parameter("id"); });
  if (found == targets.end()) throw no_such_target(call);
  return api_answer(to_json_value(*found));
}

HttpResponse change(WebhookControl& control, const ApiCall& call) {
  const auto target =
      control.change_webhook_target(call.parameter("id"), webhook_target_change(call.body, control));
  if (!target) throw no_such_target(call);
  return api_answer(to_json_value(*target));
}

HttpResponse remove(WebhookControl& control, const ApiCall& call) {
  if (!control.remove_webhook_target(call.parameter("id"))) throw no_such_target(call);
  return api_answer({{"success", true}});
}

}  // namespace

std::vector<ApiRoute> webhook_routes(WebhookControl& control) {
  const auto route = [&](std::string method, std::string pattern, bool takes_body,
                         HttpResponse (*serve)(WebhookControl&, const ApiCall&)) {
    return ApiRoute{.method = std::move(method),
                    .pattern = std::move(pattern),
                    .scope = ApiScope::admin,
                    .takes_body = takes_body,
                    .serve = [&control, serve](const ApiCall& call) { return serve(control, call); }};
  };
  return {route("GET", all_targets, false, list), route("POST", all_targets, true, create),
          route("GET", one_target, false, get), route("PATCH", one_target, true, change),
          route("DELETE", one_target, false, remove)};
}

}  // namespace refsyncd
