#include "mesa/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/duration.h"
#include "contract/json_fields.h"
#include "contract/sync_json.h"
#include "http/url.h"
#include "mesa/answer.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using std::chrono::seconds;

/// Requests under way at once where a connection carries several. None waits in the HTTP client, where a wish
/// for patience would not reach it.
constexpr size_t most_at_once = 32;
constexpr milliseconds shortest_hold = seconds(1);

/// What is used in paths and as a key must be what it seems.
Sync checked(Sync sync) {
  if (!usable_id(sync.id)) unexpected_value("id", sync.id);
  return sync;
}

Sync read_sync(const json& value) { return checked(sync_from_json(value)); }

SyncPage read_syncs(const json& value) {
  auto page = sync_page_from_json(value);
  for (auto& sync : page.syncs) sync = checked(std::move(sync));
  return page;
}

RepoPage read_repos(const json& value) { return repo_page_from_json(value); }

std::string sync_body(const SyncRequest& request) {
  json body = {{"direction", to_string(request.direction)}};
  const auto& globs = request.globs;
  if (globs != RefGlobs::all()) {
    auto wanted = json::object();
    if (!globs.tags.empty()) wanted["tags"] = globs.tags.front();
    if (!globs.branches.empty() || wanted.empty()) wanted["branches"] = join_globs(globs.branches);
    body["ref_globs"] = std::move(wanted);
  }
  return body.dump();
}

json auth_json(const UpstreamCredential& credential) {
  switch (credential.kind) {
    case AuthKind::none: return {};
    case AuthKind::token:
      return {
          {"kind", "token"}, {"token", credential.secret.reveal()}, {"token_username", credential.username}};
    case AuthKind::username_password:
      return {{"kind", "username_password"},
              {"username", credential.username},
              {"password", credential.secret.reveal()}};
  }
  return {};
}

}  // namespace

