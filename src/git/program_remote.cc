#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "git/advertisement.h"
#include "git/authorization.h"
#include "git/environment.h"
#include "git/kept_waiting.h"
#include "git/pinned_host.h"
#include "git/program.h"
#include "git/progress_relay.h"
#include "git/push_report.h"
#include "git/redactor.h"
#include "git/ref_values.h"
#include "git/repository.h"
#include "git/room.h"
#include "git/unfit_upstream.h"
#include "http/libcurl.h"

namespace refsyncd {
namespace {

constexpr size_t most_patterns = 200;
constexpr size_t most_push_bytes = 128 << 10;  // of arguments in one `git push`

/// While hooks run, deltas are resolved or objects are counted, a server says no more than a few bytes every
/// few seconds, or nothing.
constexpr std::chrono::seconds longest_silence = std::chrono::minutes(5);

/// Settings for HTTP, each generally and for this URL: a URL's own setting would win over the general one.
Settings http_settings(const Upstream& upstream, const Secret& secret) {
  Settings settings;
  const auto authorities = authorities_file(upstream.ca_file);
  for (const auto& scope : {std::string("http."), fmt::format("http.{}.", upstream.url)}) {
    settings.push_back({scope + "followRedirects", "false"});
    settings.push_back({scope + "sslVerify", "true"});
    settings.push_back({scope + "lowSpeedLimit", "1"});
    settings.push_back({scope + "lowSpeedTime", fmt::format("{}", longest_silence.count())});
    settings.push_back({scope + "extraHeader", ""});
    if (authorities.empty()) continue;
    settings.push_back({scope + "sslCAInfo", authorities});
    settings.push_back({scope + "sslCAPath", ""});
  }
  if (const auto authorization = authorization_of(upstream.auth, secret); !authorization.empty()) {
    settings.push_back({fmt::format("http.{}.extraHeader", upstream.url), "Authorization: " + authorization});
  }
  return settings;
}

/// A file name in an ssh option: percent signs would be expanded, blanks would end it.
std::string ssh_file(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == '%') text += '%';
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return '"' + text + '"';
}

/// What git runs for ssh, as a line for its shell.
std::string ssh_command(const Auth& auth) {
  std::vector<std::string> options{
      "BatchMode=yes",         "StrictHostKeyChecking=yes", "ConnectTimeout=10", "ServerAliveInterval=15",
      "ServerAliveCountMax=3", "PermitLocalCommand=no",     "ProxyCommand=none", "ControlMaster=no",
      "ControlPath=none",      "UpdateHostKeys=no",         "ForwardAgent=no",   "IdentityAgent=none"};
  if (const auto* ssh = std::get_if<SshAuth>(&auth)) {
    if (!ssh->key_file.empty()) {
      options.push_back("IdentitiesOnly=yes");
      options.push_back("IdentityFile=" + ssh_file(ssh->key_file));
    }
    if (!ssh->known_hosts_file.empty()) {
      options.push_back("UserKnownHostsFile=" + ssh_file(ssh->known_hosts_file));
      options.push_back("GlobalKnownHostsFile=/dev/null");
    }
  }
  std::string line = "ssh -F /dev/null";
  for (const auto& option : options) line += " -o " + shell_quoted(option);
  return line;
}

/// More than FETCH_HEAD can have once these refs are fetched: for each an id, words, the name and the URL.
uint64_t most_of_fetch_head(std::span<const std::string> names, std::string_view url) {
  constexpr uint64_t id_and_words = 100;
  uint64_t bytes = 0;
  for (const auto& name : names) bytes += id_and_words + name.size() + url.size();
  return bytes;
}

/// Proxies are the one thing of our own environment that git needs to reach the world.
std::vector<std::string> proxies() {
  std::vector<std::string> found;
  for (const auto* name : {"https_proxy", "http_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "HTTP_PROXY",
                           "ALL_PROXY", "NO_PROXY"}) {
    if (const char* value = std::getenv(name)) found.push_back(fmt::format("{}={}", name, value));
  }
  return found;
}

}  // namespace

