#include "api/refusal.h"

#include <nlohmann/json.hpp>

#include "api/control_json.h"
#include "base/text.h"
#include "contract/json_fields.h"

namespace refsyncd {

HttpResponse refusal(int status, std::string_view code, std::string_view message) {
  const nlohmann::json body{{"error", {{"code", code}, {"message", printable(message)}}}};
  return {.status = status, .body = json_text(body) + "\n"};
}

}  // namespace refsyncd
