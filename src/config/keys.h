#pragma once
#include <array>
#include <span>
#include <string_view>

namespace refsyncd {

/// A key that a mapping of the configuration file may have.
struct ConfigKey {
  std::string_view name;
  std::string_view description;  ///< one line for editors; the schema holds the same
};
using ConfigKeys = std::span<const ConfigKey>;

/// The one list of known keys, by mapping. The reader, its suggestions and the test of the JSON Schema use
/// it.
namespace keys {

inline constexpr std::array file{
    ConfigKey{"service", "The agent itself: where syncs run, where state is kept, how much happens at once."},
    ConfigKey{"http", "Where the agent answers: metrics, health and the API."},
    ConfigKey{"log", "What the agent writes to its log."},
    ConfigKey{"metrics", "Bounds of the exported metrics."},
    ConfigKey{"api", "Who may use the API that the agent serves (kind: local)."},
    ConfigKey{"webhooks", "Which forges may tell of pushes, and where the agent's own webhooks may be sent."},
    ConfigKey{"defaults", "What every policy has unless it says otherwise."},
    ConfigKey{"repos", "The repositories, by name."},
    ConfigKey{"policies", "The schedule: what to sync, in which direction, and when."},
};
inline constexpr std::array service{
    ConfigKey{"kind", "Where syncs run: local (in this process) or mesa (a hosted API)."},
    ConfigKey{"url", "Base URL of the hosted API (kind: mesa)."},
    ConfigKey{"credential", "API key or access token of the hosted API (kind: mesa); a secret."},
    ConfigKey{"webhook_secret",
              "Secret of the webhooks the hosted API sends to /webhooks/mesa (kind: mesa)."},
    ConfigKey{"manage_upstream",
              "Set a repository's upstream there when it differs from the file (kind: mesa)."},
    ConfigKey{"data_dir", "Folder of the agent's state and its repositories."},
    ConfigKey{"org", "The organisation of every repository; with kind: mesa by default the credential's."},
    ConfigKey{"concurrency", "Syncs that may run at the same time."},
    ConfigKey{"per_host", "Syncs that may run at the same time against one upstream host."},
    ConfigKey{"drain", "How long a stop waits for running syncs."},
    ConfigKey{"retention", "How long finished syncs stay in the history."},
    ConfigKey{"maintenance",
              "Whether the repositories in data_dir are tidied and their packs rolled up: auto or off."},
};
inline constexpr std::array http{
    ConfigKey{"listen",
              "Address and port, such as 127.0.0.1:9480; port 0 lets the kernel choose; off = no TCP port."},
    ConfigKey{"socket", "Path of the Unix socket that the command line talks to."},
};
inline constexpr std::array log{
    ConfigKey{"level", "The least important lines to write."},
    ConfigKey{"format", "How lines look; auto = journal fields under systemd, else text."},
};
inline constexpr std::array metrics{
    ConfigKey{"max_policies", "Policies with series of their own; the rest share policy=\"_other\"."},
};
inline constexpr std::array api{
    ConfigKey{"tokens",
              "The bearer tokens that may call; without any the API answers on the Unix socket only."},
    ConfigKey{"allow_private",
              "Allow upstreams with loopback and private addresses to be set through the API."},
};
inline constexpr std::array api_token{
    ConfigKey{"name", "Name of the token in the log and in /whoami."},
    ConfigKey{"file", "Path of the file that holds the token; read again when it changes."},
    ConfigKey{"scopes", "What it may do: any of read, write, admin."},
};
inline constexpr std::array webhooks{
    ConfigKey{"allow_private", "Allow webhook targets with loopback and private addresses (kind: local)."},
    ConfigKey{"github", "Webhooks that GitHub sends to /webhooks/github."},
    ConfigKey{"gitlab", "Webhooks that GitLab sends to /webhooks/gitlab."},
    ConfigKey{"gitea", "Webhooks that Gitea or Forgejo sends to /webhooks/gitea."},
    ConfigKey{"bitbucket", "Webhooks that Bitbucket sends to /webhooks/bitbucket."},
};
inline constexpr std::array forge{
    ConfigKey{"secret", "The secret that its webhooks are signed with; a secret."},
};
inline constexpr std::array repo{
    ConfigKey{"path", "A bare repository that exists already; without it the agent keeps one in data_dir."},
    ConfigKey{"upstream", "The Git server's repository to keep in sync with."},
};
inline constexpr std::array upstream{
    ConfigKey{"url",
              "https, http, ssh or file URL, git@host:path, or a path that starts with / or ./ or ../."},
    ConfigKey{"auth", "How the agent proves who it is."},
    ConfigKey{"tls", "How the server's certificate is checked."},
    ConfigKey{"verify", "How what is fetched is checked before a ref names it: fsck or connectivity."},
    ConfigKey{"max_pack", "The largest pack that one fetch takes."},
};
inline constexpr std::array auth{
    ConfigKey{"token", "A token, sent as password (https); a secret."},
    ConfigKey{"bearer", "A token, sent in a Bearer header (https); a secret."},
    ConfigKey{"username", "The user name that goes with the token or password."},
    ConfigKey{"password", "A password (https); a secret."},
    ConfigKey{"ssh_key", "The private key file (ssh)."},
    ConfigKey{"known_hosts", "The file of host keys to trust (ssh)."},
    ConfigKey{"allow_plaintext", "Allow credentials over http, which anybody on the way can read."},
};
inline constexpr std::array tls{
    ConfigKey{"ca_file", "PEM file of the certificates to trust instead of the system's."},
};
inline constexpr std::array secret{
    ConfigKey{"file", "Path of the file that holds the secret; read again at each use."},
    ConfigKey{"env", "Name of the environment variable that holds the secret."},
};
inline constexpr std::array ref_globs{
    ConfigKey{"branches", "Branch names to match; * matches any characters, / included."},
    ConfigKey{"tags", "Tag names to match; * matches any characters, / included."},
};
inline constexpr std::array retry{
    ConfigKey{"attempts", "Syncs a run may try in all."},
    ConfigKey{"first", "Wait after the first failure; doubles with each further one."},
    ConfigKey{"max", "The longest wait between two attempts."},
};
inline constexpr std::array adaptive{
    ConfigKey{"min", "The shortest interval: after a change."},
    ConfigKey{"max", "The longest interval: when nothing has changed for ten times as long."},
};
inline constexpr std::array rules{
    ConfigKey{"every", "Due at this interval."},
    ConfigKey{"adaptive",
              "Due at an interval between two bounds, the longer the longer nothing has changed."},
    ConfigKey{"cron", "Due at the times of a cron expression of five fields, or @hourly, @daily ..."},
    ConfigKey{"timezone", "IANA time zone of the cron expression."},
    ConfigKey{"jitter", "How much later a due time may be: a percentage of the interval, or a duration."},
    ConfigKey{"timeout", "How long one sync may take."},
    ConfigKey{"retry", "How a run goes on after a failed sync."},
    ConfigKey{"stale_after",
              "Age of the last success at which readiness fails; 0s = three due times missed."},
    ConfigKey{"catch_up", "Run at start what came due while the agent was not running."},
    ConfigKey{"force", "Overwrite diverged branches and moved tags, keeping a backup ref."},
    ConfigKey{"prune", "Delete refs that the source no longer has, guarded, keeping a backup ref."},
};
inline constexpr std::array policy_only{
    ConfigKey{"name", "Name in logs, metrics and commands; <repo>-<direction> when absent."},
    ConfigKey{"repo", "The repository, by its name under repos."},
    ConfigKey{"direction", "pull: from the upstream; push: to the upstream."},
    ConfigKey{"ref_globs", "Which branches and tags; all when absent."},
    ConfigKey{"exclude", "Which of these to keep out (outcome filtered)."},
};

template <size_t A, size_t B>
constexpr std::array<ConfigKey, A + B> joined(const std::array<ConfigKey, A>& a,
                                              const std::array<ConfigKey, B>& b) {
  std::array<ConfigKey, A + B> all{};
  for (size_t i = 0; i < A; ++i) all[i] = a[i];
  for (size_t i = 0; i < B; ++i) all[A + i] = b[i];
  return all;
}
inline constexpr auto policy = joined(policy_only, rules);

}  // namespace keys
}  // namespace refsyncd
