#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parse.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;

struct Row {
  const char* name;
  std::string text;
  std::string mistake;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class ConfigMistake : public testing::TestWithParam<Row> {};

TEST_P(ConfigMistake, IsReportedWithItsPlaceAndARemedy) {
  EXPECT_THAT(mistakes(GetParam().text, {{"EMPTY", ""}, {"BELL", "\a"}}), ElementsAre(GetParam().mistake));
}

std::string row_name(const testing::TestParamInfo<Row>& row) { return row.param.name; }

std::string policy(const std::string& keys) {
  return app + "policies:\n  - {repo: app, direction: pull, " + keys + "}\n";
}
std::string upstream(const std::string& keys) {
  return "policies: []\nrepos:\n  app:\n    upstream: {" + keys + "}\n";
}
std::string auth(const std::string& url, const std::string& keys) {
  return upstream("url: '" + url + "', auth: {" + keys + "}");
}
const std::string https = "https://h.example/app";

INSTANTIATE_TEST_SUITE_P(
    File, ConfigMistake,
    testing::Values(
        Row{"no_policies", "service: {}\n",
            "1:1: 'policies' is missing; list what to sync, or write 'policies: []' for an agent that only "
            "answers requests"},
        Row{"list_at_the_top", "- a\n- b\n",
            "1:1: the file must be a mapping that begins with a key such as 'policies:'"},
        Row{"unknown_section", "policys: []\npolicies: []\n",
            "1:1: unknown key 'policys'; did you mean 'policies'?"},
        Row{"nothing_near", "policies: []\nbananas: 1\n",
            "2:1: unknown key 'bananas'; the file may have service, http, log, metrics, api, webhooks, "
            "defaults, repos, policies"},
        Row{"duplicate_section", "policies: []\nhttp: {}\nhttp: {}\n",
            "3:1: 'http' stands here a second time; the first is in line 2"},
        Row{"merge_key", "policies: []\nhttp: &h {}\nlog: {<<: *h}\n",
            "3:7: merge keys ('<<') are not supported; repeat the keys, or set them once under 'defaults'"},
        Row{"key_is_no_word", "policies: []\n? [a]\n: 1\n", "2:3: a key must be a word"},
        Row{"section_is_a_value", "policies: []\nhttp: 9480\n",
            "2:7: http must be a mapping ('key: value' lines), not a single value"},
        Row{"policies_is_a_map", "policies: {a: 1}\n",
            "1:11: 'policies' must be a list; begin each policy with '- '"},
        Row{"repos_is_a_list", "policies: []\nrepos: [app]\n",
            "2:8: 'repos' must be a mapping of names; write repos: {app: {upstream: {url: URL}}}"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Settings, ConfigMistake,
    testing::Values(
        Row{"mesa_without_credential", "policies: []\nservice: {kind: mesa}\n",
            "2:17: kind: mesa needs a credential; write credential: {file: PATH} beside it"},
        Row{"mesa_inline_credential", "policies: []\nservice: {kind: mesa, credential: abc}\n",
            "2:35: 'credential' is a secret and must not stand in this file; write credential: {file: PATH} "
            "or credential: {env: NAME}"},
        Row{"mesa_over_http",
            "policies: []\nservice: {kind: mesa, credential: {env: KEY}, url: 'http://h.example/v1'}\n",
            "2:52: the credential could be read by anybody on the way; write an https URL"},
        Row{"mesa_over_ssh",
            "policies: []\nservice: {kind: mesa, credential: {env: KEY}, url: 'ssh://h.example/v1'}\n",
            "2:52: the API is reached by https; write a URL such as https://api.mesa.dev/v1"},
        Row{"credential_of_local", "policies: []\nservice: {credential: {env: KEY}}\n",
            "2:11: 'credential' has a meaning with kind: mesa only; remove it"},
        Row{"concurrency_of_mesa",
            "policies: []\nservice: {kind: mesa, credential: {env: KEY}, concurrency: 3}\n",
            "2:47: 'concurrency' has a meaning with kind: local only; remove it"},
        Row{"api_of_mesa", "policies: []\nservice: {kind: mesa, credential: {env: KEY}}\napi: {}\n",
            "3:1: 'api' is about the API that kind: local serves; remove it"},
        Row{"webhook_targets_of_mesa",
            "policies: []\nservice: {kind: mesa, credential: {env: KEY}}\nwebhooks: {allow_private: true}\n",
            "3:12: 'allow_private' is about the API that kind: local serves; remove it"},
        Row{"forge_without_secret", "policies: []\nwebhooks: {github: {}}\n",
            "2:20: 'github' needs the 'secret' of its webhooks; write github: {secret: {file: PATH}}"},
        Row{"forge_with_inline_secret", "policies: []\nwebhooks: {gitlab: {secret: s}}\n",
            "2:29: 'secret' is a secret and must not stand in this file; write secret: {file: PATH} or "
            "secret: {env: "
            "NAME}"},
        Row{"unknown_forge", "policies: []\nwebhooks: {gitub: {secret: {file: /s}}}\n",
            "2:12: unknown key 'gitub'; did you mean 'github'?"},
        Row{"exclude_of_mesa",
            "repos: {app: }\nservice: {kind: mesa, credential: {env: KEY}}\n"
            "policies: [{repo: app, direction: pull, exclude: {tags: a}}]\n",
            "3:41: 'exclude' works with kind: local only; remove it"},
        Row{"path_of_mesa",
            "repos: {app: {path: /srv/a.git}}\nservice: {kind: mesa, credential: {env: KEY}}\npolicies: []\n",
            "1:15: 'path' works with kind: local only; remove it"},
        Row{"bearer_of_mesa",
            "repos: {app: {upstream: {url: 'https://h/a', auth: {bearer: {env: B}}}}}\n"
            "service: {kind: mesa, credential: {env: KEY}}\npolicies: []\n",
            "1:25: 'bearer' works with kind: local only; remove it"},
        Row{"max_pack_of_mesa",
            "repos: {app: {upstream: {url: 'https://h/a', max_pack: 1GiB}}}\n"
            "service: {kind: mesa, credential: {env: KEY}}\npolicies: []\n",
            "1:25: 'max_pack' works with kind: local only; remove it"},
        Row{"api_token_without_name", "policies: []\napi: {tokens: [{file: /t, scopes: [read]}]}\n",
            "2:16: an API token needs a 'name', for the log"},
        Row{"api_token_without_scopes", "policies: []\napi: {tokens: [{name: ci, file: /t}]}\n",
            "2:16: an API token needs 'scopes', a list of read, write, admin; write scopes: [read]"},
        Row{"api_scope", "policies: []\napi: {tokens: [{name: ci, file: /t, scopes: [all]}]}\n",
            "2:46: a scope is one of read, write, admin"},
        Row{"api_token_twice",
            "policies: []\napi:\n  tokens:\n  - {name: ci, file: /t, scopes: [read]}\n"
            "  - {name: ci, file: /u, scopes: [read]}\n",
            "5:5: the token name 'ci' stands here a second time"},
        Row{"kind", "policies: []\nservice: {kind: remote}\n",
            "2:17: 'kind' cannot be 'remote'; write local, mesa"},
        Row{"org", "policies: []\nservice: {org: Acme}\n",
            "2:16: 'Acme' is no 'org': use lower-case letters, digits, '.', '_' and '-'"},
        Row{"concurrency", "policies: []\nservice: {concurrency: 0}\n",
            "2:24: '0' is not a number 'concurrency' can have; write 1 to 1000"},
        Row{"count_is_a_fraction", "policies: []\nservice: {per_host: 1.5}\n",
            "2:21: '1.5' is not a number 'per_host' can have; write 1 to 1000"},
        Row{"drain", "policies: []\nservice: {drain: 2d}\n", "2:18: 'drain' cannot be 2d; write 0s to 1d"},
        Row{"retention_without_unit", "policies: []\nservice: {retention: 30}\n",
            "2:22: '30' is not a duration; write 30s, 15m or 1h30m"},
        Row{"tilde", "policies: []\nservice: {data_dir: ~/state}\n",
            "2:21: '~' is not expanded in 'data_dir'; write ${HOME} instead"},
        Row{"no_value", "policies: []\nservice:\n  data_dir:\n  org: a\n",
            "3:3: 'data_dir' has no value; write one or remove the key"},
        Row{"empty_value", "policies: []\nservice: {data_dir: ''}\n",
            "2:21: 'data_dir' is empty; write a value or remove the key"},
        Row{"list_for_a_value", "policies: []\nservice: {data_dir: [a]}\n",
            "2:21: 'data_dir' must be a single value, not a list"},
        Row{"map_for_a_value", "policies: []\nservice: {data_dir: {a: b}}\n",
            "2:21: 'data_dir' must be a single value, not a mapping"},
        Row{"unset_variable", "policies: []\nservice: {data_dir: '/a/${NO_SUCH}'}\n",
            "2:25: the environment variable NO_SUCH is not set; set it, or write the value here"},
        Row{"broken_variable", "policies: []\nservice:\n  data_dir: /a/${\n",
            "3:16: '${' begins a variable: write ${NAME}, or $${ for the characters themselves"},
        Row{"variable_with_default", "policies: []\nservice:\n  data_dir: ${X:-y}\n",
            "3:13: '${' begins a variable: write ${NAME}, or $${ for the characters themselves"},
        Row{"empty_variable", "policies: []\nservice:\n  data_dir: ${EMPTY}\n",
            "3:13: 'data_dir' is empty; write a value or remove the key"},
        Row{"control_character", "policies: []\nservice:\n  data_dir: /a${BELL}\n",
            "3:13: 'data_dir' holds a control character; remove it"},
        Row{"listen_without_port", "policies: []\nhttp: {listen: localhost}\n",
            "2:16: 'localhost' is no address to listen on: the port is missing; write 127.0.0.1:9480, or "
            ":9480 for all addresses"},
        Row{"listen_port", "policies: []\nhttp: {listen: '127.0.0.1:70000'}\n",
            "2:16: '127.0.0.1:70000' is no address to listen on: the port is no number from 0 to 65535; "
            "write 127.0.0.1:9480"},
        Row{"listen_host", "policies: []\nhttp: {listen: '::1:80'}\n",
            "2:16: '::1:80' is no address to listen on: the host is no address; write an IPv4 address, an "
            "IPv6 address in brackets ([::1]), localhost, or nothing for all addresses"},
        Row{"socket_too_long", "policies: []\nhttp: {socket: /" + std::string(107, 'a') + "}\n",
            "2:16: the path of the control socket has 108 bytes, 107 are the most (/" +
                std::string(107, 'a') + "); write a shorter one under http: {socket: PATH}"},
        Row{"default_socket_too_long", "policies: []\nservice: {data_dir: /" + std::string(95, 'a') + "}\n",
            "1:1: the path of the control socket has 109 bytes, 107 are the most (/" + std::string(95, 'a') +
                "/control.sock); write a shorter one under http: {socket: PATH}"},
        Row{"log_level", "policies: []\nlog: {level: warn}\n",
            "2:14: 'level' cannot be 'warn'; write trace, debug, info, warning, error"},
        Row{"log_format", "policies: []\nlog: {format: xml}\n",
            "2:15: 'format' cannot be 'xml'; write auto, text, json, journal"},
        Row{"max_policies", "policies: []\nmetrics: {max_policies: many}\n",
            "2:25: 'many' is not a number 'max_policies' can have; write 0 to 1000000"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Repos, ConfigMistake,
    testing::Values(
        Row{"name_in_capitals", "policies: []\nrepos: {App: }\n",
            "2:9: 'App' is no repository name: use lower-case letters, digits, '.', '_' and '-'"},
        Row{"name_begins_with_dash", "policies: []\nrepos: {-app: }\n",
            "2:9: '-app' is no repository name: begin with a letter or digit"},
        Row{"name_climbs", "policies: []\nrepos: {a..b: }\n",
            "2:9: 'a..b' is no repository name: '..' is not allowed"},
        Row{"name_ends_in_git", "policies: []\nrepos: {app.git: }\n",
            "2:9: 'app.git' is no repository name: it must not end in '.git'"},
        Row{"name_ends_in_lock", "policies: []\nrepos: {app.lock: }\n",
            "2:9: 'app.lock' is no repository name: it must not end in '.lock'"},
        Row{"name_ends_in_dot", "policies: []\nrepos: {app.: }\n",
            "2:9: 'app.' is no repository name: it must not end in '.'"},
        Row{"name_too_long", "policies: []\nrepos: {" + std::string(64, 'a') + ": }\n",
            "2:9: '" + std::string(64, 'a') +
                "' is no repository name: it has 64 characters, 63 are the most"},
        Row{"name_empty", "policies: []\nrepos: {'': }\n", "2:9: '' is no repository name: it is empty"},
        Row{"name_is_a_list", "policies: []\nrepos: {[a]: }\n", "2:9: a repository's name must be a word"},
        Row{"twice", "policies: []\nrepos:\n  app:\n  app:\n",
            "4:3: repository 'app' stands here a second time; the first is in line 3"},
        Row{"same_path", "policies: []\nrepos:\n  a: {path: /srv/x.git}\n  b: {path: /srv/./x.git/}\n",
            "4:13: repositories 'a' and 'b' lie in the same folder; give each its own 'path'"},
        Row{"path_of_a_managed_one",
            "policies: []\nservice: {data_dir: /d}\nrepos:\n  a:\n  b: {path: /d/repos/local/a.git}\n",
            "5:13: repositories 'a' and 'b' lie in the same folder; give each its own 'path'"},
        Row{"upstream_is_a_url", "policies: []\nrepos: {app: {upstream: 'https://h/app'}}\n",
            "2:25: 'upstream' must be a mapping; write upstream: {url: URL}"},
        Row{"upstream_without_url", "policies: []\nrepos: {app: {upstream: {}}}\n",
            "2:15: 'upstream' needs a 'url', such as https://git.example.com/team/app.git"},
        Row{"url", upstream("url: 'ext::sh -c id'"),
            "4:21: remote helpers ('name::address') are not supported; write an https, http, ssh or file "
            "URL"},
        Row{"own_upstream", "policies: []\nrepos: {app: {path: /srv/a, upstream: {url: /srv/a}}}\n",
            "2:45: the upstream is the repository itself; write another path"},
        Row{"tls_without_https", upstream("url: 'http://h.example/app', tls: {ca_file: a.pem}"),
            "4:45: 'tls' needs an https URL; remove it or change the URL"},
        Row{"verify", upstream("url: '" + https + "', verify: none"),
            "4:54: 'verify' cannot be 'none'; write fsck, connectivity"},
        Row{"max_pack", upstream("url: '" + https + "', max_pack: 2GB"),
            "4:56: '2GB' is not a size; write 512MiB, 2GiB or 1TiB"},
        Row{"max_pack_without_unit", upstream("url: '" + https + "', max_pack: 1000"),
            "4:56: '1000' is not a size; write 512MiB, 2GiB or 1TiB"},
        Row{"max_pack_too_small", upstream("url: '" + https + "', max_pack: 1023KiB"),
            "4:56: 'max_pack' cannot be 1023KiB; write 1MiB to 16TiB"},
        Row{"max_pack_too_large", upstream("url: '" + https + "', max_pack: 17TiB"),
            "4:56: 'max_pack' cannot be 17TiB; write 1MiB to 16TiB"},
        Row{"unknown_in_tls", upstream("url: '" + https + "', tls: {cafile: a.pem}"),
            "4:52: unknown key 'cafile'; did you mean 'ca_file'?"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Auth, ConfigMistake,
    testing::Values(
        Row{"inline_token", auth(https, "token: s3cr3t"),
            "4:60: 'token' is a secret and must not stand in this file; write token: {file: PATH} or token: "
            "{env: NAME}"},
        Row{"inline_password", auth(https, "username: u, password: s3cr3t"),
            "4:76: 'password' is a secret and must not stand in this file; write password: {file: PATH} or "
            "password: {env: NAME}"},
        Row{"auth_is_the_token", upstream("url: '" + https + "', auth: s3cr3t"),
            "4:52: 'auth' must be one of {token: {file: PATH}}, {bearer: {file: PATH}}, {username: NAME, "
            "password: "
            "{file: PATH}} or {ssh_key: {file: PATH}}"},
        Row{"no_credential", auth(https, "username: u"),
            "4:52: 'auth' holds no credential; write one of {token: {file: PATH}}, {bearer: {file: "
            "PATH}}, {username: NAME, password: {file: PATH}} or {ssh_key: {file: PATH}}"},
        Row{"file_and_env", auth(https, "token: {file: a, env: B}"),
            "4:60: 'token' needs either 'file' or 'env'; write token: {file: PATH}"},
        Row{"neither_file_nor_env", auth(https, "token: {}"),
            "4:60: 'token' needs either 'file' or 'env'; write token: {file: PATH}"},
        Row{"env_is_no_name", auth(https, "token: {env: $TOKEN}"),
            "4:66: 'env' must be the name of an environment variable, such as GITHUB_TOKEN"},
        Row{"token_and_password", auth(https, "token: {env: A}, password: {env: B}"),
            "4:70: 'password' does not go with 'token'; write one of {token: {file: PATH}}, {bearer: {file: "
            "PATH}}, {username: NAME, password: {file: PATH}} or {ssh_key: {file: PATH}}"},
        Row{"bearer_and_username", auth(https, "username: u, bearer: {env: A}"),
            "4:53: 'username' does not go with 'bearer'; write one of {token: {file: PATH}}, {bearer: {file: "
            "PATH}}, {username: NAME, password: {file: PATH}} or {ssh_key: {file: PATH}}"},
        Row{"token_and_bearer", auth(https, "token: {env: A}, bearer: {env: B}"),
            "4:70: 'bearer' does not go with 'token'; write one of {token: {file: PATH}}, {bearer: {file: "
            "PATH}}, {username: NAME, password: {file: PATH}} or {ssh_key: {file: PATH}}"},
        Row{"inline_bearer", auth(https, "bearer: s3cr3t"),
            "4:61: 'bearer' is a secret and must not stand in this file; write bearer: {file: PATH} or "
            "bearer: {env: NAME}"},
        Row{"misspelt_bearer", auth(https, "token: {env: A}, bearr: {env: B}"),
            "4:70: unknown key 'bearr'; did you mean 'bearer'?"},
        Row{"bearer_for_ssh", auth("ssh://git@h.example/app", "bearer: {env: A}"),
            "4:54: a token or password needs an https URL; for ssh write auth: {ssh_key: {file: PATH}}"},
        Row{"bearer_over_plain_http", auth("http://h.example/app", "bearer: {env: A}"),
            "4:51: credentials over http can be read by anybody on the way; write an https URL, or "
            "allow_plaintext: true under 'auth' to accept that"},
        Row{"password_without_username", auth(https, "password: {env: B}"),
            "4:53: 'password' needs a 'username' beside it"},
        Row{"username_with_colon", auth(https, "username: 'a:b', token: {env: B}"),
            "4:63: 'username' must be one or more characters without ':' and control characters"},
        Row{"ssh_key_for_https", auth(https, "ssh_key: {file: /k}"),
            "4:52: 'ssh_key' needs an ssh URL; for https write auth: {token: {file: PATH}}"},
        Row{"token_for_ssh", auth("ssh://git@h.example/app", "token: {env: A}"),
            "4:54: a token or password needs an https URL; for ssh write auth: {ssh_key: {file: PATH}}"},
        Row{"auth_for_file", auth("/srv/app.git", "token: {env: A}"),
            "4:43: a file upstream takes no 'auth'; remove it"},
        Row{"ssh_key_from_env", auth("git@h.example:app", "ssh_key: {env: KEY}"),
            "4:58: an SSH key must be a file; write ssh_key: {file: PATH}"},
        Row{"known_hosts_alone", auth("git@h.example:app", "known_hosts: /k"),
            "4:49: 'known_hosts' needs an 'ssh_key' beside it"},
        Row{"plain_http", auth("http://h.example/app", "token: {env: A}"),
            "4:51: credentials over http can be read by anybody on the way; write an https URL, or "
            "allow_plaintext: true under 'auth' to accept that"},
        Row{"plain_http_not_really_allowed",
            auth("http://h.example/app", "token: {env: A}, allow_plaintext: false"),
            "4:51: credentials over http can be read by anybody on the way; write an https URL, or "
            "allow_plaintext: true under 'auth' to accept that"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Policies, ConfigMistake,
    testing::Values(
        Row{"not_a_map", app + "policies: [app]\n",
            "2:12: a policy must be a mapping; write - {repo: NAME, direction: pull, every: 5m}"},
        Row{"no_repo", app + "policies:\n  - direction: pull\n",
            "3:5: a policy needs a 'repo': a name that stands under 'repos'"},
        Row{"unknown_repo", app + "policies: [{repo: ap, direction: pull}]\n",
            "2:19: no repository 'ap' stands under 'repos'; did you mean 'app'?"},
        Row{"unknown_repo_nothing_near", app + "policies: [{repo: backend, direction: pull}]\n",
            "2:19: no repository 'backend' stands under 'repos'; add it there"},
        Row{"repo_without_upstream", "repos: {app: }\npolicies: [{repo: app, direction: pull}]\n",
            "2:19: repository 'app' has no 'upstream' to sync with; add one under 'repos'"},
        Row{"no_direction", app + "policies:\n  - repo: app\n",
            "3:5: a policy needs a 'direction': pull (from the upstream) or push (to it)"},
        Row{"direction", app + "policies: [{repo: app, direction: fetch}]\n",
            "2:35: 'direction' cannot be 'fetch'; write pull, push"},
        Row{"name", policy("name: a/b"),
            "3:40: 'a/b' is no 'name': use lower-case letters, digits, '.', '_' and '-'"},
        Row{"name_taken", policy("name: a") + "  - {repo: app, direction: push, name: a}\n",
            "4:40: the policy name 'a' is taken by line 3; choose another"},
        Row{"default_name_taken", policy("") + "  - {repo: app, direction: pull, ref_globs: {tags: v*}}\n",
            "4:5: without a 'name' this policy is 'app-pull', and so is line 3; give it a 'name'"},
        Row{"default_name_too_long",
            "repos: {" + std::string(60, 'a') + ": {upstream: {url: /u}}}\npolicies: [{repo: " +
                std::string(60, 'a') + ", direction: pull}]\n",
            "2:19: the default name '" + std::string(60, 'a') +
                "-pull' is no policy name: it has 65 characters, 63 are the most; give the policy a 'name'"},
        Row{"same_work",
            policy("ref_globs: {branches: [a, b]}") +
                "  - {repo: app, direction: pull, name: x, every: 1h, ref_globs: {branches: [b, a]}}\n",
            "4:5: this policy does the same work as 'app-pull' in line 3; remove one of them"},
        Row{"globs_are_a_list", policy("ref_globs: [main]"),
            "3:45: 'ref_globs' must be a mapping; write ref_globs: {branches: GLOB, tags: GLOB}"},
        Row{"globs_without_either", policy("ref_globs: {}"),
            "3:45: 'ref_globs' needs 'branches' or 'tags'; write them, or remove 'ref_globs'"},
        Row{"exclude_without_either", policy("exclude: {}"),
            "3:43: 'exclude' needs 'branches' or 'tags'; write them, or remove 'exclude'"},
        Row{"globs_typo", policy("ref_globs: {brnaches: main, tags: v*}"),
            "3:46: unknown key 'brnaches'; did you mean 'branches'?"},
        Row{"glob", policy("ref_globs: {branches: 'feature?'}"),
            "3:56: the glob 'feature?' holds '?'; only '*' is special, and it also matches '/'"},
        Row{"glob_in_a_list", policy("ref_globs: {branches: [main, refs/heads/x]}"),
            "3:63: the glob 'refs/heads/x' must not start with refs/; write the branch or tag name alone"},
        Row{"glob_is_a_list", policy("ref_globs: {branches: [[main]]}"),
            "3:57: a glob under 'branches' must be a single value"},
        Row{"no_globs", policy("ref_globs: {branches: []}"),
            "3:56: 'branches' is an empty list; write globs, or leave the key out to match nothing"},
        Row{"empty_glob", policy("ref_globs: {branches: ''}"),
            "3:56: the glob '' is empty; leave the key out to match nothing"},
        Row{"unknown_key", policy("jiter: 10%"), "3:34: unknown key 'jiter'; did you mean 'jitter'?"},
        Row{"duplicate_key", policy("direction: pull"),
            "3:34: 'direction' stands here a second time; the first is in line 3"},
        Row{"pushes_that_overlap",
            "repos:\n  a: {upstream: {url: 'https://h.example/x.git'}}\n  b: {upstream: {url: "
            "'git@h.example:x'}}\npolicies:\n  - {repo: a, direction: push, ref_globs: {branches: "
            "'team/*'}}\n  - {repo: b, direction: push, ref_globs: {branches: '*/main'}}\n",
            "6:5: this policy pushes refs to the same upstream as 'a-push' in line 5, from another "
            "repository; give them globs that do not overlap"}),
    row_name);

INSTANTIATE_TEST_SUITE_P(
    Rules, ConfigMistake,
    testing::Values(
        Row{"duration", policy("every: soon"), "3:41: 'soon' is not a duration; write 30s, 15m or 1h30m"},
        Row{"too_often", policy("every: 10ms"), "3:41: 'every' cannot be 10ms; write 1s to 366d"},
        Row{"every_and_cron", policy("every: 5m, cron: '@daily'"),
            "3:45: 'every' and 'cron' exclude each other; keep one"},
        Row{"cron_and_every", policy("cron: '@daily', every: 5m"),
            "3:50: 'every' and 'cron' exclude each other; keep one"},
        Row{"cron", policy("cron: '61 * * * *'"),
            "3:41: 'cron': '61' is not a minute; write 0-59, a list, a range or a step"},
        Row{"cron_later_field", policy("cron: 0 0 * * someday"),
            "3:48: 'cron': 'someday' is not a day of the week; write 0-7 or sun-sat, a list, a range or a "
            "step"},
        Row{"cron_fields", policy("cron: 0 0 * *"),
            "3:47: 'cron': expected five fields: minute hour day-of-month month day-of-week"},
        Row{"cron_never", policy("cron: 0 0 31 2 *"),
            "3:44: 'cron': is never due: no 31 of month 2 exists; write a day that the month has"},
        Row{"timezone_unknown", policy("cron: '@daily', timezone: Mars/Olympus"),
            "3:60: 'Mars/Olympus' is no known time zone; write a name such as Europe/Zurich or UTC"},
        Row{"timezone_without_cron", policy("timezone: UTC"),
            "3:34: 'timezone' has no effect on 'every'; remove it or write 'cron'"},
        Row{"percentage_with_cron", policy("cron: '@daily', jitter: 10%"),
            "3:58: a percentage needs an interval and 'cron' has none; write a duration such as 30s"},
        Row{"jitter", policy("jitter: some"),
            "3:42: 'some' is no jitter; write a percentage from 0% to 100%, or a duration up to 1d such as "
            "30s"},
        Row{"jitter_above_all", policy("jitter: 101%"),
            "3:42: '101%' is no jitter; write a percentage from 0% to 100%, or a duration up to 1d such as "
            "30s"},
        Row{"jitter_below_zero", policy("jitter: -1%"),
            "3:42: '-1%' is no jitter; write a percentage from 0% to 100%, or a duration up to 1d such as "
            "30s"},
        Row{"jitter_not_a_number", policy("jitter: nan%"),
            "3:42: 'nan%' is no jitter; write a percentage from 0% to 100%, or a duration up to 1d such as "
            "30s"},
        Row{"jitter_longer_than_interval", policy("every: 1m, jitter: 1m"),
            "3:53: the jitter (1m) must be shorter than the interval (1m)"},
        Row{"interval_shorter_than_default_jitter", "defaults: {jitter: 1m}\n" + policy("every: 30s"),
            "4:41: the jitter (1m) must be shorter than the interval (30s)"},
        Row{"stale_too_soon", policy("every: 1h, stale_after: 30m"),
            "3:58: 'stale_after' (30m) must be longer than the interval (1h), or readiness fails between two "
            "runs; write 3h or more"},
        Row{"adaptive_without_max", policy("adaptive: {min: 1m}"),
            "3:44: 'adaptive' needs 'min' and 'max'; write adaptive: {min: 1m, max: 1h}"},
        Row{"adaptive_backwards", policy("adaptive: {min: 1h, max: 1m}"),
            "3:59: the longest interval 'max' (1m) is shorter than the shortest (1h)"},
        Row{"every_and_adaptive", policy("every: 5m, adaptive: {min: 1m, max: 1h}"),
            "3:45: 'every' and 'adaptive' exclude each other; keep one"},
        Row{"adaptive_and_cron_in_the_defaults",
            "defaults: {adaptive: {min: 1m, max: 1h}, cron: '@daily'}\npolicies: []\n",
            "1:42: 'cron' and 'adaptive' exclude each other; keep one"},
        Row{"timezone_of_adaptive", policy("adaptive: {min: 1m, max: 1h}, timezone: UTC"),
            "3:64: 'timezone' has no effect on 'adaptive'; remove it or write 'cron'"},
        Row{"jitter_longer_than_shortest_interval", policy("adaptive: {min: 30s, max: 1h}, jitter: 30s"),
            "3:73: the jitter (30s) must be shorter than the interval (30s)"},
        Row{"stale_before_longest_interval", policy("adaptive: {min: 1m, max: 1h}, stale_after: 1h"),
            "3:77: 'stale_after' (1h) must be longer than the interval (1h), or readiness fails between two "
            "runs; write 3h or more"},
        Row{"attempts", policy("retry: {attempts: 0}"),
            "3:52: '0' is not a number 'attempts' can have; write 1 to 100"},
        Row{"retry_backwards", policy("retry: {first: 1m, max: 10s}"),
            "3:58: the longest wait 'max' (10s) is shorter than the first (1m)"},
        Row{"first_above_default_max", policy("retry: {first: 10m}"),
            "3:49: the longest wait 'max' (5m) is shorter than the first (10m)"},
        Row{"retry_is_a_number", policy("retry: 5"),
            "3:41: retry must be a mapping ('key: value' lines), not a single value"},
        Row{"timeout", policy("timeout: 0s"), "3:43: 'timeout' cannot be 0s; write 1s to 7d"},
        Row{"yes_is_no_boolean", policy("force: yes"), "3:41: 'force' must be true or false, not 'yes'"},
        Row{"quoted_boolean", policy("prune: 'true'"), "3:41: 'prune' must be true or false, not 'true'"},
        Row{"in_the_defaults", "defaults: {every: 0s}\n" + app + "policies: [{repo: app, direction: pull}]\n",
            "1:19: 'every' cannot be 0s; write 1s to 366d"},
        Row{"defaults_know_no_repo", "defaults: {repo: app}\n" + app + "policies: []\n",
            "1:12: unknown key 'repo'; defaults may have every, adaptive, cron, timezone, jitter, timeout, "
            "retry, "
            "stale_after, catch_up, force, prune"}),
    row_name);

TEST(ConfigMistakes, AreAllReportedAtOnceInTheOrderOfTheFile) {
  const auto text = "http: {listen: nowhere}\n" + app +
                    "policies:\n"
                    "  - {repo: ap, direction: pul, every: soon, brnaches: x}\n"
                    "  - {repo: app, direction: pull, timeout: never}\n"
                    "log: {level: loud}\n";
  EXPECT_THAT(
      mistakes(text),
      ElementsAre(testing::StartsWith("1:16: 'nowhere' is no address"),
                  testing::StartsWith("4:12: no repository"), testing::StartsWith("4:27: 'direction'"),
                  testing::StartsWith("4:39: 'soon'"), testing::StartsWith("4:45: unknown key"),
                  testing::StartsWith("5:43: 'never'"), testing::StartsWith("6:14: 'level'")));
}

TEST(ConfigMistakes, AreReportedOnceWhenAnAliasRepeatsThem) {
  const auto text = app + "policies:\n  - &p {repo: app, direction: pull, every: soon}\n  - *p\n";
  EXPECT_THAT(mistakes(text),
              ElementsAre(testing::StartsWith("3:5: without a 'name'"), testing::StartsWith("3:44: 'soon'")));
}

TEST(ConfigMistakes, StandOneALineWithTheFilesName) {
  try {
    parse("policies: []\nlog: {level: loud}\nhttp: 1\n");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(
        error.what(),
        "/etc/refsyncd/config.yaml:2:14: 'level' cannot be 'loud'; write trace, debug, info, warning, error\n"
        "/etc/refsyncd/config.yaml:3:7: http must be a mapping ('key: value' lines), not a single value");
  }
}

TEST(ConfigMistakes, AreCountedPastAThousand) {
  std::string text = "policies:\n";
  for (int i = 0; i < 1'005; ++i) text += "  - 1\n";
  const auto found = mistakes(text);
  ASSERT_EQ(found.size(), 1'001U);
  EXPECT_EQ(found.back(), "1002:5: 5 more mistakes from here on");
}

TEST(ConfigMistakes, NeverShowASecret) {
  for (const auto& text :
       {auth(https, "token: s3cr3t"), auth(https, "token: [s3cr3t]"),
        auth("https://x:s3cr3t@h/app", "token: {env: A}"), upstream("url: 'https://s3cr3t@h.example/app'"),
        upstream("url: 'ssh://git:s3cr3t@h.example/app'"), upstream("url: '" + https + "', auth: s3cr3t"),
        upstream("url: 'https://h/app?token=s3cr3t'")}) {
    const auto found = mistakes(text);
    EXPECT_FALSE(found.empty()) << text;
    for (const auto& mistake : found) EXPECT_EQ(mistake.find("s3cr3t"), std::string::npos) << mistake;
  }
}

TEST(ConfigMistakes, ShowControlCharactersSafely) {
  EXPECT_THAT(mistakes("policies: []\n\"a\\e[31mb\": 1\n"), ElementsAre(testing::HasSubstr("'a\\x1b[31mb'")));
}

}  // namespace
}  // namespace refsyncd