/// A Remote that runs git for every call.
class GitProgramRemote final : public Remote {
 public:
  GitProgramRemote(const GitProgram& git, const Upstream& upstream, Secret secret, Operation operation)
      : git_(git),
        upstream_(upstream),
        secret_(std::move(secret)),
        redact_(username_of(upstream_.auth), secret_),
        pinned_host_(pin_host()),
        operation_(std::move(operation)) {}

  Advertisement list(std::span<const std::string> prefixes) override;
  void fetch(ScratchRepository& into, std::span<const std::string> names) override;
  PushAnswer push(ScratchRepository& from, std::span<const RefUpdate> commands) override;

 private:
  std::string pin_host() const;
  Command command(const std::filesystem::path& repository, std::vector<std::string> arguments) const;
  Finished run(Command command) const;
  Finished run_traced(const std::vector<std::string>& listing) const;
  Error failure(const Finished& finished, std::string_view doing) const;
  void check_that_it_is_a_git_server(const std::vector<std::string>& listing, std::string_view doing) const;
  void check_room_in(const std::filesystem::path& folder) const;
  bool lists_as_shallow() const;
  void check_fetched(const Finished& finished) const;
  PushAnswer push_batch(ScratchRepository& from, std::span<const RefUpdate> commands);
  PushAnswer answer(std::span<const RefUpdate> commands, const Finished& finished) const;

  const GitProgram& git_;
  Upstream upstream_;
  Secret secret_;
  Redactor redact_;
  std::string pinned_host_;  // for as long as this remote: what was checked is what is spoken to
  Operation operation_;
};

std::string GitProgramRemote::pin_host() const {
  if (upstream_.public_only && !git_.can_pin_hosts()) {
    throw Error(ErrorKind::bad_config,
                fmt::format("git {} cannot be kept to public addresses: install 2.37 or newer, or set api: "
                            "{{allow_private: true}}",
                            git_.version()));
  }
  try {
    return refsyncd::pinned_host(upstream_);
  } catch (const Error& error) {
    throw error.with_context(upstream_.url);
  }
}

Command GitProgramRemote::command(const std::filesystem::path& repository,
                                  std::vector<std::string> arguments) const {
  auto settings = safe_settings();
  settings.push_back({fmt::format("protocol.{}.allow", to_string(upstream_.transport)), "always"});
  settings.push_back(
      {"core.fsync", "none"});  // the scratch repository is thrown away; what is kept is synced then
  if (upstream_.verify == Verify::connectivity) settings.push_back({"fetch.fsckObjects", "false"});
  const bool http = over_http(upstream_.transport);
  if (http) {
    for (auto& setting : http_settings(upstream_, secret_)) settings.push_back(std::move(setting));
    if (!pinned_host_.empty()) settings.push_back({"http.curloptResolve", pinned_host_});
  }
  auto command = git_.prepare(std::move(arguments), operation_);
  command.environment =
      git_environment(git_.state_dir_, repository, to_string(upstream_.transport), settings);
  const bool ssh = upstream_.transport == Transport::ssh;
  command.environment.push_back("GIT_SSH_COMMAND=" + (ssh ? ssh_command(upstream_.auth) : "/bin/false"));
  if (http && !upstream_.public_only) {
    for (auto& proxy : proxies()) command.environment.push_back(std::move(proxy));
  }
  return command;
}

Finished GitProgramRemote::run(Command command) const {
  ProgressRelay progress(operation_.progress, redact_);
  KeptWaiting waiting(operation_.kept_waiting);
  command.on_error_line = [&](std::string_view line) {
    waiting.heard();
    progress(line);
  };
  command.may_go_on = [&waiting, may_go_on = std::move(command.may_go_on)] {
    waiting.look();
    return !may_go_on || may_go_on();
  };
  auto finished = run_command(command);
  finished.error = redact_(std::move(finished.error));
  return finished;
}

