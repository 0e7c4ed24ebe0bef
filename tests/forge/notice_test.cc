#include "forge/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

const NoticeHeaders github_push{{"x-github-event", "push"}};
const NoticeHeaders gitea_push{{"x-gitea-event", "push"}};

constexpr auto github_body = R"({
  "ref": "refs/heads/main",
  "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
  "after": "59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5",
  "repository": {
    "id": 186853002, "name": "app", "full_name": "acme/app", "private": false,
    "html_url": "https://github.com/acme/app", "url": "https://github.com/acme/app",
    "git_url": "git://github.com/acme/app.git", "ssh_url": "git@github.com:acme/app.git",
    "clone_url": "https://github.com/acme/app.git", "svn_url": "https://github.com/acme/app",
    "homepage": "https://elsewhere.example", "default_branch": "main"},
  "pusher": {"name": "octocat", "email": "octocat@example.org"},
  "created": false, "deleted": false, "forced": false, "base_ref": null,
  "compare": "https://github.com/acme/app/compare/6113728f27ae...59b20b8d5c6f",
  "commits": [{"id": "59b20b8d", "message": "m", "author": {"name": "o"}, "added": [], "modified": ["a"]}],
  "head_commit": null})";

TEST(A_push_to_GitHub, names_the_repository_and_the_ref) {
  const auto notice = read_notice(Forge::github, github_push, github_body);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->urls, ElementsAre("https://github.com/acme/app.git", "git@github.com:acme/app.git",
                                        "https://github.com/acme/app"));
  EXPECT_THAT(notice->refs, ElementsAre("refs/heads/main"));
  EXPECT_EQ(notice->path, "");
}

TEST(A_push_to_GitHub, may_come_as_a_form) {
  const NoticeHeaders headers{{"x-github-event", "push"},
                              {"content-type", "application/x-www-form-urlencoded"}};
  const auto notice = read_notice(Forge::github, headers,
                                  "payload=%7B%22ref%22%3A+%22refs%2Ftags%2Fv1%22%2C%22repository%22%3A%7B%"
                                  "22clone_url%22%3A%22https%3A%2F"
                                  "%2Fgithub.com%2Facme%2Fapp.git%22%7D%7D&x=1");
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->refs, ElementsAre("refs/tags/v1"));
  EXPECT_THAT(notice->urls, ElementsAre("https://github.com/acme/app.git"));
}

TEST(What_GitHub_tells_of_creation_and_deletion, names_a_ref_by_its_kind) {
  const std::string repository = R"("repository": {"clone_url": "https://github.com/acme/app.git"})";
  const auto deleted = read_notice(Forge::github, {{"x-github-event", "delete"}},
                                   R"({"ref": "simple-tag", "ref_type": "tag", )" + repository + "}");
  const auto created = read_notice(Forge::github, {{"x-github-event", "create"}},
                                   R"({"ref": "topic/x", "ref_type": "branch", )" + repository + "}");
  ASSERT_TRUE(deleted && created);
  EXPECT_THAT(deleted->refs, ElementsAre("refs/tags/simple-tag"));
  EXPECT_THAT(created->refs, ElementsAre("refs/heads/topic/x"));
}

TEST(What_is_no_push, is_nothing) {
  EXPECT_FALSE(read_notice(Forge::github, {{"x-github-event", "ping"}}, R"({"zen": "...", "hook_id": 1})"));
  EXPECT_FALSE(read_notice(Forge::github, {}, github_body));
  EXPECT_FALSE(read_notice(Forge::gitea, {{"x-gitea-event", "issues"}}, R"({"action": "opened"})"));
  EXPECT_FALSE(read_notice(Forge::gitlab, {}, R"({"object_kind": "note"})"));
  EXPECT_FALSE(read_notice(Forge::gitlab, {}, R"({"event_name": "project_create"})"));
  EXPECT_FALSE(read_notice(Forge::bitbucket, {{"x-event-key", "pullrequest:created"}}, "{}"));
  EXPECT_FALSE(read_notice(Forge::bitbucket, {{"x-event-key", "diagnostics:ping"}}, R"({"test": true})"));
}

