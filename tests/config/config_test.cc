#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "config/describe.h"
#include "parse.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
const std::filesystem::path examples = std::filesystem::path(REFSYNCD_SOURCE_DIR) / "config";

TEST(Config, HasDefaultsForEverything) {
  const auto config = parse(app + "policies: [{repo: app, direction: push}]\n");
  const auto here = std::filesystem::current_path();
  ServiceConfig service;
  service.data_dir = here / "refsyncd-data";
  EXPECT_EQ(config.service, service);
  EXPECT_EQ(config.http,
            (HttpConfig{.listen = "127.0.0.1:9480", .socket = here / "refsyncd-data/control.sock"}));
  EXPECT_EQ(config.log, LogConfig{});
  EXPECT_EQ(config.metrics, MetricsConfig{});
  EXPECT_EQ(config.file, "/etc/refsyncd/config.yaml");
  Repo repo{.name = "app", .path = here / "refsyncd-data/repos/local/app.git"};
  repo.upstream = Upstream{.url = "https://git.example.com/team/app.git", .host = "git.example.com"};
  EXPECT_THAT(config.repos, testing::ElementsAre(repo));
  Policy policy;
  policy.name = "app-push";
  policy.repo = "app";
  policy.direction = Direction::push;
  EXPECT_THAT(config.policies, testing::ElementsAre(policy));
}

TEST(Config, ReadsEverySetting) {
  const auto config = parse(R"(
service: {kind: local, data_dir: /srv/state, org: acme, concurrency: 16, per_host: 2, drain: 1m, retention: 7d, maintenance: off}
http: {listen: '[::1]:0', socket: /run/refsyncd.sock}
log: {level: debug, format: json}
metrics: {max_policies: 50}
repos:
  app: {path: ../../srv/app.git, upstream: {url: 'https://h.example/a', tls: {ca_file: ca.pem}, verify: connectivity, max_pack: 2GiB}}
policies: []
)");
  EXPECT_EQ(config.service, (ServiceConfig{.org = "acme",
                                           .data_dir = "/srv/state",
                                           .concurrency = 16,
                                           .per_host = 2,
                                           .drain = 1min,
                                           .retention = 24h * 7,
                                           .maintenance = false}));
  EXPECT_EQ(config.http, (HttpConfig{.listen = "[::1]:0", .socket = "/run/refsyncd.sock"}));
  EXPECT_EQ(config.log, (LogConfig{.level = LogLevel::debug, .format = LogFormat::json}));
  EXPECT_EQ(config.metrics.max_policies, 50);
  EXPECT_EQ(config.repos[0].path, "/srv/app.git");
  EXPECT_FALSE(config.repos[0].managed);
  EXPECT_EQ(config.repos[0].upstream->ca_file, "/etc/refsyncd/ca.pem");
  EXPECT_EQ(config.repos[0].upstream->verify, Verify::connectivity);
  EXPECT_EQ(config.repos[0].upstream->max_pack, uint64_t{2} << 30);
}

TEST(Config, ReadsTheHostedService) {
  const auto config = parse(R"(
service:
  {kind: mesa, url: 'https://mesa.example/v1/', credential: {file: key}, webhook_secret: {env: HOOK}, data_dir: /d, manage_upstream: true}
repos: {app: , tool: {upstream: {url: 'https://h.example/tool'}}}
policies: [{repo: app, direction: pull}, {repo: tool, direction: push}]
)");
  EXPECT_EQ(config.service,
            (ServiceConfig{.kind = ServiceKind::mesa,
                           .mesa = {.url = "https://mesa.example/v1",
                                    .credential = {SecretSource::Kind::file, "/etc/refsyncd/key"},
                                    .webhook_secret = SecretSource{SecretSource::Kind::environment, "HOOK"},
                                    .manage_upstream = true},
                           .org = "",
                           .data_dir = "/d"}));
  EXPECT_EQ(config.policies.size(), 2U);
  EXPECT_FALSE(config.repos[0].upstream);
}

