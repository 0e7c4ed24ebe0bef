#include "contract/repo_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "contract/json_fields.h"
#include "contract/sync_json.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json a_sync() {
  return {{"id", "s1"},
          {"repo_id", "r1"},
          {"direction", "pull"},
          {"status", "queued"},
          {"attempt", 1},
          {"ref_globs", {{"branches", "*"}, {"tags", ""}}},
          {"stats", nullptr},
          {"error", nullptr},
          {"created_at", "2026-01-05T09:30:00.000Z"},
          {"started_at", nullptr},
          {"finished_at", nullptr}};
}

json a_repo() {
  return {
      {"id", "r1"},
      {"org", "acme"},
      {"name", "app"},
      {"default_bookmark", "main"},
      {"upstream", {{"url", "https://example.org/app"}, {"auth_kind", "token"}, {"latest_sync", a_sync()}}},
      {"tags", json::object()}};
}

json a_page(const char* list, json item) {
  return {{list, json::array({std::move(item)})}, {"has_more", true}, {"next_cursor", "next"}};
}

TEST(Repo_json, is_read_with_its_upstream_and_latest_sync) {
  const auto repo = repo_from_json(a_repo());
  EXPECT_EQ(repo.name, "app");
  EXPECT_EQ(repo.org, "acme");
  ASSERT_TRUE(repo.upstream);
  EXPECT_EQ(repo.upstream->url, "https://example.org/app");
  EXPECT_EQ(repo.upstream->auth, AuthKind::token);
  ASSERT_TRUE(repo.upstream->latest_sync);
  EXPECT_EQ(repo.upstream->latest_sync->id, "s1");
}

TEST(Repo_json, may_have_no_upstream_no_credential_and_no_sync) {
  auto value = a_repo();
  value["upstream"] = {{"url", "https://example.org/app"}, {"auth_kind", nullptr}, {"latest_sync", nullptr}};
  const auto repo = repo_from_json(value);
  EXPECT_EQ(repo.upstream->auth, AuthKind::none);
  EXPECT_FALSE(repo.upstream->latest_sync);
  value["upstream"] = nullptr;
  EXPECT_FALSE(repo_from_json(value).upstream);
}

TEST(A_page, names_the_next_one_only_when_there_is_more) {
  auto value = a_page("repos", a_repo());
  EXPECT_EQ(repo_page_from_json(value).next_cursor, "next");
  EXPECT_EQ(repo_page_from_json(value).repos.size(), 1u);
  value["has_more"] = false;
  EXPECT_FALSE(repo_page_from_json(value).next_cursor);
  EXPECT_EQ(sync_page_from_json(a_page("syncs", a_sync())).syncs.at(0).id, "s1");
}

TEST(Whoami_json, gives_the_name_used_in_paths) {
  const auto who =
      whoami_from_json({{"org", {{"id", "o1"}, {"slug", "acme"}, {"name", "ACME Inc."}}}, {"key_id", "k"}});
  EXPECT_EQ(who.org, "acme");
}

struct Row {
  const char* name;
  std::function<void()> read;
  const char* message;
};

class WrongJson : public testing::TestWithParam<Row> {};

TEST_P(WrongJson, is_refused_naming_the_field) {
  try {
    GetParam().read();
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

json repo_with(const char* key, json value) {
  auto repo = a_repo();
  repo[key] = std::move(value);
  return repo;
}

json page_with(const char* key, json value) {
  auto page = a_page("repos", a_repo());
  page[key] = std::move(value);
  return page;
}

const Row rows[] = {
    {"no_object", [] { repo_from_json(json::array()); }, "'repository' is not an object"},
    {"empty_name", [] { repo_from_json(repo_with("name", "")); }, "'name' is empty"},
    {"id_is_a_number", [] { repo_from_json(repo_with("id", 7)); }, "'id' is not a string"},
    {"upstream_is_a_text", [] { repo_from_json(repo_with("upstream", "x")); }, "'upstream' is not an object"},
    {"upstream_without_url", [] { repo_from_json(repo_with("upstream", json::object())); },
     "'upstream.url' is missing"},
    {"unknown_auth_kind",
     [] {
       repo_from_json(repo_with("upstream", {{"url", "u"}, {"auth_kind", "magic"}}));
     },
     "'upstream.auth_kind' is 'magic'"},
    {"page_without_list", [] { repo_page_from_json(json::object()); }, "'repos' is missing"},
    {"list_is_an_object", [] { repo_page_from_json(page_with("repos", json::object())); },
     "'repos' is not an array"},
    {"more_is_a_text", [] { repo_page_from_json(page_with("has_more", "yes")); },
     "'has_more' is neither true nor false"},
    {"more_without_a_cursor", [] { repo_page_from_json(page_with("next_cursor", nullptr)); },
     "'next_cursor' is missing"},
    {"more_with_an_empty_cursor", [] { repo_page_from_json(page_with("next_cursor", "")); },
     "'next_cursor' is empty"},
    {"whoami_without_org", [] { whoami_from_json(json::object()); }, "'org' is missing"},
    {"not_json", [] { json_from("<html>"); }, "it is not JSON"},
    {"cut_short", [] { json_from(R"({"id": "r)"); }, "it is not JSON"},
    {"nested_deeply", [] { json_from(std::string(100'000, '[')); }, "nested too deeply"},
};
INSTANTIATE_TEST_SUITE_P(rows, WrongJson, testing::ValuesIn(rows),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(HostedRepoJson, IsInTheContractsShape) {
  HostedRepo repo{.id = "r1", .org = "local", .name = "app"};
  repo.default_bookmark = "main";
  repo.head_change_id = std::string(32, 'z');
  repo.created_at = *parse_time("2026-01-05T09:30:00Z");
  repo.tags = {{"team", "core"}};
  EXPECT_EQ(to_json_value(repo), json({{"id", "r1"},
                                       {"org", "local"},
                                       {"name", "app"},
                                       {"default_bookmark", "main"},
                                       {"head_change_id", std::string(32, 'z')},
                                       {"upstream", nullptr},
                                       {"created_at", "2026-01-05T09:30:00.000Z"},
                                       {"tags", {{"team", "core"}}}}));
  repo.tags.clear();
  EXPECT_EQ(to_json_value(repo)["tags"], json::object());
}

TEST(HostedRepoJson, ShowsTheUpstreamAndItsLatestSyncButNoCredential) {
  HostedRepo repo{.id = "r1", .org = "local", .name = "app"};
  repo.upstream = HostedUpstream{.url = "https://h/a", .auth = AuthKind::none, .latest_sync = {}};
  EXPECT_EQ(to_json_value(repo)["upstream"],
            json({{"url", "https://h/a"}, {"auth_kind", nullptr}, {"latest_sync", nullptr}}));
  repo.upstream->auth = AuthKind::username_password;
  repo.upstream->latest_sync = sync_from_json(a_sync());
  const auto upstream = to_json_value(repo)["upstream"];
  EXPECT_EQ(upstream["auth_kind"], "username_password");
  EXPECT_EQ(upstream["latest_sync"]["id"], "s1");
  EXPECT_EQ(repo_from_json(to_json_value(repo)).upstream->auth, AuthKind::username_password);
}

}  // namespace
}  // namespace refsyncd
