#pragma once
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mesa/api.h"
#include "model/policy.h"

namespace refsyncd {

/// Keeps the upstreams of hosted repositories as the configuration declares them. A repository is looked at
/// when something is first asked of it; one whose upstream differs in URL or kind of credential is set right.
/// Repositories without a declared upstream are left as they are, and nothing is ever removed.
class UpstreamKeeper {
 public:
  /// Called with nullptr when the upstream is as declared, or with why it is not.
  using Settled = std::function<void(const Failure*)>;
  using ReadSecret = std::function<Secret(const SecretSource&)>;

  /// `read_secret` throws Error(auth) when a secret cannot be read. The API outlives the object.
  UpstreamKeeper(MesaApi& api, ReadSecret read_secret) : api_(api), read_secret_(std::move(read_secret)) {}

  /// Repositories that are declared as before stay settled.
  void configure(const std::vector<Repo>& repos);

  /// Settles the repository unless that is done; after a failure the next call tries again. `then` is called
  /// at once when there is nothing to do.
  void settle(const std::string& repo, Settled then);

 private:
  struct Declared {
    Upstream upstream;
    bool settled = false;
    std::vector<Settled> waiting;
  };

  void compare(const std::string& repo, const HostedRepo& hosted);
  void ended(const std::string& repo, std::optional<Failure> failure);
  UpstreamCredential credential_of(const Auth& auth) const;

  MesaApi& api_;
  ReadSecret read_secret_;
  std::unordered_map<std::string, Declared> declared_;
};

}  // namespace refsyncd