/// A listing whose packets git writes to its standard error.
Finished GitProgramRemote::run_traced(const std::vector<std::string>& listing) const {
  auto traced = command({}, listing);
  traced.environment.push_back("GIT_TRACE_PACKET=1");
  return run(std::move(traced));
}

Error GitProgramRemote::failure(const Finished& finished, std::string_view doing) const {
  return classify_git_failure(finished, fmt::format("{} {}", doing, upstream_.url));
}

/// git takes any web page for an empty repository (of the "dumb" protocol). An empty list counts only when
/// packets of the smart protocol were seen.
void GitProgramRemote::check_that_it_is_a_git_server(const std::vector<std::string>& listing,
                                                     std::string_view doing) const {
  if (!over_http(upstream_.transport)) return;
  const auto finished = run_traced(listing);
  if (!finished.ok()) throw classify_git_failure(finished, doing);
  if (finished.error.find("git< ") != std::string::npos) return;
  throw Error(ErrorKind::not_found, fmt::format("{}: what answers there is not a Git server", doing));
}

Advertisement GitProgramRemote::list(std::span<const std::string> prefixes) {
  std::vector<std::string> arguments{"ls-remote", "--symref", "--", upstream_.url, "HEAD"};
  if (prefixes.empty() || prefixes.size() > most_patterns) {
    arguments.insert(arguments.end(), {"refs/heads/*", "refs/tags/*"});
  } else {
    for (const auto& prefix : prefixes) arguments.push_back(prefix + "*");
  }
  auto listing = command({}, arguments);
  listing.output_limit = operation_.limits.max_bytes;
  const auto finished = run(std::move(listing));
  const auto doing = fmt::format("listing the refs of {}", upstream_.url);
  if (finished.ending == Ending::output_too_large) {
    throw Error(ErrorKind::bad_config,
                fmt::format("{}: the list is longer than {} bytes", doing, operation_.limits.max_bytes));
  }
  if (!finished.ok()) throw classify_git_failure(finished, doing);
  if (finished.output.empty()) check_that_it_is_a_git_server(arguments, doing);
  try {
    return parse_ls_remote(finished.output, operation_.limits.max_refs);
  } catch (const Error& error) {
    throw error.with_context(doing);
  }
}

void GitProgramRemote::check_room_in(const std::filesystem::path& folder) const {
  try {
    check_room(folder, operation_);
  } catch (const Error& error) {
    throw error.with_context(fmt::format("fetching from {}", upstream_.url));
  }
}

/// Old HTTP servers tell with the list that they are shallow. git's helper for HTTP leaves such refs out
/// then, and does not say so.
bool GitProgramRemote::lists_as_shallow() const {
  if (!over_http(upstream_.transport)) return false;
  const auto finished = run_traced({"ls-remote", "--", upstream_.url, "HEAD"});
  return finished.ok() && finished.error.find("< shallow ") != std::string::npos;
}

void GitProgramRemote::check_fetched(const Finished& finished) const {
  if (finished.ok()) {
    if (tells_of_shallow_upstream(finished)) throw shallow_upstream(upstream_.url);
    return;
  }
  if (tells_of_missing_objects(finished) && lists_as_shallow()) throw shallow_upstream(upstream_.url);
  if (tells_of_file_size_limit(finished))
    throw pack_too_large(operation_.max_pack_bytes).with_context("fetching from " + upstream_.url);
  throw failure(finished, "fetching from");
}

