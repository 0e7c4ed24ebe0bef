#include "api/api_route.h"

#include <fmt/format.h>

#include "api/control_json.h"
#include "base/text.h"
#include "contract/json_fields.h"

namespace refsyncd {

std::string_view to_string(ApiScope scope) {
  switch (scope) {
    case ApiScope::open: return "open";
    case ApiScope::any: return "any";
    case ApiScope::read: return "read";
    case ApiScope::write: return "write";
    case ApiScope::admin: return "admin";
  }
  return "";
}

ApiError bad_request(std::string_view field, std::string_view what) {
  const auto message = field.empty() ? std::string(what) : fmt::format("{}: {}", field, what);
  auto details = field.empty() ? nlohmann::json() : nlohmann::json{{"field", field}};
  return {400, "bad_request", message, std::move(details)};
}

ApiError not_found(std::string_view what) { return {404, "not_found", std::string(what)}; }

ApiError conflict(std::string_view why) { return {409, "conflict", std::string(why)}; }

HttpResponse api_answer(const nlohmann::json& value, int status) {
  return {.status = status, .body = json_text(value) + "\n"};
}

}  // namespace refsyncd
