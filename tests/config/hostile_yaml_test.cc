#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

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

class HostileYaml : public testing::TestWithParam<Row> {};

TEST_P(HostileYaml, IsOneMistakeWithItsPlace) {
  EXPECT_THAT(mistakes(GetParam().text), ElementsAre(GetParam().mistake));
}

std::string repeated(std::string_view text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

std::string billion_laughs() {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto one = "*a" + std::to_string(i - 1) + ", ";
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeated(one, 10) + "]\n";
  }
  return text;
}

const std::string empty = "1:1: the file is empty; a configuration has at least 'policies'";
const std::string second =
    ": a second YAML document begins here; a configuration is one document (check '---' and the indentation)";
const std::string too_long =
    ": a [...], {...}, text or comment that begins here is too long; write long lists and mappings in block "
    "style, one item a line";
const std::string in_quotes = "; put a text that holds brackets, such as ${NAME}, in quotes";

INSTANTIATE_TEST_SUITE_P(
    Yaml, HostileYaml,
    testing::Values(
        Row{"empty", "", empty}, Row{"comment", "# nothing\n", empty}, Row{"null", "---\n", empty},
        Row{"tilde", "~\n", empty}, Row{"only_a_mark", "\xEF\xBB\xBF", empty},
        Row{"two_documents", "policies: []\n---\npolicies: []\n", "3:1" + second},
        Row{"outdented_by_mistake", "- a\nb: 1\n", "2:1" + second},
        Row{"python_tag", "policies: !!python/object/apply:os.system [id]\n",
            "1:11: the tag '!!python/object/apply:os.system' is not supported; remove it"},
        Row{"own_tag", "policies: !include other.yaml\n",
            "1:11: the tag '!include' is not supported; remove it"},
        Row{"tag_on_a_key", "!!str policies: []\n", "1:1: the tag '!!str' is not supported; remove it"},
        Row{"tab", "http:\n\tlisten: ':1'\n", "2:1: a tab cannot indent; use spaces"},
        Row{"two_colons", "http: listen: ':1'\n",
            "1:13: a value cannot start here; indent with spaces evenly, and quote a text that holds ': '"},
        Row{"open_list", "policies: [\n", "1:11: this '[' has no closing ']'" + in_quotes},
        Row{"open_map", "http: {listen: ':1'\n", "1:7: this '{' has no closing '}'" + in_quotes},
        Row{"open_quote", "http:\n  listen: ':1\n", "2:11: this quoted text has no closing quote"},
        Row{"extra_bracket", "policies: []]\n", "1:13: this closing bracket closes nothing"},
        Row{"star_glob", "policies: [{ref_globs: {branches: *}}]\n",
            "1:36: quote a text that begins with '*'"},
        Row{"star_suffix_glob", "policies: [{ref_globs: {branches: *-fix}}]\n",
            "1:35: this alias names no anchor that stands before it; quote a text that begins with '*'"},
        Row{"variable_in_braces", "policies: []\nhttp: {socket: ${HOME}/s}\n",
            "2:7: this '{' has no closing '}'" + in_quotes},
        Row{"unknown_escape", "policies: []\nhttp: {socket: \"\\q\"}\n",
            "2:19: \"...\" knows no such escape; use '...' to take backslashes as they are"},
        Row{"at_sign", "policies: @x\n",
            "1:11: no value can start with this character; put the text in quotes"},
        Row{"percent", "defaults: {jitter: %10}\npolicies: []\n",
            "1:20: no value can start with this character; put the text in quotes"},
        Row{"nul", std::string("policies: []\n\0", 14), "2:1: a control character (0x00) cannot stand here"},
        Row{"escape", "policies: []\n# \x1b[31m\n", "2:3: a control character (0x1b) cannot stand here"},
        Row{"latin_1", "policies: []\n# caf\xE9\n",
            "2:6: the byte 0xe9 is not UTF-8; save the file as UTF-8"},
        Row{"cut_utf8", "policies: []\n# \xE2\x82",
            "2:3: the byte 0xe2 is not UTF-8; save the file as UTF-8"},
        Row{"overlong_utf8", "# \xC0\xAF\n", "1:3: the byte 0xc0 is not UTF-8; save the file as UTF-8"},
        Row{"utf16", std::string("\xFF\xFEp\0", 4), "1:1: the file is in UTF-16; save it as UTF-8"},
        Row{"deep_lists", "a: " + repeated("[", 40) + repeated("]", 40) + "\n", "1:35: nested too deeply"},
        Row{"very_deep_lists", "a: " + repeated("[", 1'000'000), "1:20: nested too deeply"},
        Row{"very_deep_maps", repeated("{a: ", 500'000), "1:125: nested too deeply"},
        Row{"very_deep_blocks", repeated("- ", 500'000), "1:65: nested too deeply"},
        Row{"very_deep_keys", repeated("? ", 500'000), "1:65: nested too deeply"},
        Row{"long_list", "{a: [" + repeated("{c: 1}, ", 400'000) + "]}\n", "1:1" + too_long},
        Row{"open_double_quote", "http:\n  listen: \":1\\\"\n",
            "2:11: this quoted text has no closing quote"},
        Row{"open_quote_with_quotes", "http:\n  listen: 'it''s\n",
            "2:11: this quoted text has no closing quote"},
        Row{"long_plain_text", "a: " + std::string(17 << 20, 'a') + "\n", "1:1" + too_long},
        Row{"billion_laughs", billion_laughs(),
            "8:15: the document grows past 20000000 values here; aliases multiply"},
        Row{"alias_within_itself", "policies: &a [*a]\n", "1:15: this alias stands inside what it names"},
        Row{"directive", "%YAML 9.9\n---\npolicies: []\n",
            "1:1: this is not YAML: YAML major version too large"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(HostileYaml, EndsBeforeItCostsMemory) {
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_FALSE(mistakes(repeated("[", 8'000'000)).empty());
  EXPECT_FALSE(mistakes(repeated("{a: ", 2'000'000)).empty());
  EXPECT_FALSE(mistakes(billion_laughs()).empty());
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 200 * 1024) << "KiB more than before";
}

TEST(Yaml, MayBeJson) {
  std::string policies;
  for (int i = 0; i < 5'000; ++i) {
    policies += R"({"name": "p)" + std::to_string(i) +
                R"(", "repo": "app", "direction": "pull", "ref_globs": {"tags": "v)" + std::to_string(i) +
                R"("}}, )";
  }
  const auto config = parse(
      R"({"repos": {"app": {"upstream": {"url": "https://h.example/a"}}}, "policies": [)" + policies + "]}");
  EXPECT_EQ(config.policies.size(), 5'000U);
}

TEST(Yaml, AcceptsWhatIsHarmless) {
  EXPECT_THAT(mistakes("\xEF\xBB\xBFpolicies: []\n"), ElementsAre());
  EXPECT_THAT(mistakes("policies: []\r\nhttp: {}\r\n"), ElementsAre());
  EXPECT_THAT(mistakes("%YAML 1.2\n---\n'policies': []\n...\n"), ElementsAre());
  EXPECT_THAT(mistakes("policies: []  # caf\xC3\xA9 \xF0\x9F\x90\xA2\n"), ElementsAre());
  EXPECT_THAT(mistakes("{\"policies\": [], \"http\": {\"listen\": \"off\"}}"), ElementsAre());
}

TEST(Yaml, FollowsAliases) {
  const auto config = parse(
      "repos:\n"
      "  a: {upstream: &u {url: 'https://h.example/x'}}\n"
      "  b: {upstream: *u}\n"
      "policies:\n"
      "  - {repo: a, direction: pull, ref_globs: {branches: &main [main]}, every: &often 1m}\n"
      "  - {repo: b, direction: pull, ref_globs: {branches: *main}, every: *often}\n");
  EXPECT_EQ(config.repos[0].upstream, config.repos[1].upstream);
  EXPECT_EQ(config.policies[0].globs, config.policies[1].globs);
  EXPECT_EQ(config.policies[0].schedule, config.policies[1].schedule);
}

TEST(Yaml, EveryPrefixOfAFileIsReadOrRefusedCleanly) {
  const std::string text =
      "repos:\n  app: &a {upstream: {url: \"https://h\\x2eexample/a\"}}\npolicies:\n  - repo: 'app'\n    "
      "direction: pull\n    ref_globs: {branches: [main, \"r/*\"]}\n    cron: |\n      @daily\n  - *a\n";
  for (size_t length = 0; length < text.size(); ++length) {
    for (const auto& mistake : mistakes(text.substr(0, length)))
      EXPECT_FALSE(mistake.starts_with("0:")) << mistake;
  }
}

}  // namespace
}  // namespace refsyncd
