#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.h"
#include "http/server.h"

namespace refsyncd {

/// Who calls the API.
struct ApiCaller {
  std::string key_name;  ///< of the token; "" for the user of the Unix socket
  ApiScopes scopes;
};

/// What a call needs. `open` needs no credential, `any` one of whatever scope; none implies another.
enum class ApiScope { open, any, read, write, admin };
std::string_view to_string(ApiScope);

/// Why a call is refused, for the envelope {"error":{"code","message","details"?}}.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, std::string code, const std::string& message, nlohmann::json details = {})
      : std::runtime_error(message), status_(status), code_(std::move(code)), details_(std::move(details)) {}

  int status() const { return status_; }
  const std::string& code() const { return code_; }
  const nlohmann::json& details() const { return details_; }

 private:
  int status_;
  std::string code_;
  nlohmann::json details_;
};

/// 400: the request is malformed. `field` says where ("upstream.url"); "" for the whole.
ApiError bad_request(std::string_view field, std::string_view what);
/// 404.
ApiError not_found(std::string_view what);
/// 409: understood, and impossible as things stand.
ApiError conflict(std::string_view why);

/// A request that found its route and may use it.
struct ApiCall {
  std::map<std::string, std::string, std::less<>> parameters;  ///< by the pattern's names, decoded
  const HttpRequest::Fields& query;
  nlohmann::json body;  ///< an object with `takes_body`, else null
  const ApiCaller& caller;

  const std::string& parameter(std::string_view name) const { return parameters.find(name)->second; }
};

/// One call of the API. `serve` is called from several threads at once and throws ApiError, or Error, whose
/// kind decides the status.
struct ApiRoute {
  std::string method;
  std::string pattern;  ///< "/v1/{org}/{repo}": a segment is a literal or one parameter
  ApiScope scope = ApiScope::any;
  bool takes_body = false;
  std::function<HttpResponse(const ApiCall&)> serve;
};

/// A JSON answer.
HttpResponse api_answer(const nlohmann::json& value, int status = 200);

}  // namespace refsyncd
