#pragma once
#include <nlohmann/json.hpp>

#include "api/api_route.h"

namespace refsyncd {

/// The API as an OpenAPI 3.1 document.
nlohmann::json openapi_document();

/// GET /v1/openapi.json, open to anybody: the document is the same for all.
ApiRoute openapi_route();

}  // namespace refsyncd
