#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <fstream>

#include "config/keys.h"
#include "json_schema.h"
#include "parse.h"

namespace refsyncd {
namespace {

using Json = nlohmann::json;
const std::string folder = std::string(REFSYNCD_SOURCE_DIR) + "/config/";

Json schema() {
  std::ifstream file(folder + "refsyncd.schema.json");
  return Json::parse(file);
}

/// A YAML text as JSON, plain words typed as editors type them.
Json as_json(const YAML::Node& node) {
  if (node.IsNull()) return nullptr;
  if (node.IsSequence()) {
    auto list = Json::array();
    for (const auto& item : node) list.push_back(as_json(item));
    return list;
  }
  if (node.IsMap()) {
    auto object = Json::object();
    for (const auto& entry : node) object[entry.first.Scalar()] = as_json(entry.second);
    return object;
  }
  int number = 0;
  if (node.Tag() == "?" && YAML::convert<int>::decode(node, number)) return number;
  if (node.Tag() == "?" && (node.Scalar() == "true" || node.Scalar() == "false"))
    return node.Scalar() == "true";
  return node.Scalar();
}

struct Mapping {
  const char* name;
  std::string pointer;  ///< where the schema describes it
  ConfigKeys keys;
};
void PrintTo(const Mapping& row, std::ostream* out) { *out << row.name; }
class Schema : public testing::TestWithParam<Mapping> {};

TEST_P(Schema, KnowsTheKeysOfTheReaderWithTheirDescriptions) {
  const auto all = schema();
  const auto& mapping = all.at(Json::json_pointer(GetParam().pointer));
  std::map<std::string, std::string> described;
  for (const auto& [name, property] : mapping.at("properties").items())
    described[name] = property.at("description");
  std::map<std::string, std::string> known;
  for (const auto& key : GetParam().keys) known.emplace(key.name, key.description);
  EXPECT_EQ(described, known);
  EXPECT_EQ(mapping.at("additionalProperties"), false);
}

INSTANTIATE_TEST_SUITE_P(Mappings, Schema,
                         testing::Values(Mapping{"file", "", keys::file},
                                         Mapping{"service", "/definitions/service", keys::service},
                                         Mapping{"http", "/definitions/http", keys::http},
                                         Mapping{"log", "/definitions/log", keys::log},
                                         Mapping{"metrics", "/definitions/metrics", keys::metrics},
                                         Mapping{"api", "/definitions/api", keys::api},
                                         Mapping{"api_token", "/definitions/api_token", keys::api_token},
                                         Mapping{"webhooks", "/definitions/webhooks", keys::webhooks},
                                         Mapping{"forge", "/definitions/forge", keys::forge},
                                         Mapping{"defaults", "/definitions/defaults", keys::rules},
                                         Mapping{"repo", "/definitions/repo", keys::repo},
                                         Mapping{"upstream", "/definitions/upstream", keys::upstream},
                                         Mapping{"auth", "/definitions/auth", keys::auth},
                                         Mapping{"tls", "/definitions/tls", keys::tls},
                                         Mapping{"secret", "/definitions/secret", keys::secret},
                                         Mapping{"policy", "/definitions/policy", keys::policy},
                                         Mapping{"ref_globs", "/definitions/ref_globs", keys::ref_globs},
                                         Mapping{"adaptive", "/definitions/adaptive", keys::adaptive},
                                         Mapping{"retry", "/definitions/retry", keys::retry}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(SchemaDefinitions, AreAllCoveredOrPlainValues) {
  std::set<std::string> mappings;
  const auto all = schema();
  for (const auto& [name, definition] : all.at("definitions").items()) {
    if (definition.contains("properties")) mappings.insert(name);
  }
  EXPECT_THAT(mappings,
              testing::UnorderedElementsAre("service", "http", "log", "metrics", "api", "api_token",
                                            "webhooks", "forge", "defaults", "repo", "upstream", "auth",
                                            "tls", "secret", "policy", "ref_globs", "adaptive", "retry"));
}

TEST(SchemaAndReader, AcceptTheShippedExamples) {
  const JsonSchema schema_of_files(schema());
  for (const auto* name : {"quickstart.yaml", "refsyncd.yaml"}) {
    EXPECT_TRUE(schema_of_files.accepts(as_json(YAML::LoadFile(folder + name)))) << name;
  }
}

struct Sample {
  const char* name;
  std::string text;
  bool good;
};
void PrintTo(const Sample& row, std::ostream* out) { *out << row.name; }
class SchemaAndReaderOn : public testing::TestWithParam<Sample> {};

TEST_P(SchemaAndReaderOn, Agree) {
  const auto& [name, text, good] = GetParam();
  EXPECT_EQ(mistakes(text).empty(), good) << testing::PrintToString(mistakes(text));
  EXPECT_EQ(JsonSchema(schema()).accepts(as_json(YAML::Load(text))), good);
}

std::string policy(const std::string& keys) {
  return app + "policies: [{repo: app, direction: pull, " + keys + "}]\n";
}
std::string auth(const std::string& url, const std::string& keys) {
  return "policies: []\nrepos: {app: {upstream: {url: '" + url + "', auth: {" + keys + "}}}}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Samples, SchemaAndReaderOn,
    testing::Values(
        Sample{"smallest", "policies: []\n", true}, Sample{"no_policies", "http: {}\n", false},
        Sample{"null_sections", "service:\nhttp:\nlog:\nmetrics:\ndefaults:\nrepos:\npolicies: []\n", true},
        Sample{"null_policies", "policies:\n", false},
        Sample{"settings",
               "service: {kind: local, data_dir: /d, org: o, concurrency: 1, per_host: 1000, drain: 0s, "
               "retention: 1w2d3h4m5s6ms, maintenance: auto}\nhttp: {listen: off, socket: /s}\nlog: {level: "
               "error, format: "
               "auto}\nmetrics: {max_policies: 0}\npolicies: []\n",
               true},
        Sample{"mesa_without_credential", "service: {kind: mesa}\npolicies: []\n", false},
        Sample{
            "mesa",
            "service: {kind: mesa, url: 'https://h/v1', credential: {env: KEY}, webhook_secret: {file: /w}, "
            "manage_upstream: true, org: o}\npolicies: []\n",
            true},
        Sample{"api",
               "api: {allow_private: true, tokens: [{name: ci, file: /t, scopes: [read, write, admin]}]}\n"
               "webhooks: {allow_private: true}\npolicies: []\n",
               true},
        Sample{"forges",
               "webhooks: {github: {secret: {file: /g}}, gitlab: {secret: {env: G}}, gitea: {secret: {file: "
               "/t}}, "
               "bitbucket: {secret: {file: /b}}}\npolicies: []\n",
               true},
        Sample{"forge_without_secret", "webhooks: {github: {}}\npolicies: []\n", false},
        Sample{"forge_with_nothing", "webhooks: {github: }\npolicies: []\n", false},
        Sample{"forge_with_inline_secret", "webhooks: {github: {secret: s}}\npolicies: []\n", false},
        Sample{"api_token_without_scopes",
               "api: {tokens: [{name: ci, file: /t, scopes: []}]}\npolicies: []\n", false},
        Sample{"api_scope", "api: {tokens: [{name: ci, file: /t, scopes: [root]}]}\npolicies: []\n", false},
        Sample{"concurrency", "service: {concurrency: 0}\npolicies: []\n", false},
        Sample{"org", "service: {org: A}\npolicies: []\n", false},
        Sample{"drain", "service: {drain: 5}\npolicies: []\n", false},
        Sample{"drain_out_of_order", "service: {drain: 5s1m}\npolicies: []\n", false},
        Sample{"level", "log: {level: loud}\npolicies: []\n", false},
        Sample{"unknown", "what: 1\npolicies: []\n", false},
        Sample{"verify", "policies: []\nrepos: {app: {upstream: {url: /srv/a, verify: connectivity}}}\n",
               true},
        Sample{"verify_otherwise", "policies: []\nrepos: {app: {upstream: {url: /srv/a, verify: none}}}\n",
               false},
        Sample{"max_pack", "policies: []\nrepos: {app: {upstream: {url: /srv/a, max_pack: 500MiB}}}\n", true},
        Sample{"max_pack_unit", "policies: []\nrepos: {app: {upstream: {url: /srv/a, max_pack: 5GB}}}\n",
               false},
        Sample{"max_pack_number", "policies: []\nrepos: {app: {upstream: {url: /srv/a, max_pack: 5}}}\n",
               false},
        Sample{"repo_without_upstream", "repos: {app: , b: {}}\npolicies: []\n", true},
        Sample{"repo_name", "repos: {a.lock: }\npolicies: []\n", false},
        Sample{"long_repo_name", "repos: {" + std::string(64, 'a') + ": }\npolicies: []\n", false},
        Sample{"token", auth("https://h/a", "token: {file: /t}, username: u"), true},
        Sample{"inline_token", auth("https://h/a", "token: t"), false},
        Sample{"token_twice", auth("https://h/a", "token: {file: /t, env: T}"), false},
        Sample{"token_nowhere", auth("https://h/a", "token: {}"), false},
        Sample{"bearer", auth("https://h/a", "bearer: {file: /t}"), true},
        Sample{"bearer_and_username", auth("https://h/a", "bearer: {file: /t}, username: u"), false},
        Sample{"bearer_and_token", auth("https://h/a", "bearer: {file: /t}, token: {file: /t}"), false},
        Sample{"bearer_and_password", auth("https://h/a", "bearer: {env: B}, password: {env: P}"), false},
        Sample{"bearer_and_ssh_key", auth("git@h:a", "bearer: {env: B}, ssh_key: {file: /k}"), false},
        Sample{"inline_bearer", auth("https://h/a", "bearer: t"), false},
        Sample{"password", auth("https://h/a", "username: u, password: {env: P}"), true},
        Sample{"password_alone", auth("https://h/a", "password: {env: P}"), false},
        Sample{"both", auth("https://h/a", "username: u, token: {env: T}, password: {env: P}"), false},
        Sample{"username_alone", auth("https://h/a", "username: u"), false},
        Sample{"ssh_key", auth("git@h:a", "ssh_key: {file: /k}, known_hosts: /h"), true},
        Sample{"ssh_key_env", auth("git@h:a", "ssh_key: {env: K}"), false},
        Sample{"known_hosts_alone", auth("git@h:a", "known_hosts: /h"), false},
        Sample{"plaintext_for_ssh", auth("git@h:a", "ssh_key: {file: /k}, allow_plaintext: true"), false},
        Sample{"policy",
               policy("ref_globs: {branches: main, tags: [a, b]}, exclude: {tags: c}, every: 1m, jitter: "
                      "2.5%, catch_up: false"),
               true},
        Sample{"cron", policy("cron: '@hourly', timezone: UTC, jitter: 1m30s"), true},
        Sample{"every_and_cron", policy("cron: '@hourly', every: 1m"), false},
        Sample{"adaptive", policy("adaptive: {min: 30s, max: 1h}, jitter: 5%"), true},
        Sample{"adaptive_without_max", policy("adaptive: {min: 30s}"), false},
        Sample{"adaptive_with_more", policy("adaptive: {min: 30s, max: 1h, mean: 1m}"), false},
        Sample{"adaptive_as_a_duration", policy("adaptive: 5m"), false},
        Sample{"every_and_adaptive", policy("every: 1m, adaptive: {min: 1m, max: 1h}"), false},
        Sample{"cron_and_adaptive", policy("cron: '@daily', adaptive: {min: 1m, max: 1h}"), false},
        Sample{"defaults_adaptive", "defaults: {adaptive: {min: 1m, max: 1h}}\npolicies: []\n", true},
        Sample{"no_repo", "policies: [{direction: pull}]\n", false},
        Sample{"no_direction", app + "policies: [{repo: app}]\n", false},
        Sample{"direction", app + "policies: [{repo: app, direction: both}]\n", false},
        Sample{"empty_globs", policy("ref_globs: {}"), false},
        Sample{"empty_glob_list", policy("ref_globs: {tags: []}"), false},
        Sample{"empty_glob", policy("ref_globs: {tags: ''}"), false},
        Sample{"jitter", policy("jitter: 10"), false},
        Sample{"retry", policy("retry: {attempts: 3, first: 1s, max: 2s}"), true},
        Sample{"attempts", policy("retry: {attempts: 101}"), false},
        Sample{"boolean", policy("force: 'true'"), false},
        Sample{"defaults", "defaults: {every: 1m, force: true}\npolicies: []\n", true},
        Sample{"defaults_both", "defaults: {every: 1m, cron: '@daily'}\npolicies: []\n", false}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace refsyncd