TEST(Config, ReadsWhoMayUseTheApi) {
  const auto config = parse(R"(
api: {tokens: [{name: ci, file: ci-token, scopes: [read, write]}], allow_private: true}
webhooks: {allow_private: true}
policies: []
)");
  EXPECT_EQ(config.api, (ApiConfig{.tokens = {{.name = "ci",
                                               .file = "/etc/refsyncd/ci-token",
                                               .scopes = {.read = true, .write = true, .admin = false}}},
                                   .allow_private = true}));
  EXPECT_TRUE(config.webhooks.allow_private);
}

TEST(Config, ReadsWhichForgesMayTellOfPushes) {
  const auto config = parse(R"(
webhooks:
  github: {secret: {file: hook-secret}}
  gitea: {secret: {env: GITEA_SECRET}}
service: {kind: mesa, credential: {env: KEY}}
policies: []
)");
  using enum SecretSource::Kind;
  EXPECT_EQ(config.webhooks.secrets,
            (std::map<Forge, SecretSource>{{Forge::github, {file, "/etc/refsyncd/hook-secret"}},
                                           {Forge::gitea, {environment, "GITEA_SECRET"}}}));
  EXPECT_FALSE(config.webhooks.allow_private);
}

TEST(Config, FindsTheControlSocketWhateverElseIsWrong) {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "config.yaml";
  const auto socket = [&](const std::string& text, const Environment& environment = {}) {
    std::ofstream(file) << text;
    return find_control_socket(file, environment).string();
  };
  const std::string mistakes = "bananas: 1\nrepos: {app: {upstream: {url: '${NOT_SET}'}}}\n";
  EXPECT_EQ(socket(mistakes + "service: {data_dir: /d, drain: x}\n"), "/d/control.sock");
  EXPECT_EQ(socket(mistakes + "http: {socket: /s}\nservice: {data_dir: '${NOT_SET}'}\n"), "/s");
  EXPECT_EQ(socket(mistakes, {{"STATE_DIRECTORY", "/state"}}), "/state/control.sock");
  EXPECT_THROW(socket("service: {data_dir: '${NOT_SET}'}\n"), ConfigError);
  EXPECT_THROW(find_control_socket(folder.path() / "none", {}), ConfigError);
}

TEST(Config, ListensNowhereWhenOff) {
  EXPECT_EQ(parse("http: {listen: off}\npolicies: []\n").http.listen, "");
}

TEST(Config, TakesTheFirstStateDirectoryOfSystemd) {
  const Environment environment{{"STATE_DIRECTORY", "/var/lib/refsyncd:/var/lib/other"}};
  EXPECT_EQ(parse("policies: []\n", environment).service.data_dir, "/var/lib/refsyncd");
  EXPECT_EQ(parse("policies: []\nservice: {data_dir: /d}\n", environment).service.data_dir, "/d");
  EXPECT_EQ(parse("policies: []\nservice: {data_dir: d}\n").service.data_dir,
            std::filesystem::current_path() / "d");
}

TEST(Config, PutsVariablesIn) {
  const Environment environment{
      {"CREDENTIALS_DIRECTORY", "/run/credentials/x"}, {"HOST", "h.example"}, {"A", "/data"}};
  const auto config = parse(R"(
service: {data_dir: '${A}/state'}
repos:
  app:
    upstream:
      url: https://${HOST}/app.git
      auth: {token: {file: '${CREDENTIALS_DIRECTORY}/token'}}
  odd: {path: '/srv/$${A}$A'}
policies: []
)",
                            environment);
  EXPECT_EQ(config.service.data_dir, "/data/state");
  EXPECT_EQ(config.repos[0].upstream->url, "https://h.example/app.git");
  EXPECT_EQ(std::get<TokenAuth>(config.repos[0].upstream->auth).token.name, "/run/credentials/x/token");
  EXPECT_EQ(config.repos[1].path, "/srv/${A}$A");
}

Auth auth_of(const std::string& url, const std::string& auth) {
  return parse("policies: []\nrepos: {app: {upstream: {url: '" + url + "', auth: " + auth + "}}}\n")
      .repos[0]
      .upstream->auth;
}

