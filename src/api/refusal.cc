#include "api/refusal.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/control_json.h"
#include "base/text.h"
#include "contract/json_fields.h"

namespace refsyncd {

HttpResponse refusal(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body{{"error", {{"code", code}, {"message", printable(message)}}}};
  return {.status = status, .body = json_text(body) + "\n"};
}

void set_retry_after(HttpResponse& response, const Failure& failure) {
  using std::chrono::seconds;
  if (response.status != 503) return;
  const auto asked = failure.retry_after ? std::chrono::ceil<seconds>(*failure.retry_after) : seconds(1);
  response.headers["Retry-After"] = std::to_string(std::max(seconds(1), asked).count());
}

}  // namespace refsyncd
