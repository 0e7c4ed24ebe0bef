#pragma once
#include <optional>
#include <vector>

#include "api/api_route.h"
#include "base/error.h"

namespace refsyncd {

/// Finds the route of a request, lets in who may use it, and turns what goes wrong into the contract's
/// answers. Immutable; safe from any thread.
class ApiRouter {
 public:
  /// Hears of each 5xx: the trace id that the caller was told, the request's method and path, and why.
  using OnFailure = std::function<void(const std::string& trace_id, const HttpRequest&, const Failure&)>;
  /// Who sends a request. Throws ApiError(401).
  using Authenticate = std::function<ApiCaller(const HttpRequest&)>;

  /// A parameter named `org` must be this organisation, for whatever route has it. Of several patterns that
  /// fit a path, the one with a literal where the others have a parameter wins, the leftmost such segment
  /// deciding.
  ApiRouter(std::string org, std::vector<ApiRoute> routes, OnFailure on_failure);

  /// True for paths below /v1.
  static bool serves(const HttpRequest& request);
  /// Never throws.
  HttpResponse serve(const HttpRequest& request, const Authenticate& authenticate) const;

  const std::vector<ApiRoute>& routes() const { return routes_; }

 private:
  struct Match {
    const ApiRoute* route;
    std::map<std::string, std::string, std::less<>> parameters;
  };
  std::optional<Match> find(const HttpRequest& request) const;
  HttpResponse answer(const HttpRequest& request, const Authenticate& authenticate) const;

  std::string org_;
  std::vector<ApiRoute> routes_;
  OnFailure on_failure_;
};

}  // namespace refsyncd
