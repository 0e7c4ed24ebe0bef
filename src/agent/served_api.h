#pragma once
#include <functional>
#include <string>

#include "agent/served_hosting.h"
#include "agent/served_webhooks.h"
#include "api/api_router.h"
#include "api/tokens.h"

namespace refsyncd {

/// The API of the embedded service, as it is served: on the Unix socket to its owner, whose credential is the
/// right to connect, and on the TCP port to who has a token.
class ServedApi {
 public:
  /// Hears of what goes wrong, for the log. Called from several threads.
  using OnProblem = std::function<void(const std::string& problem)>;

  /// What the surroundings refer to outlives the API.
  ServedApi(const ServedHosting::Surroundings& surroundings, const OnProblem& on_problem);

  void configure(const ApiConfig& config) { tokens_.configure(config.tokens); }

  /// For requests that ApiRouter::serves(). Never throw; safe from any thread.
  HttpResponse serve_owner(const HttpRequest& request) const;
  HttpResponse serve_public(const HttpRequest& request);

 private:
  ServedHosting hosting_;
  ServedWebhooks webhooks_;
  ApiTokens tokens_;
  ApiRouter router_;
};

}  // namespace refsyncd
