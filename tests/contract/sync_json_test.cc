#include "contract/sync_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

constexpr WallTime monday = std::chrono::sys_days(2026y / 1 / 5) + 9h + 30min;

ObjectId object_id(char digit) { return *ObjectId::from_hex(std::string(40, digit)); }

Sync queued() {
  Sync sync;
  sync.id = "019b8d3e-0000-7000-8000-000000000001";
  sync.repo_id = "019b8d3e-0000-7000-8000-00000000000a";
  sync.request.repo = "app";
  sync.created_at = monday;
  return sync;
}

Sync completed(RefResults refs) {
  auto sync = queued();
  sync.status = SyncStatus::completed;
  sync.request.policy = "app-pull";
  sync.request.globs = {.branches = {"main", "release/*"}, .tags = {}};
  sync.refs = std::make_shared<const RefResults>(std::move(refs));
  sync.started_at = monday + 1500ms;
  sync.finished_at = monday + 2s;
  return sync;
}

RefResult ref(std::string name, std::optional<ObjectId> before, ObjectId after, Outcome outcome,
              Reason reason, std::optional<ObjectId> offered, std::string detail = "") {
  return {std::move(name), before, after, outcome, reason, offered, std::move(detail)};
}

RefResults one_of_each() {
  return {
      ref("refs/heads/main", object_id('1'), object_id('2'), Outcome::updated, Reason::fast_forward,
          object_id('2')),
      ref("refs/heads/new", std::nullopt, object_id('3'), Outcome::updated, Reason::created, object_id('3')),
      ref("refs/heads/same", object_id('4'), object_id('4'), Outcome::unchanged, Reason::up_to_date,
          object_id('4')),
      ref("refs/heads/wip/x", std::nullopt, ObjectId{}, Outcome::filtered, Reason::excluded, object_id('5')),
      ref("refs/tags/v1", object_id('6'), object_id('6'), Outcome::rejected, Reason::remote_refused,
          object_id('7'), "protected tag"),
      ref("refs/heads/gone", object_id('8'), ObjectId{}, Outcome::updated, Reason::pruned, std::nullopt),
  };
}

void expect_equal(const Sync& a, const Sync& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.repo_id, b.repo_id);
  EXPECT_EQ(a.request, b.request);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.created_at, b.created_at);
  EXPECT_EQ(a.started_at, b.started_at);
  EXPECT_EQ(a.finished_at, b.finished_at);
  ASSERT_EQ(a.refs == nullptr, b.refs == nullptr);
  if (a.refs) {
    EXPECT_EQ(*a.refs, *b.refs);
  }
}

TEST(SyncToJson, a_queued_sync_has_every_field_of_the_contract) {
  EXPECT_EQ(to_json_value(queued()).dump(2), R"({
  "attempt": 1,
  "created_at": "2026-01-05T09:30:00.000Z",
  "direction": "pull",
  "error": null,
  "finished_at": null,
  "id": "019b8d3e-0000-7000-8000-000000000001",
  "ref_globs": {
    "branches": "*",
    "tags": "*"
  },
  "repo": "app",
  "repo_id": "019b8d3e-0000-7000-8000-00000000000a",
  "started_at": null,
  "stats": null,
  "status": "queued"
})");
}

TEST(SyncToJson, a_completed_sync_tells_each_ref) {
  EXPECT_EQ(to_json_value(completed(one_of_each())).dump(2), R"({
  "attempt": 1,
  "created_at": "2026-01-05T09:30:00.000Z",
  "direction": "pull",
  "error": null,
  "finished_at": "2026-01-05T09:30:02.000Z",
  "id": "019b8d3e-0000-7000-8000-000000000001",
  "policy": "app-pull",
  "ref_globs": {
    "branches": "main release/*",
    "tags": ""
  },
  "repo": "app",
  "repo_id": "019b8d3e-0000-7000-8000-00000000000a",
  "started_at": "2026-01-05T09:30:01.500Z",
  "stats": {
    "refs": [
      {
        "after": "2222222222222222222222222222222222222222",
        "before": "1111111111111111111111111111111111111111",
        "name": "refs/heads/main",
        "offered": "2222222222222222222222222222222222222222",
        "outcome": "updated",
        "reason": "fast_forward"
      },
      {
        "after": "3333333333333333333333333333333333333333",
        "before": null,
        "name": "refs/heads/new",
        "offered": "3333333333333333333333333333333333333333",
        "outcome": "updated",
        "reason": "created"
      },
      {
        "after": "4444444444444444444444444444444444444444",
        "before": "4444444444444444444444444444444444444444",
        "name": "refs/heads/same",
        "offered": "4444444444444444444444444444444444444444",
        "outcome": "unchanged",
        "reason": "up_to_date"
      },
      {
        "after": "0000000000000000000000000000000000000000",
        "before": null,
        "name": "refs/heads/wip/x",
        "offered": "5555555555555555555555555555555555555555",
        "outcome": "filtered",
        "reason": "excluded"
      },
      {
        "after": "6666666666666666666666666666666666666666",
        "before": "6666666666666666666666666666666666666666",
        "detail": "protected tag",
        "name": "refs/tags/v1",
        "offered": "7777777777777777777777777777777777777777",
        "outcome": "rejected",
        "reason": "remote_refused"
      },
      {
        "after": "0000000000000000000000000000000000000000",
        "before": "8888888888888888888888888888888888888888",
        "name": "refs/heads/gone",
        "outcome": "updated",
        "reason": "pruned"
      }
    ]
  },
  "status": "completed"
})");
}

