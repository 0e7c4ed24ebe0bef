#include "mesa/credential_organization.h"

#include <algorithm>
#include <utility>

namespace refsyncd {
namespace {

constexpr milliseconds between_tries = std::chrono::seconds(5);

}  // namespace

CredentialOrganization::CredentialOrganization(MesaApi& api, const Clock& clock, std::string name)
    : api_(api), clock_(clock) {
  known_ = !name.empty();
  api_.use_organisation(std::move(name));
}

void CredentialOrganization::when_known(Known then) {
  if (known_) return then(nullptr);
  if (failure_ && clock_.steady() < next_try_) return then(&*failure_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  api_.whoami([this](auto result) {
    if (const auto* trouble = std::get_if<ApiTrouble>(&result)) return ended(trouble->failure);
    api_.use_organisation(std::get<Whoami>(result).org);
    known_ = true;
    ended(std::nullopt);
  });
}

void CredentialOrganization::ended(std::optional<Failure> failure) {
  failure_ = std::move(failure);
  const auto wish = failure_ ? failure_->retry_after.value_or(milliseconds{}) : milliseconds{};
  next_try_ = clock_.steady() + std::max(between_tries, wish);
  const auto told = failure_;
  for (const auto& then : std::exchange(waiting_, {})) then(told ? &*told : nullptr);
}

}  // namespace refsyncd