TEST(Config, ReadsEveryKindOfCredential) {
  const SecretSource file{SecretSource::Kind::file, "/etc/refsyncd/token"};
  const SecretSource variable{SecretSource::Kind::environment, "TOKEN"};
  EXPECT_EQ(auth_of("https://h/a", "{token: {file: token}}"), Auth(TokenAuth{file}));
  EXPECT_EQ(auth_of("https://h/a", "{token: {env: TOKEN}, username: oauth2}"),
            Auth(TokenAuth{variable, "oauth2"}));
  EXPECT_EQ(auth_of("https://h/a", "{bearer: {file: token}}"), Auth(BearerAuth{file}));
  EXPECT_EQ(auth_of("http://127.0.0.1:3000/a", "{bearer: {env: TOKEN}}"), Auth(BearerAuth{variable}));
  EXPECT_EQ(auth_of("http://h/a", "{bearer: {env: TOKEN}, allow_plaintext: true}"),
            Auth(BearerAuth{variable}));
  EXPECT_EQ(auth_of("https://h/a", "{username: me, password: {env: TOKEN}}"),
            Auth(PasswordAuth{"me", variable}));
  EXPECT_EQ(auth_of("ssh://git@h/a", "{ssh_key: {file: /k}}"), Auth(SshAuth{"/k", ""}));
  EXPECT_EQ(auth_of("git@h:a", "{ssh_key: {file: /k}, known_hosts: hosts}"),
            Auth(SshAuth{"/k", "/etc/refsyncd/hosts"}));
  EXPECT_EQ(auth_of("http://127.0.0.1:3000/a", "{token: {env: TOKEN}}"), Auth(TokenAuth{variable}));
  EXPECT_EQ(auth_of("http://h/a", "{token: {env: TOKEN}, allow_plaintext: true}"), Auth(TokenAuth{variable}));
}

TEST(Config, ReadsEveryRuleOfAPolicy) {
  const auto config = parse(app + R"(policies:
  - name: nightly
    repo: app
    direction: pull
    ref_globs: {branches: [main, 'release/*', main], tags: 'v1.*'}
    exclude: {branches: 'wip/*'}
    every: 1h30m
    jitter: 5m
    timeout: 20m
    retry: {attempts: 3, first: 1s, max: 1m}
    stale_after: 6h
    catch_up: false
    force: true
    prune: true
)");
  Policy policy;
  policy.name = "nightly";
  policy.repo = "app";
  policy.globs = {.branches = {"main", "release/*"}, .tags = {"v1.*"}};
  policy.exclude = {.branches = {"wip/*"}, .tags = {}};
  policy.schedule = Every{90min};
  policy.jitter = {.fraction = 0, .time = 5min};
  policy.retry = {.attempts = 3, .first = 1s, .max = 1min};
  policy.timeout = 20min;
  policy.stale_after = 6h;
  policy.catch_up = false;
  policy.force = true;
  policy.prune = true;
  EXPECT_THAT(config.policies, testing::ElementsAre(policy));
}

TEST(Config, LetsAPolicyOverrideTheDefaultsKeyByKey) {
  const auto config = parse(
      "defaults: {every: 10m, jitter: 20%, timeout: 1m, retry: {attempts: 9, first: 5s}, force: true}\n" +
      app + R"(policies:
  - {repo: app, direction: pull, retry: {first: 1s}, force: false, jitter: 0%}
  - {repo: app, direction: push, every: 1m}
)");
  const auto& pull = config.policies[0];
  EXPECT_EQ(pull.schedule, Schedule(Every{10min}));
  EXPECT_EQ(pull.jitter, (Jitter{.fraction = 0, .time = {}}));
  EXPECT_EQ(pull.retry, (RetryRule{.attempts = 9, .first = 1s, .max = 5min}));
  EXPECT_EQ(pull.timeout, 1min);
  EXPECT_FALSE(pull.force);
  const auto& push = config.policies[1];
  EXPECT_EQ(push.schedule, Schedule(Every{1min}));
  EXPECT_DOUBLE_EQ(push.jitter.fraction, 0.2);
  EXPECT_EQ(push.retry, (RetryRule{.attempts = 9, .first = 5s, .max = 5min}));
  EXPECT_TRUE(push.force);
}