TEST(SyncToJson, a_failed_sync_says_why_and_what_kind) {
  auto sync = queued();
  sync.status = SyncStatus::failed;
  sync.failure = Failure{ErrorKind::auth, "the upstream refused the token", std::nullopt};
  const auto value = to_json_value(sync);
  EXPECT_EQ(value["error"], "the upstream refused the token");
  EXPECT_EQ(value["error_kind"], "auth");
  EXPECT_TRUE(value["stats"].is_null());
}

TEST(SyncToJson, no_refs_are_an_empty_list_not_null) {
  EXPECT_EQ(to_json_value(completed({}))["stats"].dump(), R"({"refs":[]})");
}

TEST(SyncToJson, as_text_it_is_the_same_value_with_more_beside) {
  for (const auto& sync : {queued(), completed({}), completed(one_of_each())}) {
    auto expected = to_json_value(sync);
    EXPECT_EQ(json::parse(sync_text(sync)), expected);
    expected["request"] = {{"force", true}};
    EXPECT_EQ(json::parse(sync_text(sync, {{"request", {{"force", true}}}})), expected);
  }
}

TEST(SyncToJson, names_and_texts_that_are_not_utf8_make_valid_json_and_lose_nothing) {
  const std::string name = "refs/heads/caf\xE9";
  auto sync = completed({ref(name, std::nullopt, object_id('1'), Outcome::rejected, Reason::remote_refused,
                             std::nullopt, "bad \xFF byte")});
  sync.request.policy = "p\xFE";
  sync.request.globs.branches = {"caf\xE9"};
  const auto text = to_json_value(sync).dump();
  EXPECT_THAT(text, HasSubstr(R"("name":"refs/heads/caf\\xe9","name_base64":"cmVmcy9oZWFkcy9jYWbp")"));
  EXPECT_THAT(text, HasSubstr(R"("detail":"bad \\xff byte")"));
  EXPECT_EQ(sync_from_json(json::parse(text)).refs->at(0).name, name);
}

TEST(SyncToJson, utf8_names_stand_as_they_are) {
  const auto value = to_json_value(completed({ref("refs/heads/größe-日本", std::nullopt, object_id('1'),
                                                  Outcome::updated, Reason::created, std::nullopt)}));
  EXPECT_EQ(value["stats"]["refs"][0]["name"], "refs/heads/größe-日本");
  EXPECT_FALSE(value["stats"]["refs"][0].contains("name_base64"));
}

TEST(SyncFromJson, reads_what_was_written) {
  auto failed = completed(one_of_each());
  failed.status = SyncStatus::failed;
  failed.failure = Failure{ErrorKind::not_found, "gone", std::nullopt};
  auto running = queued();
  running.status = SyncStatus::in_progress;
  running.attempt = 3;
  running.request.direction = Direction::push;
  running.started_at = monday + 1s;
  for (const auto& sync : {queued(), running, completed(one_of_each()), completed({}), failed}) {
    expect_equal(sync_from_json(json::parse(to_json_value(sync).dump())), sync);
  }
}

TEST(SyncFromJson, every_outcome_and_reason_comes_back) {
  RefResults refs;
  for (const auto outcome : all_outcomes) {
    for (int reason = 0; reason <= static_cast<int>(Reason::missing_object); ++reason) {
      refs.push_back(ref("refs/heads/x", object_id('1'), object_id('1'), outcome, static_cast<Reason>(reason),
                         object_id('2')));
    }
  }
  EXPECT_EQ(*sync_from_json(to_json_value(completed(refs))).refs, refs);
}

