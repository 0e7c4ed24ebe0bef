#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mesa/answer.h"
#include "mesa/composite.h"
#include "mesa/fan_out.h"
#include "mesa/lost.h"
#include "mesa/page_guard.h"
#include "mesa/polling.h"
#include "mesa/recent.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Patterns = std::vector<std::string>;

struct FanOutRow {
  const char* name;
  RefGlobs globs;
  std::vector<RefGlobs> parts;
};

class FanOut : public testing::TestWithParam<FanOutRow> {};

TEST_P(FanOut, makes_the_fewest_requests) { EXPECT_EQ(fan_out(GetParam().globs), GetParam().parts); }

const FanOutRow fan_out_rows[] = {
    {"everything", RefGlobs::all(), {RefGlobs::all()}},
    {"one_branch", {{"main"}, {}}, {{{"main"}, {}}}},
    {"one_tag_glob", {{}, {"v*"}}, {{{}, {"v*"}}}},
    {"pairs", {{"main", "dev"}, {"v1*", "v2*"}}, {{{"main"}, {"v1*"}}, {{"dev"}, {"v2*"}}}},
    {"more_branches_than_tags", {{"main", "dev"}, {"v*"}}, {{{"main"}, {"v*"}}, {{"dev"}, {}}}},
    {"more_tags_than_branches", {{"main"}, {"a*", "b*"}}, {{{"main"}, {"a*"}}, {{}, {"b*"}}}},
    {"covered_by_a_later_one",
     {{"release/1.0", "main", "release/*"}, {}},
     {{{"main"}, {}}, {{"release/*"}, {}}}},
    {"covered_by_an_earlier_one", {{"*", "main", "dev"}, {}}, {{{"*"}, {}}}},
    {"the_same_twice", {{"main", "main"}, {}}, {{{"main"}, {}}}},
    {"the_same_in_other_words", {{"a**", "a*"}, {}}, {{{"a**"}, {}}}},
    {"overlapping_globs_stay", {{"a*", "*b"}, {}}, {{{"a*"}, {}}, {{"*b"}, {}}}},
    {"nothing", {{}, {}}, {{{}, {}}}},
};
INSTANTIATE_TEST_SUITE_P(rows, FanOut, testing::ValuesIn(fan_out_rows),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(Polling_delay, grows_with_age_between_a_quarter_second_and_fifteen) {
  EXPECT_EQ(poll_delay(0ms, 0.5), 250ms);
  EXPECT_EQ(poll_delay(1s, 0.5), 250ms);
  EXPECT_EQ(poll_delay(8s, 0.5), 2s);
  EXPECT_EQ(poll_delay(60s, 0.5), 15s);
  EXPECT_EQ(poll_delay(1h, 0.5), 15s);
}

TEST(Polling_delay, is_moved_by_a_fifth_either_way) {
  EXPECT_EQ(poll_delay(1h, 0.0), 12s);
  EXPECT_NEAR(static_cast<double>(poll_delay(1h, 0.999999).count()), 18'000, 1);
}

TEST(Round_delay, leaves_room_for_the_pages_it_costs) {
  EXPECT_EQ(round_delay(0ms, 1, 0.5), 250ms);
  EXPECT_EQ(round_delay(0ms, 100, 0.5), 10s);
  EXPECT_EQ(round_delay(8s, 3, 0.5), 2s);
  EXPECT_EQ(round_delay(1h, 1'000'000, 0.5), 15s);
}

TEST(Trouble_delay, doubles_up_to_a_minute) {
  EXPECT_EQ(trouble_delay(1, 0.5), 1s);
  EXPECT_EQ(trouble_delay(4, 0.5), 8s);
  EXPECT_EQ(trouble_delay(1000, 0.5), 60s);
}

struct PollingRow {
  const char* name;
  InFlightFacts facts;
  Polling expected;
};
class ChoosePolling : public testing::TestWithParam<PollingRow> {};
TEST_P(ChoosePolling, takes_what_costs_less) {
  EXPECT_EQ(choose_polling(GetParam().facts), GetParam().expected);
}
const PollingRow polling_rows[] = {
    {"none", {0, 0, 1}, Polling::singles},
    {"few", {20, 20, 1}, Polling::singles},
    {"many_in_few_pages", {21, 21, 1}, Polling::pages},
    {"very_many", {10'000, 10'000, 100}, Polling::pages},
    {"a_few_of_a_large_organisation", {100, 100, 50}, Polling::singles},
    {"many_of_one_repository", {1000, 1, 1}, Polling::singles},
};
INSTANTIATE_TEST_SUITE_P(rows, ChoosePolling, testing::ValuesIn(polling_rows),
                         [](const auto& at) { return std::string(at.param.name); });

struct AnswerRow {
  const char* name;
  int status;
  std::optional<milliseconds> retry_after;
  ErrorKind kind;
  bool may_have_acted = false;
};
class ClassifyAnswer : public testing::TestWithParam<AnswerRow> {};
TEST_P(ClassifyAnswer, gives_the_kind) {
  const auto& row = GetParam();
  const auto failure = classify_answer(row.status, "", row.retry_after);
  EXPECT_EQ(failure.kind, row.kind);
  EXPECT_EQ(failure.retry_after, row.kind == ErrorKind::throttled ? row.retry_after : std::nullopt);
  EXPECT_EQ(may_have_acted(row.status, failure), row.may_have_acted);
  EXPECT_THAT(failure.message, HasSubstr(std::to_string(row.status)));
}
const AnswerRow answer_rows[] = {
    {"moved", 301, {}, ErrorKind::bad_config},
    {"redirect", 307, {}, ErrorKind::bad_config},
    {"bad_request", 400, {}, ErrorKind::bad_config},
    {"unauthorized", 401, {}, ErrorKind::auth},
    {"forbidden", 403, {}, ErrorKind::auth},
    {"not_found", 404, {}, ErrorKind::not_found},
    {"not_acceptable", 406, {}, ErrorKind::bad_config},
    {"request_timeout", 408, {}, ErrorKind::transient, true},
    {"conflict", 409, {}, ErrorKind::bad_config},
    {"unprocessable", 422, {}, ErrorKind::bad_config},
    {"too_many", 429, 7s, ErrorKind::throttled},
    {"too_many_without_a_time", 429, {}, ErrorKind::throttled},
    {"server_error", 500, {}, ErrorKind::transient, true},
    {"bad_gateway", 502, {}, ErrorKind::transient, true},
    {"unavailable", 503, {}, ErrorKind::transient, true},
    {"unavailable_for_a_time", 503, 7s, ErrorKind::throttled},
    {"gateway_timeout", 504, {}, ErrorKind::transient, true},
    {"unheard_of", 599, {}, ErrorKind::transient, true},
};
INSTANTIATE_TEST_SUITE_P(rows, ClassifyAnswer, testing::ValuesIn(answer_rows),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(An_answers_message, says_code_words_and_trace) {
  const auto body = R"({"error":{"code":"conflict","message":"no upstream","trace_id":"t-1"}})";
  EXPECT_EQ(classify_answer(409, body, {}).message,
            "the service answered 409 conflict: no upstream (trace t-1)");
}

TEST(An_answers_message, names_the_remedy) {
  EXPECT_THAT(classify_answer(401, "", {}).message, HasSubstr("service.credential"));
  EXPECT_THAT(classify_answer(403, "", {}).message, HasSubstr("scopes"));
  EXPECT_THAT(classify_answer(302, "", {}).message, HasSubstr("service.url"));
}

TEST(An_answers_message, leaves_out_what_is_not_of_the_contract) {
  for (const auto* body : {"", "<html>Bad Gateway</html>", "[1]", R"({"error":"no"})",
                           R"({"error":{"code":7}})", R"({"error":{"code":)"}) {
    EXPECT_EQ(classify_answer(502, body, {}).message, "the service answered 502") << body;
  }
}

TEST(An_answers_message, is_one_short_printable_line) {
  const auto body = R"({"error":{"code":"x\u001b[31m","message":")" + std::string(100'000, 'a') + R"(\nb"}})";
  const auto message = classify_answer(500, body, {}).message;
  EXPECT_LT(message.size(), 1000u);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

Sync part(const std::string& id, const std::string& branch, SyncStatus status) {
  Sync sync;
  sync.id = id;
  sync.request.repo = "app";
  sync.request.globs = {.branches = {branch}, .tags = {}};
  sync.status = status;
  sync.created_at = WallTime{1000s};
  if (status != SyncStatus::queued) sync.started_at = WallTime{1001s};
  if (sync.terminal()) sync.finished_at = WallTime{1002s};
  if (status == SyncStatus::completed) sync.refs = std::make_shared<const RefResults>();
  if (status == SyncStatus::failed) sync.failure = Failure{.kind = ErrorKind::transient, .message = "broke"};
  return sync;
}

RefResult ref(const std::string& name, Outcome outcome) { return {.name = name, .outcome = outcome}; }

TEST(A_composite_id, is_the_ids_of_its_parts) {
  const Patterns ids{"a", "b", "c"};
  EXPECT_EQ(join_ids(ids), "a+b+c");
  EXPECT_EQ(split_id("a+b+c"), ids);
  EXPECT_EQ(split_id("a"), Patterns{"a"});
  EXPECT_TRUE(split_id("").empty());
}

TEST(One_part, is_itself) {
  const auto merged = merge_parts(std::vector{part("a", "main", SyncStatus::failed)});
  EXPECT_EQ(merged.id, "a");
  EXPECT_EQ(merged.failure->message, "broke");
}

struct StatusRow {
  const char* name;
  SyncStatus first, second, merged;
};
class MergedStatus : public testing::TestWithParam<StatusRow> {};
TEST_P(MergedStatus, follows_from_the_parts) {
  const auto& row = GetParam();
  EXPECT_EQ(merge_parts(std::vector{part("a", "x", row.first), part("b", "y", row.second)}).status,
            row.merged);
  EXPECT_EQ(merge_parts(std::vector{part("a", "x", row.second), part("b", "y", row.first)}).status,
            row.merged);
}
using enum SyncStatus;
const StatusRow status_rows[] = {
    {"both_queued", queued, queued, queued},
    {"one_started", queued, in_progress, in_progress},
    {"one_ended", queued, completed, in_progress},
    {"one_failed_one_runs", failed, in_progress, in_progress},
    {"both_completed", completed, completed, completed},
    {"one_failed", completed, failed, failed},
};
INSTANTIATE_TEST_SUITE_P(rows, MergedStatus, testing::ValuesIn(status_rows),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(Parts_together, carry_the_globs_and_refs_of_all) {
  auto first = part("a", "main", completed);
  auto second = part("b", "release/*", completed);
  first.refs = std::make_shared<const RefResults>(
      RefResults{ref("refs/heads/main", Outcome::updated), ref("refs/heads/both", Outcome::unchanged)});
  second.refs = std::make_shared<const RefResults>(RefResults{ref("refs/heads/both", Outcome::updated)});
  second.finished_at = WallTime{1009s};
  const auto merged = merge_parts(std::vector{first, second});
  EXPECT_EQ(merged.id, "a+b");
  EXPECT_EQ(merged.request.globs.branches, (Patterns{"main", "release/*"}));
  EXPECT_EQ(count(*merged.refs), (RefCounts{.updated = 2}));
  EXPECT_EQ(merged.finished_at, WallTime{1009s});
}

TEST(Parts_that_failed, are_told_of_with_their_globs_and_what_a_person_must_mend_first) {
  auto first = part("a", "main", failed);
  auto second = part("b", "dev", failed);
  second.failure = Failure{.kind = ErrorKind::auth, .message = "refused"};
  const auto merged = merge_parts(std::vector{first, second});
  EXPECT_EQ(merged.failure->kind, ErrorKind::auth);
  EXPECT_EQ(merged.failure->message, "branches dev: refused (and 1 more of 2 parts)");
}

TEST(A_list_of_pages, is_followed_to_its_end) {
  PageGuard guard(10);
  EXPECT_TRUE(guard.follow("a"));
  EXPECT_TRUE(guard.follow("b"));
  EXPECT_FALSE(guard.follow(std::nullopt));
}

TEST(A_list_of_pages, that_loops_or_never_ends_is_noticed) {
  PageGuard loop(10);
  EXPECT_TRUE(loop.follow("a"));
  EXPECT_THROW(loop.follow("a"), Error);
  PageGuard endless(3);
  EXPECT_TRUE(endless.follow("1"));
  EXPECT_TRUE(endless.follow("2"));
  EXPECT_FALSE(endless.follow("3"));
}

TEST(Recent_names, are_new_once_and_the_oldest_are_forgotten) {
  Recent recent(2);
  EXPECT_TRUE(recent.is_new("a"));
  EXPECT_FALSE(recent.is_new("a"));
  EXPECT_TRUE(recent.is_new("b"));
  EXPECT_TRUE(recent.is_new("c"));
  EXPECT_FALSE(recent.is_new("c"));
  EXPECT_TRUE(recent.is_new("a"));
}

SyncPage page_of(std::vector<Sync> syncs) { return {.syncs = std::move(syncs), .next_cursor = "next"}; }

TEST(A_lost_request, is_found_by_direction_globs_and_time) {
  const auto wanted = part("a", "main", queued);
  const auto sent = wanted.created_at;
  const auto unknown = [](const std::string&) { return false; };
  auto push = part("b", "main", queued);
  push.request.direction = Direction::push;
  auto old = part("c", "main", queued);
  old.created_at = sent - clock_skew - 1ms;
  const auto found = [&](std::vector<Sync> syncs, const auto& known) {
    return find_lost(page_of(std::move(syncs)), wanted.request, sent, known) != nullptr;
  };
  EXPECT_TRUE(found({part("z", "dev", queued), push, old, wanted}, unknown));
  EXPECT_FALSE(found({push}, unknown));
  EXPECT_FALSE(found({part("z", "dev", queued)}, unknown));
  EXPECT_FALSE(found({old}, unknown));
  EXPECT_FALSE(found({wanted}, [](const std::string& id) { return id == "a"; }));
  old.created_at = sent - clock_skew;
  EXPECT_TRUE(found({old}, unknown));
}

TEST(A_lost_request, is_looked_for_until_the_list_comes_to_older_syncs) {
  auto page = page_of({part("a", "main", queued)});
  const auto sent = page.syncs[0].created_at;
  EXPECT_TRUE(may_be_further(page, sent));
  EXPECT_FALSE(may_be_further(page, sent + clock_skew + 1ms));
  page.next_cursor.reset();
  EXPECT_FALSE(may_be_further(page, sent));
}

TEST(Lost_requests, are_remembered_from_the_first_time_and_in_bounded_number) {
  LostRequests lost;
  lost.remember("a", WallTime{5s});
  lost.remember("a", WallTime{9s});
  EXPECT_EQ(lost.sent("a"), WallTime{5s});
  for (int i = 0; i < 20'000; ++i) lost.remember(std::to_string(i), WallTime{10s});
  EXPECT_FALSE(lost.sent("a"));
  lost.forget("19999");
  EXPECT_FALSE(lost.sent("19999"));
}

}  // namespace
}  // namespace refsyncd