TEST(Config, ReadsAdaptiveIntervals) {
  const auto config = parse("defaults: {adaptive: {min: 30s, max: 1h}}\n" + app + R"(policies:
  - {repo: app, direction: pull, name: a}
  - {repo: app, direction: pull, name: b, adaptive: {min: 1m, max: 1d}, ref_globs: {tags: v*}}
  - {repo: app, direction: pull, name: c, every: 5m, ref_globs: {tags: w*}}
)");
  EXPECT_EQ(config.policies[0].schedule, Schedule(Adaptive{.min = 30s, .max = 1h}));
  EXPECT_DOUBLE_EQ(config.policies[0].jitter.fraction, 0.1);
  EXPECT_EQ(config.policies[1].schedule, Schedule(Adaptive{.min = 1min, .max = 24h}));
  EXPECT_EQ(config.policies[2].schedule, Schedule(Every{5min}));
  EXPECT_EQ(describe_schedule(config.policies[1]), "every 1m to 1d");
}

TEST(Config, ReadsCalendarSchedules) {
  const auto config = parse("defaults: {cron: '@daily', timezone: Europe/Zurich}\n" + app + R"(policies:
  - {repo: app, direction: pull, name: a}
  - {repo: app, direction: pull, name: b, timezone: UTC, ref_globs: {tags: v*}}
  - {repo: app, direction: pull, name: c, cron: '*/15 8-18 * * mon-fri', ref_globs: {tags: w*}, jitter: 30s}
  - {repo: app, direction: push, name: d, every: 5m}
)");
  EXPECT_EQ(describe_schedule(config.policies[0]), "cron @daily Europe/Zurich");
  EXPECT_EQ(describe_schedule(config.policies[1]), "cron @daily UTC");
  EXPECT_EQ(describe_schedule(config.policies[2]), "cron */15 8-18 * * mon-fri Europe/Zurich");
  EXPECT_EQ(describe_schedule(config.policies[3]), "every 5m");
  EXPECT_EQ(config.policies[0].jitter, (Jitter{.fraction = 0, .time = {}}))
      << "a percentage has nothing to be of";
  EXPECT_EQ(config.policies[2].jitter, (Jitter{.fraction = 0, .time = 30s}));
  Cron daily;
  CronProblem problem;
  ASSERT_TRUE(parse_cron("0 0 * * *", daily, problem));
  EXPECT_EQ(std::get<CronSchedule>(config.policies[0].schedule).cron, daily);
}

TEST(Config, AllowsPushesToOneUpstreamThatDoNotOverlap) {
  const auto config = parse(R"(
repos:
  a: {upstream: {url: 'https://h.example/x'}}
  b: {upstream: {url: 'https://h.example/x.git'}}
policies:
  - {repo: a, direction: push, ref_globs: {branches: 'a/*'}}
  - {repo: b, direction: push, ref_globs: {branches: 'b/*'}}
)");
  EXPECT_EQ(config.policies.size(), 2U);
}

TEST(Config, FindsRepositoriesByName) {
  auto config = parse("policies: []\nrepos: {c: , a: , b: }\n");
  for (const auto* name : {"a", "b", "c"}) {
    ASSERT_NE(config.repo(name), nullptr) << name;
    EXPECT_EQ(config.repo(name)->name, name);
  }
  EXPECT_EQ(config.repo("d"), nullptr);
  config.repos_by_name.clear();
  EXPECT_EQ(config.repo("b")->name, "b") << "without the index";
}

TEST(Config, FoldersThatALinkMakesTheSameAreAMistake) {
  const TemporaryDirectory folder;
  std::filesystem::create_directory(folder / "real.git");
  std::filesystem::create_symlink(folder / "real.git", folder / "link.git");
  const auto text = "policies: []\nrepos:\n  a: {path: " + (folder / "real.git").string() +
                    "}\n  b: {path: " + (folder / "link.git").string() + "}\n";
  EXPECT_THAT(
      mistakes(text),
      testing::ElementsAre(testing::StartsWith("4:13: repositories 'a' and 'b' lie in the same folder")));
}