TEST(A_push_to_GitLab, names_the_repository_and_the_ref) {
  const auto notice = read_notice(Forge::gitlab, {{"x-gitlab-event", "Push Hook"}}, R"({
    "object_kind": "push", "event_name": "push",
    "before": "95790bf891e76fee5e1747ab589903a6a1f80f22", "after": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    "ref": "refs/heads/master", "ref_protected": true, "checkout_sha": "da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    "user_id": 4, "user_name": "John Smith", "project_id": 15,
    "project": {"id": 15, "name": "Diaspora", "web_url": "https://gitlab.example/mike/sub/diaspora",
      "git_ssh_url": "git@gitlab.example:mike/sub/diaspora.git",
      "git_http_url": "https://gitlab.example/mike/sub/diaspora.git", "namespace": "Mike",
      "path_with_namespace": "mike/sub/diaspora", "default_branch": "master",
      "homepage": "https://gitlab.example/mike/sub/diaspora", "url": "git@gitlab.example:mike/sub/diaspora.git",
      "ssh_url": "git@gitlab.example:mike/sub/diaspora.git",
      "http_url": "https://gitlab.example/mike/sub/diaspora.git"},
    "repository": {"name": "Diaspora", "url": "git@gitlab.example:mike/sub/diaspora.git",
      "homepage": "https://gitlab.example/mike/sub/diaspora",
      "git_http_url": "https://gitlab.example/mike/sub/diaspora.git",
      "git_ssh_url": "git@gitlab.example:mike/sub/diaspora.git", "visibility_level": 0},
    "commits": [], "total_commits_count": 4})");
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->urls, IsSupersetOf({"https://gitlab.example/mike/sub/diaspora.git",
                                          "git@gitlab.example:mike/sub/diaspora.git"}));
  EXPECT_THAT(notice->refs, ElementsAre("refs/heads/master"));
}

TEST(A_push_to_GitLab, may_be_of_a_tag_or_told_by_the_system) {
  const std::string project = R"("project": {"git_http_url": "https://gitlab.example/a/b.git"})";
  const auto tag = read_notice(Forge::gitlab, {{"x-gitlab-event", "Tag Push Hook"}},
                               R"({"object_kind": "tag_push", "ref": "refs/tags/v1.0.0", )" + project + "}");
  const auto system = read_notice(Forge::gitlab, {{"x-gitlab-event", "System Hook"}},
                                  R"({"event_name": "repository_update", "user_id": 1, "changes": [
        {"before": "8205ea8d81ce0c6b90fbe8280d118cc9fdad6130", "after": "4045ea7a3df38697b3730a20fb73c8bed8a3e69e",
         "ref": "refs/heads/master"},
        {"before": "0000000000000000000000000000000000000000", "after": "4045ea7a3df38697b3730a20fb73c8bed8a3e69e",
         "ref": "refs/tags/v2"}], "refs": ["refs/heads/master", "refs/tags/v2"], )" +
                                      project + "}");
  ASSERT_TRUE(tag && system);
  EXPECT_THAT(tag->refs, ElementsAre("refs/tags/v1.0.0"));
  EXPECT_THAT(system->refs, ElementsAre("refs/heads/master", "refs/tags/v2"));
}

