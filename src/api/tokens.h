#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_route.h"

namespace refsyncd {

/// The credentials of the API: who sends a request is who has the token in its Authorization header. Kept as
/// SHA-256 hashes; a token's file is read again when it has changed. Safe from any thread.
class ApiTokens {
 public:
  /// Hears, once each time it changes, why a token cannot be used (its file is missing, empty ...).
  using OnProblem = std::function<void(const std::string& token, const std::string& problem)>;

  explicit ApiTokens(OnProblem on_problem) : on_problem_(std::move(on_problem)) {}

  /// The tokens of the configuration.
  void configure(std::vector<ApiToken> tokens);

  /// Who sends the request. Throws ApiError(401) with what to do: without a bearer token, with an unknown
  /// one, and always while no token is configured. How long it takes tells nothing of how nearly a token is
  /// right.
  ApiCaller authenticate(const HttpRequest& request);

 private:
  /// What tells one state of a file from another.
  struct Stamp {
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    uint64_t inode = 0;
    int64_t size = -1;
    bool operator==(const Stamp&) const = default;
  };
  struct Known {
    ApiToken token;
    std::optional<Stamp> stamp;  ///< when it was read last
    std::string hash;            ///< "" while the file cannot be used
    std::string problem;
  };
  static Stamp stamp_of(const std::string& file);
  void refresh(Known& known) const;

  OnProblem on_problem_;
  std::mutex mutex_;
  std::vector<Known> known_;
};

}  // namespace refsyncd
