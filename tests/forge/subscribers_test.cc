#include "forge/subscribers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void add(Config& config, const std::string& name, const std::string& url,
         Direction direction = Direction::pull) {
  Repo repo;
  repo.name = name;
  if (!url.empty()) repo.upstream.emplace().url = url;
  config.repos.push_back(repo);
  Policy policy;
  policy.name = fmt::format("{}-{}", name, to_string(direction));
  policy.repo = name;
  policy.direction = direction;
  config.policies.push_back(policy);
}

struct Row {
  const char* name;
  std::string upstream;
  std::string told;
  bool same;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
class A_repository_told_of : public testing::TestWithParam<Row> {};

TEST_P(A_repository_told_of, is_the_upstream_or_not) {
  Config config;
  add(config, "app", GetParam().upstream);
  const auto found = Subscribers(config).of({.urls = {GetParam().told}, .path = "", .refs = {}});
  EXPECT_EQ(!found.empty(), GetParam().same);
}

const std::string https = "https://git.example.com/team/app.git";

INSTANTIATE_TEST_SUITE_P(
    Addresses, A_repository_told_of,
    testing::Values(Row{"as_written", https, https, true},
                    Row{"without_git", https, "https://git.example.com/team/app", true},
                    Row{"with_slash", https, "https://git.example.com/team/app/", true},
                    Row{"other_scheme", https, "http://git.example.com/team/app.git", true},
                    Row{"default_port", https, "https://git.example.com:443/team/app.git", true},
                    Row{"other_port", https, "https://git.example.com:8443/team/app.git", false},
                    Row{"host_in_capitals", https, "https://GIT.Example.com/team/app.git", true},
                    Row{"path_in_capitals", https, "https://git.example.com/Team/App.git", true},
                    Row{"scp_form", https, "git@git.example.com:team/app.git", true},
                    Row{"ssh_form", https, "ssh://git@git.example.com/team/app.git", true},
                    Row{"upstream_by_scp_form", "git@git.example.com:team/app.git", https, true},
                    Row{"upstream_by_ssh_port", "ssh://git@git.example.com:2222/team/app.git",
                        "ssh://gitea@git.example.com:2222/team/app.git", true},
                    Row{"escaped", https, "https://git.example.com/team/%61pp.git", true},
                    Row{"other_host", https, "https://git.example.org/team/app.git", false},
                    Row{"other_path", https, "https://git.example.com/team/apps.git", false},
                    Row{"deeper_path", https, "https://git.example.com/x/team/app.git", false},
                    Row{"no_address", https, "not an address", false}, Row{"empty", https, "", false},
                    Row{"a_path_of_this_machine", "/srv/git/app.git", "/srv/git/app.git", false},
                    Row{"no_upstream", "", https, false}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Subscribers, are_the_pull_policies_of_the_repository_each_once) {
  Config config;
  add(config, "other", "https://git.example.com/team/other.git");
  add(config, "app", https);
  add(config, "app-by-ssh", "git@git.example.com:team/app.git");
  add(config, "app-pushed", https, Direction::push);
  const PushNotice notice{
      .urls = {https, "git@git.example.com:team/app.git", "https://git.example.com/team/app"},
      .path = "",
      .refs = {}};
  EXPECT_THAT(Subscribers(config).of(notice), ElementsAre(1, 2));
}

TEST(Subscribers, without_a_url_are_known_by_the_end_of_the_path) {
  Config config;
  add(config, "http", "https://bitbucket.example/scm/proj/repository.git");
  add(config, "ssh", "ssh://git@bitbucket.example:7999/proj/repository.git");
  add(config, "other", "https://bitbucket.example/scm/proj/other.git");
  add(config, "short", "https://bitbucket.example/repository.git");
  const Subscribers subscribers(config);
  EXPECT_THAT(subscribers.of({.urls = {}, .path = "PROJ/repository", .refs = {}}), ElementsAre(0, 1));
  EXPECT_THAT(subscribers.of({.urls = {}, .path = "proj/none", .refs = {}}), IsEmpty());
  EXPECT_THAT(subscribers.of({}), IsEmpty());
}

TEST(Subscribers, without_a_configuration_are_none) {
  EXPECT_THAT(Subscribers().of({.urls = {https}, .path = "a/b", .refs = {}}), IsEmpty());
}

struct Refs {
  const char* name;
  std::vector<std::string> pushed;
  bool concerned;
};
void PrintTo(const Refs& row, std::ostream* out) { *out << row.name; }
class A_push : public testing::TestWithParam<Refs> {};

TEST_P(A_push, concerns_a_policy_by_its_globs) {
  Policy policy;
  policy.globs = {.branches = {"main", "release/*"}, .tags = {"v*"}};
  policy.exclude = {.branches = {"release/old-*"}, .tags = {}};
  EXPECT_EQ(concerns({.urls = {}, .path = "", .refs = GetParam().pushed}, policy), GetParam().concerned);
}

INSTANTIATE_TEST_SUITE_P(
    Refs, A_push,
    testing::Values(Refs{"branch", {"refs/heads/main"}, true},
                    Refs{"glob", {"refs/heads/release/1/rc"}, true}, Refs{"tag", {"refs/tags/v1"}, true},
                    Refs{"other_branch", {"refs/heads/topic"}, false},
                    Refs{"tag_named_like_a_branch", {"refs/tags/main"}, false},
                    Refs{"excluded", {"refs/heads/release/old-1"}, false},
                    Refs{"one_of_several", {"refs/heads/topic", "refs/heads/main"}, true},
                    Refs{"neither_branch_nor_tag", {"refs/notes/main"}, false}, Refs{"none", {}, false}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(A_push_that_may_be_to_any_ref, concerns_a_policy_whatever_its_globs) {
  Policy policy;
  policy.globs = {.branches = {"main"}, .tags = {}};
  policy.exclude = {.branches = {"main"}, .tags = {}};
  EXPECT_TRUE(concerns({.urls = {}, .path = "", .refs = {}, .any_ref = true}, policy));
}

}  // namespace
}  // namespace refsyncd