TEST(A_push_to_Gitea, is_told_alike_under_either_name) {
  constexpr auto body = R"({
    "ref": "refs/heads/develop", "before": "28e1879d029cb852e4844d9c718537df08844e03",
    "after": "bffeb74224043ba2feb48d137756c8a9331c449a",
    "compare_url": "http://localhost:3000/gitea/webhooks/compare/28e1...bffe", "commits": [{"id": "bffeb7"}],
    "repository": {"id": 140, "owner": {"id": 1, "login": "gitea"}, "name": "webhooks",
      "full_name": "gitea/webhooks", "html_url": "http://localhost:3000/gitea/webhooks",
      "ssh_url": "ssh://gitea@localhost:2222/gitea/webhooks.git",
      "clone_url": "http://localhost:3000/gitea/webhooks.git"},
    "pusher": {"id": 1, "login": "gitea"}, "sender": {"id": 1, "login": "gitea"}})";
  for (const auto& headers : {gitea_push, NoticeHeaders{{"x-forgejo-event", "push"}}}) {
    const auto notice = read_notice(Forge::gitea, headers, body);
    ASSERT_TRUE(notice);
    EXPECT_THAT(notice->urls, ElementsAre("http://localhost:3000/gitea/webhooks.git",
                                          "ssh://gitea@localhost:2222/gitea/webhooks.git",
                                          "http://localhost:3000/gitea/webhooks"));
    EXPECT_THAT(notice->refs, ElementsAre("refs/heads/develop"));
  }
}

TEST(A_push_to_Bitbucket_Cloud, names_each_ref_that_came_moved_or_went) {
  const auto notice = read_notice(Forge::bitbucket, {{"x-event-key", "repo:push"}}, R"({
    "actor": {"type": "user", "nickname": "emmap1"},
    "repository": {"type": "repository", "full_name": "team_name/repo_name", "name": "repo_name",
      "links": {"self": {"href": "https://api.bitbucket.org/2.0/repositories/team_name/repo_name"},
                "html": {"href": "https://bitbucket.org/team_name/repo_name"}},
      "scm": "git", "is_private": true},
    "push": {"changes": [
      {"new": {"type": "branch", "name": "main", "target": {"hash": "709d658d"}},
       "old": {"type": "branch", "name": "main", "target": {"hash": "1e65c05c"}},
       "created": false, "forced": false, "closed": false, "commits": [{"hash": "03f4a7270240"}],
       "truncated": false},
      {"new": null, "old": {"type": "branch", "name": "gone"}, "closed": true},
      {"new": {"type": "tag", "name": "v1"}, "old": null, "created": true}]}})");
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->urls, ElementsAre("https://bitbucket.org/team_name/repo_name"));
  EXPECT_THAT(notice->refs, ElementsAre("refs/heads/main", "refs/heads/gone", "refs/tags/v1"));
}

constexpr auto server_repository = R"("slug": "repository", "id": 84, "name": "repository", "scmId": "git",
    "project": {"key": "PROJ", "id": 84, "name": "project", "public": false, "type": "NORMAL"}, "public": false)";
constexpr auto server_changes = R"("changes": [{"ref": {"id": "refs/heads/master", "displayId": "master",
    "type": "BRANCH"}, "refId": "refs/heads/master", "fromHash": "ecddabb624f6f5ba43816f5926e580a5f680a932",
    "toHash": "178864a7d521b6f5e720b386b2c2b0ef8563e0dc", "type": "UPDATE"}])";

TEST(A_push_to_Bitbucket_Data_Center, names_the_repository_by_its_project) {
  const auto notice = read_notice(Forge::bitbucket, {{"x-event-key", "repo:refs_changed"}},
                                  std::string(R"({"eventKey": "repo:refs_changed", "repository": {)") +
                                      server_repository + "}, " + server_changes + "}");
  ASSERT_TRUE(notice);
  EXPECT_EQ(*notice, (PushNotice{.urls = {}, .path = "PROJ/repository", .refs = {"refs/heads/master"}}));
}

TEST(A_push_to_Bitbucket_Data_Center, prefers_links_where_it_has_them) {
  const auto notice = read_notice(Forge::bitbucket, {{"x-event-key", "repo:refs_changed"}},
                                  std::string(R"({"repository": {"links": {"clone": [
        {"href": "ssh://git@bitbucket.example:7999/proj/repository.git", "name": "ssh"},
        {"href": "https://bitbucket.example/scm/proj/repository.git", "name": "http"}],
        "self": [{"href": "https://bitbucket.example/projects/PROJ/repos/repository/browse"}]}, )") +
                                      server_repository + "}, " + server_changes + "}");
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->urls, ElementsAre("ssh://git@bitbucket.example:7999/proj/repository.git",
                                        "https://bitbucket.example/scm/proj/repository.git"));
  EXPECT_EQ(notice->path, "");
}

