#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "mesa/api.h"

namespace refsyncd {

/// The organisation that the credential belongs to, unless the user named one: asked for when it is first
/// needed, and again when it is needed a while after that failed.
class CredentialOrganization {
 public:
  /// Called with nullptr once the organisation is known, or with why it is not.
  using Known = std::function<void(const Failure*)>;

  /// `name` may be "". API and clock outlive the object.
  CredentialOrganization(MesaApi& api, const Clock& clock, std::string name);

  bool known() const { return known_; }
  /// `then` is called at once when the answer is at hand.
  void when_known(Known then);
  /// When asking again makes sense; SteadyTime::max() while an answer is awaited.
  SteadyTime next_try() const { return waiting_.empty() ? next_try_ : SteadyTime::max(); }

 private:
  void ended(std::optional<Failure> failure);

  MesaApi& api_;
  const Clock& clock_;
  bool known_ = false;
  std::optional<Failure> failure_;
  SteadyTime next_try_{};
  std::vector<Known> waiting_;
};

}  // namespace refsyncd
