#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "model/cron.h"
#include "model/ref_globs.h"

namespace refsyncd {

/// Why a text is no name for a policy, repository or organisation (it must be safe as a path, a label and a
/// command line argument), or "".
std::string name_problem(std::string_view name);

/// pull: the upstream is the source and our repository the target; push: the reverse.
enum class Direction { pull, push };
std::string_view to_string(Direction);
std::optional<Direction> direction_from(std::string_view);

/// Where a secret's value is found. Read again at each use (see config/secrets), so it may be rotated.
struct SecretSource {
  enum class Kind { file, environment };
  Kind kind = Kind::file;
  std::string name;  ///< path of the file, or name of the environment variable

  bool operator==(const SecretSource&) const = default;
};

/// How we prove who we are to an upstream.
struct TokenAuth {  ///< HTTP Basic with a token as password, as GitHub, GitLab and Gitea accept it
  SecretSource token;
  std::string username = "x-access-token";
  bool operator==(const TokenAuth&) const = default;
};
struct BearerAuth {  ///< HTTP Bearer (RFC 6750)
  SecretSource bearer;
  bool operator==(const BearerAuth&) const = default;
};
struct PasswordAuth {  ///< HTTP Basic
  std::string username;
  SecretSource password;
  bool operator==(const PasswordAuth&) const = default;
};
struct SshAuth {
  std::string key_file;          ///< private key, readable by the agent's user alone
  std::string known_hosts_file;  ///< "" = the user's and the system's known_hosts
  bool operator==(const SshAuth&) const = default;
};
using Auth = std::variant<std::monostate, TokenAuth, BearerAuth, PasswordAuth, SshAuth>;

enum class Transport { https, http, ssh, file };
std::string_view to_string(Transport);
/// Spoken over HTTP, encrypted or not.
constexpr bool over_http(Transport transport) {
  return transport == Transport::https || transport == Transport::http;
}

/// What an API may say of an Auth: how, but never what.
enum class AuthKind { none, token, username_password };
std::string_view to_string(AuthKind);
std::optional<AuthKind> auth_kind_from(std::string_view);
/// Of an SSH key the API has no word: none. A bearer token is a token to it.
AuthKind kind_of(const Auth& auth);
/// The user that HTTP Basic names beside the secret; "" for other ways.
std::string_view username_of(const Auth& auth);

/// How what an upstream sends is checked before a ref may name it: fsck looks into every object, as `git
/// fetch` with fsckObjects; connectivity asks that nothing is missing or corrupt.
enum class Verify { fsck, connectivity };

/// What an upstream may send in one pack unless the user says otherwise: several times what public hosts take
/// for a repository, and less than the disks of servers hold.
inline constexpr uint64_t default_max_pack = uint64_t{64} << 30;

/// The Git server a repository is kept in sync with. The URL holds no credentials and was validated by the
/// parser.
struct Upstream {
  std::string url;
  Transport transport = Transport::https;
  std::string host;  ///< "host" or "host:port" in lower case; "" for file. The unit of per-host limits.
  Auth auth;
  std::string ca_file;  ///< PEM bundle to trust instead of the system's; "" = the system's
  /// Only public addresses may be spoken to, and no proxy is asked: the upstream was named by a caller of the
  /// API, who must not reach our own network through us.
  bool public_only = false;
  Verify verify = Verify::fsck;
  uint64_t max_pack = default_max_pack;  ///< bytes of the largest pack that a fetch takes

  bool operator==(const Upstream&) const = default;
};

/// A repository of the agent: a bare Git repository on this machine.
struct Repo {
  std::string name;
  std::string path;     ///< absolute; under data_dir/repos/<org>/<name>.git unless the user named one
  bool managed = true;  ///< we create it when missing; false for one the user named with `path:`
  std::optional<Upstream> upstream;
  std::string
      head;  ///< "refs/heads/main": what HEAD is to name once that exists; "" = as the upstream has it

  bool operator==(const Repo&) const = default;
};

/// Due at a fixed interval. The policy's phase within the interval is derived from its name.
struct Every {
  milliseconds interval{};
  bool operator==(const Every&) const = default;
};
/// Due at calendar times of a time zone.
struct CronSchedule {
  Cron cron;
  std::string expression;  ///< as written
  std::string timezone = "UTC";
  bool operator==(const CronSchedule&) const = default;
};
/// Due at an interval that follows how much happens: `min` after a change, growing up to `max` while nothing
/// changes (see schedule/adaptive).
struct Adaptive {
  milliseconds min{};
  milliseconds max{};
  bool operator==(const Adaptive&) const = default;
};
using Schedule = std::variant<Every, CronSchedule, Adaptive>;

/// How far a due time may be moved later, by an amount that is fixed for each policy and due time.
struct Jitter {
  double fraction = 0.10;  ///< of the interval; `cron` has none
  milliseconds time{};     ///< absolute; used instead of the fraction when not zero
  bool operator==(const Jitter&) const = default;
};

/// How often and how patiently a run tries: `attempts` syncs at most, the waits between them growing from
/// `first`, doubling, up to `max`.
struct RetryRule {
  int attempts = 5;
  milliseconds first = std::chrono::seconds(2);
  milliseconds max = std::chrono::minutes(5);
  bool operator==(const RetryRule&) const = default;
};

/// One entry of the schedule.
struct Policy {
  std::string name;
  std::string repo;
  Direction direction = Direction::pull;
  RefGlobs globs = RefGlobs::all();
  RefGlobs exclude;  ///< matched refs that are kept out: outcome `filtered`
  Schedule schedule = Every{std::chrono::minutes(5)};
  Jitter jitter;
  RetryRule retry;
  milliseconds timeout = std::chrono::minutes(10);  ///< of one sync, from its start
  milliseconds stale_after{};  ///< readiness fails when the last success is older; 0 = three due times missed
  bool catch_up = true;        ///< run at start what came due while the agent was not running
  bool force = false;          ///< overwrite diverged branches and moved tags, keeping a backup ref
  bool prune = false;          ///< delete refs the source no longer has, guarded, keeping a backup ref

  bool operator==(const Policy&) const = default;
};

}  // namespace refsyncd