TEST(A_mirror_of_Bitbucket_Data_Center, that_leaves_its_changes_out_may_have_changed_any_ref) {
  const auto synchronized = [](const char* rest) {
    return read_notice(
        Forge::bitbucket, {{"x-event-key", "mirror:repo_synchronized"}},
        std::string(R"({"eventKey": "mirror:repo_synchronized", "date": "2019-09-06T10:00:00+1000",
        "mirrorServer": {"id": "B5SZ-1", "name": "Mirror"}, "syncType": "SNAPSHOT", "repository": {)") +
            server_repository + "}, " + rest + "}");
  };
  EXPECT_EQ(*synchronized(R"("refLimitExceeded": true, "changes": [])"),
            (PushNotice{.urls = {}, .path = "PROJ/repository", .refs = {}, .any_ref = true}));
  EXPECT_FALSE(
      synchronized((std::string(R"("refLimitExceeded": false, )") + server_changes).c_str())->any_ref);
  EXPECT_THROW(synchronized(R"("refLimitExceeded": false, "changes": [])"), Error);
}

TEST(A_notice, is_described_by_its_first_ref_and_the_repository) {
  const std::vector<std::string> urls{"https://git.example/a", "git@git.example:a"};
  EXPECT_EQ(describe({.urls = urls, .path = "", .refs = {"refs/heads/main"}}),
            "a push to refs/heads/main of https://git.example/a");
  EXPECT_EQ(describe({.urls = {}, .path = "P/a", .refs = {"refs/heads/\n", "refs/tags/1", "refs/tags/2"}}),
            "a push to refs/heads/  and 2 more of P/a");
  EXPECT_EQ(describe({.urls = urls, .path = "", .refs = {}, .any_ref = true}),
            "a push to any ref of https://git.example/a");
}

struct Bad {
  const char* name;
  NoticeHeaders headers;
  std::string body;
  const char* problem;
};
void PrintTo(const Bad& row, std::ostream* out) { *out << row.name; }
class A_malformed_webhook : public testing::TestWithParam<Bad> {};

TEST_P(A_malformed_webhook, is_refused_with_the_reason) {
  try {
    read_notice(Forge::github, GetParam().headers, GetParam().body);
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().problem));
  }
}

const NoticeHeaders form{{"x-github-event", "push"}, {"content-type", "application/x-www-form-urlencoded"}};

INSTANTIATE_TEST_SUITE_P(
    Bodies, A_malformed_webhook,
    testing::Values(Bad{"not_json", github_push, "hello", "is not a JSON object"},
                    Bad{"empty", github_push, "", "is not a JSON object"},
                    Bad{"a_list", github_push, "[]", "is not a JSON object"},
                    Bad{"not_utf8", github_push, "{\"ref\": \"\xff\"}", "is not a JSON object"},
                    Bad{"deep", github_push, std::string(100'000, '['), "nested too deeply"},
                    Bad{"deep_in_commits", github_push, "{\"commits\": " + std::string(100'000, '['),
                        "nested too deeply"},
                    Bad{"no_repository", github_push, R"({"ref": "refs/heads/main"})", "names no repository"},
                    Bad{"no_ref", github_push, R"({"repository": {}})", "names no branch or tag"},
                    Bad{"ref_is_a_number", github_push, R"({"repository": {}, "ref": 1})",
                        "names no branch or tag"},
                    Bad{"form_without_payload", form, "data=1", "without the field 'payload'"},
                    Bad{"form_with_broken_escape", form, "payload=%7", "broken escape"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace refsyncd
