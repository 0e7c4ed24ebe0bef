#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/place.h"
#include "model/forge.h"
#include "model/policy.h"

namespace refsyncd {

enum class LogLevel { trace, debug, info, warning, error };
enum class LogFormat { automatic, text, json, journal };  ///< automatic: journal under systemd, else text

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::automatic;
  bool operator==(const LogConfig&) const = default;
};

struct HttpConfig {
  std::string listen = "127.0.0.1:9480";  ///< host:port; port 0 lets the kernel choose; "" = no TCP listener
  std::string socket;  ///< Unix socket of the command line; default <data_dir>/control.sock
  bool operator==(const HttpConfig&) const = default;
};

enum class ServiceKind { local, mesa };

/// The hosted service, when it is the one that syncs.
struct MesaConfig {
  std::string url = "https://api.mesa.dev/v1";  ///< base URL, without a final slash
  SecretSource credential;                      ///< API key or access token, read again at each use
  std::optional<SecretSource> webhook_secret;   ///< of POST /webhooks/mesa; nothing = no webhooks are taken
  bool manage_upstream = false;                 ///< set the upstream there when it differs from the file
  bool operator==(const MesaConfig&) const = default;
};

struct ServiceConfig {
  ServiceKind kind = ServiceKind::local;
  MesaConfig mesa;  ///< only with kind mesa
  /// The organisation. "" = the one the credential belongs to (mesa only).
  std::string org = "local";
  std::filesystem::path data_dir;                        ///< absolute
  int concurrency = 8;                                   ///< syncs at the same time
  int per_host = 4;                                      ///< syncs at the same time to one upstream host
  milliseconds drain = std::chrono::seconds(25);         ///< how long a stop waits for running syncs
  milliseconds retention = std::chrono::hours(24 * 30);  ///< how long finished syncs are kept
  /// The repositories of ours are tidied, and their packs rolled up (local only).
  bool maintenance = true;
  bool operator==(const ServiceConfig&) const = default;
};

struct MetricsConfig {
  int max_policies = 1000;  ///< policies with series of their own; the rest share policy="_other"
  bool operator==(const MetricsConfig&) const = default;
};

/// What a caller of the API may do; one does not imply another.
struct ApiScopes {
  bool read = false;
  bool write = false;
  bool admin = false;
  bool operator==(const ApiScopes&) const = default;
};
struct ApiToken {
  std::string name;
  std::string file;  ///< holds the token; read again when it changes
  ApiScopes scopes;
  bool operator==(const ApiToken&) const = default;
};
struct ApiConfig {
  std::vector<ApiToken> tokens;  ///< none: the API answers on the Unix socket only
  bool allow_private = false;    ///< upstreams named through the API may have loopback and private addresses
  bool operator==(const ApiConfig&) const = default;
};
struct WebhookConfig {
  bool allow_private = false;  ///< targets may have loopback and private addresses; only with kind local
  std::map<Forge, SecretSource> secrets;  ///< of the forges whose webhooks are taken
  bool operator==(const WebhookConfig&) const = default;
};

/// A validated configuration: every name resolves, every value is in range, every default is filled in.
struct Config {
  std::filesystem::path file;  ///< where it was read from
  ServiceConfig service;
  HttpConfig http;
  LogConfig log;
  MetricsConfig metrics;
  ApiConfig api;  ///< only with kind local
  WebhookConfig webhooks;
  /// Where the values under `service` stand, by key, and the section itself under ""; only what is written.
  std::map<std::string, Place> service_places;
  std::vector<Repo> repos;       ///< in file order, names unique
  std::vector<Policy> policies;  ///< in file order, names unique

  const Repo* repo(const std::string& name) const;

  /// Makes repo() quick. parse_config() does it; without it repo() looks at one after another.
  void index_repos();
  std::vector<uint32_t> repos_by_name;  ///< positions in repos, sorted by name
};

/// One mistake in a configuration file.
struct ConfigProblem {
  int line = 0;         ///< 1-based; 0 when it stands nowhere in the file
  int column = 0;       ///< 1-based
  std::string message;  ///< what is wrong and what to write

  bool operator==(const ConfigProblem&) const = default;
};

/// All mistakes of a file at once. what() has one "file:line:column: message" a line, and "file: message" for
/// what stands nowhere.
class ConfigError : public std::runtime_error {
 public:
  ConfigError(const std::filesystem::path& file, std::vector<ConfigProblem> problems);
  const std::vector<ConfigProblem>& problems() const { return problems_; }

 private:
  std::vector<ConfigProblem> problems_;
};

/// Environment variables by name: what the parser may look at (STATE_DIRECTORY, ${VAR}).
using Environment = std::unordered_map<std::string, std::string>;
Environment process_environment();

/// Reads YAML text into a Config. `file` names it in errors, and relative paths in it are relative to its
/// folder, except `data_dir`, which is relative to the working directory. Throws ConfigError with every
/// mistake found.
Config parse_config(const std::string& text, const std::filesystem::path& file,
                    const Environment& environment);

/// Reads and parses the file, which must be a regular one: others may never end, or give their text only
/// once. Throws ConfigError, without a place when the file cannot be read.
Config load_config(const std::filesystem::path& file, const Environment& environment);

/// Where the agent of this file has its control socket, whatever else may be wrong with the file or missing
/// in the environment. Throws ConfigError when not even that can be told.
std::filesystem::path find_control_socket(const std::filesystem::path& file, const Environment& environment);

}  // namespace refsyncd