bool usable_id(std::string_view id) {
  constexpr size_t longest = 200;
  return !id.empty() && id.size() <= longest && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_.:~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

MesaApi::MesaApi(Surroundings surroundings, std::string url)
    : around_(std::move(surroundings)), url_(std::move(url)) {}

std::string MesaApi::repo_url(const std::string& repo) const {
  return fmt::format("{}/{}/{}", url_, percent_encode(org_), percent_encode(repo));
}

std::string MesaApi::page_url(std::string list, const std::optional<std::string>& cursor) const {
  list += "?limit=100";
  if (cursor) list += "&cursor=" + percent_encode(*cursor);
  return list;
}

void MesaApi::whoami(Then<Whoami> then) {
  call<Whoami>({.url = url_ + "/whoami"}, std::move(then), whoami_from_json);
}

void MesaApi::enqueue(const SyncRequest& request, Then<Sync> then) {
  call<Sync>(
      {.method = "POST", .url = repo_url(request.repo) + "/upstream/syncs", .body = sync_body(request)},
      std::move(then), read_sync);
}

void MesaApi::sync(const std::string& repo, const std::string& id, Then<Sync> then) {
  const auto read = [id](const json& value) {
    auto sync = read_sync(value);
    if (sync.id != id) unexpected_value("id", sync.id);
    return sync;
  };
  call<Sync>({.url = repo_url(repo) + "/upstream/syncs/" + percent_encode(id)}, std::move(then), read);
}

void MesaApi::syncs(const std::string& repo, const std::optional<std::string>& cursor, Then<SyncPage> then) {
  call<SyncPage>({.url = page_url(repo_url(repo) + "/upstream/syncs", cursor)}, std::move(then), read_syncs);
}

void MesaApi::repos(const std::optional<std::string>& cursor, Then<RepoPage> then) {
  call<RepoPage>({.url = page_url(fmt::format("{}/{}/repos", url_, percent_encode(org_)), cursor)},
                 std::move(then), read_repos);
}

void MesaApi::repo(const std::string& name, Then<HostedRepo> then) {
  call<HostedRepo>({.url = repo_url(name)}, std::move(then), repo_from_json);
}

void MesaApi::set_upstream(const std::string& repo, const std::string& url,
                           const UpstreamCredential& credential, Then<HostedRepo> then) {
  const json body = {{"upstream", {{"url", url}, {"auth", auth_json(credential)}}}};
  call<HostedRepo>({.method = "PATCH", .url = repo_url(repo), .body = body.dump()}, std::move(then),
                   repo_from_json);
}

template <class Result, class Read>
void MesaApi::call(HttpSend request, Then<Result> then, Read read) {
  request.headers.emplace_back("Accept", "application/json");
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  submit({.request = std::move(request),
          .done = [then = std::move(then), read](const HttpAnswer* answer, const ApiTrouble* trouble) {
            if (trouble != nullptr) return then(*trouble);
            std::optional<Result> result;
            try {
              result = read(json_from(answer->body));
            } catch (const std::exception& error) {
              return then(ApiTrouble{.failure = {.kind = ErrorKind::transient, .message = error.what()},
                                     .maybe_acted = true,
                                     .unreadable = true});
            }
            then(std::move(*result));
          }});
}

std::optional<Failure> MesaApi::held() const {
  const auto left = held_until_ - around_.clock.steady();
  if (left <= SteadyTime::duration::zero()) return std::nullopt;
  const auto wait = std::chrono::ceil<milliseconds>(left);
  return Failure{.kind = ErrorKind::throttled,
                 .message = fmt::format("the service asked for patience; nothing is sent to it for {}",
                                        format_duration(std::chrono::ceil<seconds>(wait))),
                 .retry_after = wait};
}

void MesaApi::submit(Call call) {
  waiting_.push_back(std::move(call));
  send_what_may();
}

void MesaApi::send_what_may() {
  const auto why_not = held();
  while (!waiting_.empty() && (why_not || under_way_ < at_once_)) {
    auto call = std::move(waiting_.front());
    waiting_.pop_front();
    if (why_not) {
      fail(std::move(call), {.failure = *why_not});
    } else {
      send(std::move(call));
    }
  }
}

void MesaApi::send(Call call) {
  Secret credential;
  try {
    credential = around_.credential();
  } catch (...) {
    return fail(std::move(call), {.failure = current_failure()});
  }
  auto request = call.request;
  request.headers.emplace_back("Authorization", "Bearer " + credential.reveal());
  ++under_way_;
  around_.send(std::move(request), [this, call = std::move(call), credential](const HttpAnswer* answer,
                                                                              const HttpTrouble* trouble) {
    --under_way_;
    if (answer != nullptr) at_once_ = answer->multiplexed ? most_at_once : 1;
    answered(call, credential, answer, trouble);
    send_what_may();
  });
}

void MesaApi::answered(Call call, const Secret& used, const HttpAnswer* answer, const HttpTrouble* trouble) {
  if (trouble != nullptr) {
    const ApiTrouble why{.failure = trouble->failure, .maybe_acted = trouble->maybe_acted};
    return call.done(nullptr, &why);
  }
  if (answer->status >= 200 && answer->status < 300) return call.done(answer, nullptr);
  if (answer->status == 401 && !std::exchange(call.again, true)) {
    try {
      if (around_.credential().reveal() != used.reveal()) return waiting_.push_front(std::move(call));
    } catch (const Error&) {
      // What the service said of the credential that was there says more.
    }
  }
  const auto failure = classify_answer(answer->status, answer->body, answer->retry_after);
  if (failure.kind == ErrorKind::throttled) hold(failure.retry_after.value_or(shortest_hold));
  const ApiTrouble why{.failure = failure, .maybe_acted = may_have_acted(answer->status, failure)};
  call.done(nullptr, &why);
}

void MesaApi::hold(milliseconds time) {
  held_until_ = std::max(held_until_, around_.clock.steady() + std::max(time, shortest_hold));
}

void MesaApi::fail(Call call, ApiTrouble trouble) {
  around_.on_loop([done = std::move(call.done), trouble = std::move(trouble)] { done(nullptr, &trouble); });
}

}  // namespace refsyncd