void GitProgramRemote::fetch(ScratchRepository& into, std::span<const std::string> names) {
  if (names.empty()) return;
  // Without a destination the refs go to FETCH_HEAD alone: one file, however many they are.
  auto fetching =
      command(into.path(), {"fetch", "--stdin", "--no-tags", "--no-auto-maintenance", "--no-prune",
                            "--no-recurse-submodules", "--progress", "--", upstream_.url});
  for (const auto& name : names) fetching.input += name + "\n";
  check_room_in(into.path());
  fetching.file_size_limit = std::max(operation_.max_pack_bytes, most_of_fetch_head(names, upstream_.url));
  fetching.may_go_on = [&] { return !room_problem(into.path(), operation_); };
  const auto finished = run(std::move(fetching));
  if (finished.ending == Ending::stopped) check_room_in(into.path());
  check_fetched(finished);
  const auto fetched = parse_fetch_head(read_file(into.path() / "FETCH_HEAD", size_t{1} << 30));
  into.set_refs(fetched);
  for (const auto& name : names) {
    if (find_ref(fetched, name) == nullptr) {
      throw Error(ErrorKind::internal,
                  fmt::format("fetching from {}: git did not fetch {}", upstream_.url, printable(name, 200)));
    }
  }
}

PushAnswer GitProgramRemote::push(ScratchRepository& from, std::span<const RefUpdate> commands) {
  const auto& reader = from.reader();
  std::vector<RefUpdate> sendable;
  std::map<std::string, PushResult> results;
  for (const auto& command : commands) {
    if (command.value.absent() || reader.contains(command.value)) {
      sendable.push_back(command);
    } else {
      results[command.name] = {.name = command.name,
                               .accepted = false,
                               .told = true,
                               .reason = Reason::missing_object,
                               .detail = {}};
    }
  }
  PushAnswer all;
  for (std::span<const RefUpdate> rest = sendable; !rest.empty() && !all.failure;) {
    size_t count = 0;
    for (size_t bytes = 0; count < rest.size() && bytes < most_push_bytes; ++count) {
      bytes += 2 * rest[count].name.size() + 120;
    }
    auto batch = push_batch(from, rest.first(count));
    for (auto& result : batch.results) results[result.name] = std::move(result);
    all.failure = std::move(batch.failure);
    rest = rest.subspan(count);
  }
  for (const auto& command : commands) {
    if (const auto known = results.find(command.name); known != results.end())
      all.results.push_back(std::move(known->second));
  }
  return all;
}

PushAnswer GitProgramRemote::push_batch(ScratchRepository& from, std::span<const RefUpdate> commands) {
  std::vector<std::string> arguments{"push",        "--porcelain",      "--progress",
                                     "--no-verify", "--no-follow-tags", "--recurse-submodules=no"};
  const auto hex = [](const ObjectId& id) { return id.absent() ? std::string() : id.hex(); };
  for (const auto& command : commands) {
    arguments.push_back(fmt::format("--force-with-lease={}:{}", command.name, hex(command.expected)));
  }
  arguments.insert(arguments.end(), {"--", upstream_.url});
  for (const auto& command : commands)
    arguments.push_back(fmt::format("{}:{}", hex(command.value), command.name));
  return answer(commands, run(command(from.path(), std::move(arguments))));
}

/// git exits with 1 when single refs were refused; what failed before the report has no line for some ref.
PushAnswer GitProgramRemote::answer(std::span<const RefUpdate> commands, const Finished& finished) const {
  PushAnswer answer;
  answer.results = parse_push_report(redact_(finished.output), finished.error);
  std::set<std::string> reported;
  for (const auto& result : answer.results) reported.insert(result.name);
  const bool complete = std::all_of(commands.begin(), commands.end(), [&](const RefUpdate& command) {
    return reported.contains(command.name);
  });
  const auto unstored = std::find_if(answer.results.begin(), answer.results.end(), is_unpack_failure);
  if (unstored != answer.results.end()) {
    answer.failure = Failure{.kind = ErrorKind::transient,
                             .message = fmt::format("pushing to {}: {}", upstream_.url, unstored->detail),
                             .retry_after = {}};
    std::erase_if(answer.results, is_unpack_failure);
  } else if (!complete) {
    answer.failure = failure(finished, "pushing to").failure();
  }
  return answer;
}

std::unique_ptr<Remote> make_git_program_remote(const GitProgram& git, const Upstream& upstream,
                                                Secret secret, Operation operation) {
  return std::make_unique<GitProgramRemote>(git, upstream, std::move(secret), std::move(operation));
}

}  // namespace refsyncd