TEST(SyncFromJson, understands_a_service_that_writes_the_bare_contract) {
  auto value = to_json_value(completed(one_of_each()));
  for (const char* ours : {"repo", "policy", "error_kind"}) value.erase(ours);
  for (auto& ref : value["stats"]["refs"]) {
    for (const char* ours : {"reason", "offered", "detail"}) ref.erase(ours);
  }
  value["something_new"] = {1, 2, 3};
  const auto sync = sync_from_json(value);
  EXPECT_EQ(sync.request.repo, "");
  std::vector<Reason> reasons;
  for (const auto& ref : *sync.refs) reasons.push_back(ref.reason);
  EXPECT_THAT(reasons, testing::ElementsAre(Reason::fast_forward, Reason::created, Reason::up_to_date,
                                            Reason::excluded, Reason::remote_refused, Reason::pruned));
}

TEST(SyncFromJson, an_error_of_an_unnamed_kind_is_internal_and_made_printable) {
  auto value = to_json_value(queued());
  value["status"] = "failed";
  value["error"] = "line one\nline two\x1b[2J";
  EXPECT_EQ(sync_from_json(value).failure,
            (Failure{ErrorKind::internal, "line one line two\\x1b[2J", std::nullopt}));
}

struct Row {
  const char* name;
  std::function<void(json&)> spoil;
  const char* problem;
};

class BadAnswer : public testing::TestWithParam<Row> {};

TEST_P(BadAnswer, is_refused_with_the_fields_name) {
  auto value = to_json_value(completed(one_of_each()));
  GetParam().spoil(value);
  try {
    sync_from_json(value);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_EQ(error.what(), std::string("unexpected answer: ") + GetParam().problem);
  }
}

const Row bad_answers[] = {
    {"not_an_object", [](json& v) { v = json::array(); }, "'sync' is not an object"},
    {"null", [](json& v) { v = nullptr; }, "'sync' is not an object"},
    {"no_id", [](json& v) { v.erase("id"); }, "'id' is missing"},
    {"id_is_a_number", [](json& v) { v["id"] = 7; }, "'id' is not a string"},
    {"no_repo_id", [](json& v) { v["repo_id"] = nullptr; }, "'repo_id' is missing"},
    {"unknown_direction", [](json& v) { v["direction"] = "sideways"; }, "'direction' is 'sideways'"},
    {"unknown_status", [](json& v) { v["status"] = "paused"; }, "'status' is 'paused'"},
    {"attempt_is_text", [](json& v) { v["attempt"] = "1"; }, "'attempt' is not a whole number"},
    {"attempt_is_negative", [](json& v) { v["attempt"] = -1; }, "'attempt' is not a whole number"},
    {"attempt_is_broken", [](json& v) { v["attempt"] = 1.5; }, "'attempt' is not a whole number"},
    {"attempt_is_huge", [](json& v) { v["attempt"] = 1ULL << 60; }, "'attempt' is not a whole number"},
    {"globs_are_a_list", [](json& v) { v["ref_globs"] = json::array(); }, "'ref_globs' is not an object"},
    {"no_tag_globs", [](json& v) { v["ref_globs"].erase("tags"); }, "'ref_globs.tags' is missing"},
    {"bad_time", [](json& v) { v["created_at"] = "yesterday"; }, "'created_at' is 'yesterday'"},
    {"bad_start", [](json& v) { v["started_at"] = "1\n2"; }, "'started_at' is '1 2'"},
    {"stats_are_text", [](json& v) { v["stats"] = "none"; }, "'stats' is not an object"},
    {"stats_without_refs", [](json& v) { v["stats"] = json::object(); }, "'stats.refs' is missing"},
    {"refs_are_an_object", [](json& v) { v["stats"]["refs"] = json::object(); },
     "'stats.refs' is not an array"},
    {"ref_is_null", [](json& v) { v["stats"]["refs"][1] = nullptr; }, "'stats.refs[1]' is not an object"},
    {"ref_without_name", [](json& v) { v["stats"]["refs"][1].erase("name"); },
     "'stats.refs[1].name' is missing"},
    {"short_object_id", [](json& v) { v["stats"]["refs"][0]["after"] = "abc"; },
     "'stats.refs[0].after' is 'abc'"},
    {"unknown_outcome", [](json& v) { v["stats"]["refs"][2]["outcome"] = "?"; },
     "'stats.refs[2].outcome' is '?'"},
    {"bad_base64", [](json& v) { v["stats"]["refs"][0]["name_base64"] = "%"; },
     "'stats.refs[0].name_base64' is '%'"},
    {"completed_without_stats", [](json& v) { v["stats"] = nullptr; }, "'stats' is missing"},
    {"completed_with_error", [](json& v) { v["error"] = "x"; }, "'error' is set on a sync that did not fail"},
    {"failed_without_error", [](json& v) { v["status"] = "failed"; }, "'error' is missing"},
    {"queued_with_stats", [](json& v) { v["status"] = "queued"; },
     "'stats' is set on a sync that has not ended"},
};

INSTANTIATE_TEST_SUITE_P(Table, BadAnswer, testing::ValuesIn(bad_answers),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace refsyncd
