#include "mesa/upstreams.h"

#include <fmt/format.h>

#include <utility>

#include "base/handle.h"

namespace refsyncd {
namespace {

bool differs(const Upstream& declared, const std::optional<HostedUpstream>& hosted) {
  return !hosted || hosted->url != declared.url || hosted->auth != kind_of(declared.auth);
}

}  // namespace

void UpstreamKeeper::configure(const std::vector<Repo>& repos) {
  auto old = std::exchange(declared_, {});
  for (const auto& repo : repos) {
    if (!repo.upstream) continue;
    auto& declared = declared_[repo.name];
    declared.upstream = *repo.upstream;
    const auto before = old.find(repo.name);
    if (before == old.end()) continue;
    declared.settled = before->second.settled && before->second.upstream == declared.upstream;
    declared.waiting = std::move(before->second.waiting);
    before->second.waiting.clear();
  }
  const Failure gone{.kind = ErrorKind::bad_config, .message = "the repository is no longer configured"};
  for (const auto& [name, removed] : old) {
    for (const auto& then : removed.waiting) then(&gone);
  }
}

void UpstreamKeeper::settle(const std::string& repo, Settled then) {
  const auto found = declared_.find(repo);
  if (found == declared_.end() || found->second.settled) return then(nullptr);
  found->second.waiting.push_back(std::move(then));
  if (found->second.waiting.size() > 1) return;
  api_.repo(repo, [this, repo](auto result) {
    if (const auto* trouble = std::get_if<ApiTrouble>(&result)) return ended(repo, trouble->failure);
    compare(repo, std::get<HostedRepo>(result));
  });
}

void UpstreamKeeper::compare(const std::string& repo, const HostedRepo& hosted) {
  const auto found = declared_.find(repo);
  if (found == declared_.end()) return;
  const auto& declared = found->second.upstream;
  if (!differs(declared, hosted.upstream)) return ended(repo, std::nullopt);
  UpstreamCredential credential;
  try {
    credential = credential_of(declared.auth);
  } catch (...) {
    return ended(repo, current_failure());
  }
  api_.set_upstream(repo, declared.url, credential, [this, repo, set = declared](auto result) {
    if (const auto* trouble = std::get_if<ApiTrouble>(&result)) return ended(repo, trouble->failure);
    const auto now = declared_.find(repo);
    if (now == declared_.end()) return;
    // A reload may have declared another one meanwhile.
    now->second.upstream == set ? ended(repo, std::nullopt) : compare(repo, std::get<HostedRepo>(result));
  });
}

void UpstreamKeeper::ended(const std::string& repo, std::optional<Failure> failure) {
  const auto found = declared_.find(repo);
  if (found == declared_.end()) return;
  found->second.settled = !failure;
  if (failure) failure->message = fmt::format("the upstream of '{}': {}", repo, failure->message);
  for (const auto& then : std::exchange(found->second.waiting, {})) then(failure ? &*failure : nullptr);
}

UpstreamCredential UpstreamKeeper::credential_of(const Auth& auth) const {
  return std::visit(
      match{[](const std::monostate&) { return UpstreamCredential{}; },
            [this](const TokenAuth& token) {
              return UpstreamCredential{
                  .kind = AuthKind::token, .username = token.username, .secret = read_secret_(token.token)};
            },
            [](const BearerAuth&) -> UpstreamCredential {
              throw Error(ErrorKind::bad_config, "the hosted service sends no bearer tokens; use 'token'");
            },
            [this](const PasswordAuth& password) {
              return UpstreamCredential{.kind = AuthKind::username_password,
                                        .username = password.username,
                                        .secret = read_secret_(password.password)};
            },
            [](const SshAuth&) -> UpstreamCredential {
              throw Error(ErrorKind::bad_config, "the hosted service knows no SSH keys; use a token");
            }},
      auth);
}

}  // namespace refsyncd
