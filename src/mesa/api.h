#pragma once
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/secret.h"
#include "base/worker_pool.h"
#include "contract/repo_json.h"
#include "http/async_client.h"
#include "model/sync.h"

namespace refsyncd {

/// Why a call has no result.
struct ApiTrouble {
  Failure failure;
  bool maybe_acted = false;  ///< the service may have done what was asked
  bool unreadable = false;   ///< it answered with success, but not as the contract says
};
template <class Result>
using Then = std::function<void(std::variant<Result, ApiTrouble>)>;

/// The credential of an upstream, as PATCH sets it.
struct UpstreamCredential {
  AuthKind kind = AuthKind::none;
  std::string username;
  Secret secret;
};

/// An id or cursor as a service may make it: letters, digits and `-_.:~`, at most 200 characters.
bool usable_id(std::string_view id);

/// The calls to the hosted API. Lives on the loop's thread; no call blocks, and each calls its `then` once,
/// later, unless the API is gone by then. An answer is checked whole before it is handed on.
///
/// The credential is read again for each request, and once more after a 401; when it is another one by then,
/// the request is sent once more. Requests wait here until the connection can carry them. After an answer
/// that asks for patience (429, 503 with Retry-After) nothing is sent to the host until that time is over:
/// calls fail with what is left of it.
class MesaApi {
 public:
  struct Surroundings {
    const Clock& clock;
    std::function<void(HttpSend, HttpClient::Done)> send;  ///< HttpClient::send
    std::function<Secret()> credential;                    ///< throws Error(auth) when there is none
    Executor on_loop;                                      ///< hands a function to the loop's thread
  };

  /// `url` is the base of all calls, without a final slash.
  MesaApi(Surroundings surroundings, std::string url);

  /// The organisation whose repositories all calls but whoami() are about.
  void use_organisation(std::string org) { org_ = std::move(org); }

  void whoami(Then<Whoami> then);
  void enqueue(const SyncRequest& request, Then<Sync> then);
  void sync(const std::string& repo, const std::string& id, Then<Sync> then);
  /// Newest first; from the newest without a cursor.
  void syncs(const std::string& repo, const std::optional<std::string>& cursor, Then<SyncPage> then);
  void repos(const std::optional<std::string>& cursor, Then<RepoPage> then);
  void repo(const std::string& name, Then<HostedRepo> then);
  void set_upstream(const std::string& repo, const std::string& url, const UpstreamCredential& credential,
                    Then<HostedRepo> then);

 private:
  struct Call {
    HttpSend request;
    std::function<void(const HttpAnswer*, const ApiTrouble*)> done;
    bool again = false;  ///< was sent before, with a credential that was refused
  };

  template <class Result, class Read>
  void call(HttpSend request, Then<Result> then, Read read);
  std::string repo_url(const std::string& repo) const;
  std::string page_url(std::string list, const std::optional<std::string>& cursor) const;
  std::optional<Failure> held() const;
  void submit(Call call);
  void send_what_may();
  void send(Call call);
  void answered(Call call, const Secret& used, const HttpAnswer* answer, const HttpTrouble* trouble);
  void hold(milliseconds time);
  void fail(Call call, ApiTrouble trouble);

  Surroundings around_;
  std::string url_;
  std::string org_;
  std::deque<Call> waiting_;
  size_t under_way_ = 0;
  size_t at_once_ = 1;  // more once the service has shown that a connection carries more
  SteadyTime held_until_{};
};

}  // namespace refsyncd
