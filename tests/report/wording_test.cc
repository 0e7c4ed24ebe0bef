#include "report/wording.h"

#include <gtest/gtest.h>

#include "report/samples.h"

namespace refsyncd {
namespace {

struct DurationRow {
  const char* name;
  milliseconds duration;
  const char* text;
};
class RoughDuration : public testing::TestWithParam<DurationRow> {};

TEST_P(RoughDuration, reads_as) { EXPECT_EQ(rough_duration(GetParam().duration), GetParam().text); }

INSTANTIATE_TEST_SUITE_P(wording, RoughDuration,
                         testing::Values(DurationRow{"nothing", milliseconds(0), "0ms"},
                                         DurationRow{"short", milliseconds(999), "999ms"},
                                         DurationRow{"a_second", milliseconds(1000), "1.0s"},
                                         DurationRow{"cut", milliseconds(1399), "1.3s"},
                                         DurationRow{"never_sixty_seconds", milliseconds(59'999), "59.9s"},
                                         DurationRow{"minutes", milliseconds(125'900), "2m5s"},
                                         DurationRow{"hours", std::chrono::hours(30), "1d6h"}),
                         [](const auto& test) { return test.param.name; });

TEST(wording, counts_name_only_what_occurred) {
  EXPECT_EQ(describe(RefCounts{.updated = 2, .unchanged = 18, .filtered = 0, .rejected = 0}),
            "2 updated, 18 unchanged");
  EXPECT_EQ(describe(RefCounts{.updated = 1, .unchanged = 2, .filtered = 3, .rejected = 4}),
            "1 updated, 2 unchanged, 3 filtered, 4 rejected");
  EXPECT_EQ(describe(RefCounts{}), "no refs");
}

struct RefRow {
  const char* name;
  RefResult ref;
  const char* text;
};
class DescribedRef : public testing::TestWithParam<RefRow> {};

TEST_P(DescribedRef, reads_as) { EXPECT_EQ(describe(GetParam().ref), GetParam().text); }

RefResult changed(RefResult ref, Outcome outcome, Reason reason) {
  ref.outcome = outcome;
  ref.reason = reason;
  return ref;
}
RefResult created(std::optional<ObjectId> before) {
  auto ref = changed(updated("refs/tags/v1"), Outcome::updated, Reason::created);
  ref.before = before;
  return ref;
}
RefResult pruned() {
  auto ref = changed(updated("refs/heads/old"), Outcome::updated, Reason::pruned);
  ref.after = {};
  ref.offered.reset();
  return ref;
}
RefResult refused_new() {
  auto ref = rejected("refs/heads/main", Reason::remote_refused, "protected branch");
  ref.before.reset();
  ref.after = {};
  return ref;
}

INSTANTIATE_TEST_SUITE_P(
    wording, DescribedRef,
    testing::Values(
        RefRow{"forward", updated("refs/heads/main"),
               "refs/heads/main updated 1111111111..2222222222 (fast_forward)"},
        RefRow{"forced", changed(updated("refs/heads/main"), Outcome::updated, Reason::forced),
               "refs/heads/main updated 1111111111..2222222222 (forced)"},
        RefRow{"created", created({}), "refs/tags/v1 created at 2222222222"},
        RefRow{"created_from_zeroes", created(ObjectId{}), "refs/tags/v1 created at 2222222222"},
        RefRow{"pruned", pruned(), "refs/heads/old deleted, was 1111111111"},
        RefRow{"unchanged", unchanged("refs/heads/main"), "refs/heads/main unchanged"},
        RefRow{"filtered", changed(unchanged("refs/heads/wip"), Outcome::filtered, Reason::excluded),
               "refs/heads/wip filtered (excluded)"},
        RefRow{"diverged", rejected("refs/heads/main"),
               "refs/heads/main rejected (non_fast_forward): the target has commits that the source does not "
               "have; "
               "it holds 1111111111, the source offers 2222222222"},
        RefRow{
            "refused", refused_new(),
            "refs/heads/main rejected (remote_refused): the upstream refused the update; it says: protected "
            "branch"}),
    [](const auto& test) { return test.param.name; });

TEST(wording, only_failures_that_need_a_person_have_a_remedy) {
  for (const auto kind : all_error_kinds) {
    EXPECT_EQ(remedy(kind).empty(), worth_retrying_soon(kind)) << to_string(kind);
  }
}

}  // namespace
}  // namespace refsyncd