TEST(LoadConfig, ReadsAFileAndNamesItInErrors) {
  const TemporaryDirectory folder;
  const auto path = folder / "c.yaml";
  std::ofstream(path) << app << "policies: []\n";
  EXPECT_EQ(load_config(path, {}).file, path);
  std::ofstream(path) << "policies: 1\n";
  try {
    load_config(path, {});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), path.string() + ":1:11: 'policies' must be a list; begin each policy with '- '");
  }
}

TEST(LoadConfig, SaysWhatIsWrongWithTheFileItself) {
  const TemporaryDirectory folder;
  const auto pipe = folder / "pipe.yaml";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& [path, reason] :
       {std::pair{folder / "none.yaml",
                  "cannot be read: No such file or directory; name the configuration with --config"},
        std::pair{folder.path(), "not a regular file; name one with --config"},
        std::pair{pipe, "not a regular file; name one with --config"}}) {
    try {
      load_config(path, {});
      FAIL();
    } catch (const ConfigError& error) {
      EXPECT_EQ(error.what(), path.string() + ": " + reason);
    }
  }
}

TEST(LoadConfig, ReadsTheShippedExamples) {
  const Environment systemd{{"STATE_DIRECTORY", "/var/lib/refsyncd"}};
  EXPECT_TRUE(load_config(examples / "refsyncd.yaml", systemd).policies.empty());
  const auto quickstart = load_config(examples / "quickstart.yaml", {});
  ASSERT_EQ(quickstart.policies.size(), 1U);
  EXPECT_EQ(quickstart.policies[0].globs, RefGlobs::all());
  EXPECT_EQ(quickstart.policies[0].schedule, Schedule(Every{10s}));
  EXPECT_EQ(quickstart.repos[0].upstream->url, examples.parent_path());
  EXPECT_EQ(quickstart.repos[0].upstream->transport, Transport::file);
}

/// The example's text with the lines that are commented out taken in.
std::string uncommented(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string text;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#  ")) line.erase(0, 1);
    if (line == "repos: {}" || line == "policies: []") line.resize(line.find(':') + 1);
    if (line.starts_with("  # ")) line.erase(2, 2);
    text += line + "\n";
  }
  return text;
}

TEST(LoadConfig, ReadsTheExampleWithEveryLineTakenIn) {
  const auto config =
      parse(uncommented(examples / "refsyncd.yaml"), {{"CREDENTIALS_DIRECTORY", "/run/credentials"}});
  const auto plain = parse("policies: []\nservice: {data_dir: /var/lib/refsyncd}\n");
  EXPECT_EQ(config.service, plain.service) << "the example shows the defaults";
  EXPECT_EQ(config.http, plain.http);
  EXPECT_EQ(config.log, plain.log);
  EXPECT_TRUE(config.webhooks.secrets.contains(Forge::github));
  EXPECT_EQ(config.repos.size(), 2U);
  EXPECT_EQ(config.policies.size(), 2U);
}

TEST(LoadConfig, ReadsManyPoliciesInLinearTime) {
  std::string text = "repos:\n";
  constexpr int many = 20'000;
  for (int i = 0; i < many; ++i)
    text +=
        "  r" + std::to_string(i) + ": {upstream: {url: 'https://h.example/r" + std::to_string(i) + "'}}\n";
  text += "policies:\n";
  for (int i = 0; i < many; ++i)
    text += "  - {repo: r" + std::to_string(i) + ", direction: push, every: 5m}\n";
  const auto config = parse(text);
  EXPECT_EQ(config.policies.size(), size_t{many});
  EXPECT_EQ(config.policies.back().name, "r19999-push");
  EXPECT_EQ(config.policies.capacity(), size_t{many}) << "memory is taken once";
}

}  // namespace
}  // namespace refsyncd
