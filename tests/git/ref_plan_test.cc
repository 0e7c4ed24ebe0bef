#include "git/ref_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace refsyncd {
namespace {

ObjectId id(uint8_t n) {
  ObjectId value;
  value.bytes[19] = n;
  return value;
}

constexpr uint8_t old_value = 1;
constexpr uint8_t new_value = 2;

/// A source and a target with at most one ref each, and what history says about the two values.
struct Row {
  const char* name;
  const char* ref;
  uint8_t source;  ///< 0 = absent
  uint8_t target;
  Ancestry history;
  bool force;
  bool prune;
  bool excluded;
  std::optional<Outcome> outcome;  ///< nothing: the ref is not in the results
  Reason reason = Reason::up_to_date;
  uint8_t after = 0;
};

class PlanOfOneRef : public testing::TestWithParam<Row> {};

std::vector<RefValue> refs(const char* name, uint8_t value) {
  if (value == 0) return {};
  return {{.name = name, .id = id(value)}};
}

TEST_P(PlanOfOneRef, follows_the_contract) {
  const auto& row = GetParam();
  // Companions that stay keep the guard against mass deletion out of the way.
  auto source = refs(row.ref, row.source);
  auto target = refs(row.ref, row.target);
  for (auto* side : {&source, &target}) {
    side->push_back({.name = "refs/heads/zz", .id = id(9)});
    std::sort(side->begin(), side->end());
  }
  RefRules rules{.force = row.force, .prune = row.prune};
  if (row.excluded) rules.exclude = {.branches = {"topic*"}, .tags = {"v*"}};

  const auto results =
      plan_refs(rules, source, target, "refs/heads/zz", [&](const ObjectId& base, const ObjectId& tip) {
        return base == tip && row.history != Ancestry::not_a_commit && row.history != Ancestry::unknown_object
                   ? Ancestry::same
                   : row.history;
      });
  const auto found =
      std::find_if(results.begin(), results.end(), [&](const auto& r) { return r.name == row.ref; });
  ASSERT_EQ(found != results.end(), row.outcome.has_value());
  if (!row.outcome) return;
  EXPECT_EQ(to_string(found->outcome), to_string(*row.outcome));
  EXPECT_EQ(to_string(found->reason), to_string(row.reason));
  EXPECT_EQ(found->before, row.target == 0 ? std::nullopt : std::optional(id(row.target)));
  EXPECT_EQ(found->after, row.after == 0 ? ObjectId{} : id(row.after));
  EXPECT_EQ(found->offered, row.source == 0 ? std::nullopt : std::optional(id(row.source)));
}

constexpr auto branch = "refs/heads/topic";
constexpr auto tag = "refs/tags/v1";
constexpr auto upd = Outcome::updated;
constexpr auto same = Outcome::unchanged;
constexpr auto out = Outcome::filtered;
constexpr auto rej = Outcome::rejected;
constexpr auto o = old_value;
constexpr auto n = new_value;
constexpr auto ahead = Ancestry::ahead;
constexpr auto diverged = Ancestry::diverged;
constexpr auto unknown_object = Ancestry::unknown_object;
constexpr auto not_a_commit = Ancestry::not_a_commit;
using R = Reason;

INSTANTIATE_TEST_SUITE_P(
    Branches, PlanOfOneRef,
    testing::Values(
        //  name                                ref   src tgt history        force  prune  excl   outcome
        //  reason             after
        Row{"absent_on_both_is_nothing", branch, 0, 0, ahead, false, false, false, {}},
        Row{"new_is_created", branch, n, 0, ahead, false, false, false, upd, R::created, n},
        Row{"equal_is_unchanged", branch, o, o, ahead, false, false, false, same, R::up_to_date, o},
        Row{"ahead_is_fast_forwarded", branch, n, o, ahead, false, false, false, upd, R::fast_forward, n},
        Row{"ahead_with_force_is_still_a_fast_forward", branch, n, o, ahead, true, false, false, upd,
            R::fast_forward, n},
        Row{"diverged_is_rejected", branch, n, o, diverged, false, false, false, rej, R::non_fast_forward, o},
        Row{"diverged_is_overwritten_by_force", branch, n, o, diverged, true, false, false, upd, R::forced,
            n},
        Row{"unknown_base_is_rejected", branch, n, o, unknown_object, false, false, false, rej,
            R::non_fast_forward, o},
        Row{"unknown_base_is_overwritten_by_force", branch, n, o, unknown_object, true, false, false, upd,
            R::forced, n},
        Row{"new_without_its_object_is_rejected", branch, n, 0, unknown_object, false, false, false, rej,
            R::missing_object, 0},
        Row{"new_that_is_no_commit_is_rejected", branch, n, 0, not_a_commit, false, false, false, rej,
            R::not_a_commit, 0},
        Row{"update_to_no_commit_is_rejected_even_by_force", branch, n, o, not_a_commit, true, false, false,
            rej, R::not_a_commit, o},
        Row{"gone_at_the_source_is_left_alone", branch, 0, o, ahead, false, false, false, {}},
        Row{"gone_at_the_source_with_force_is_left_alone", branch, 0, o, ahead, true, false, false, {}},
        Row{"gone_at_the_source_is_pruned", branch, 0, o, ahead, false, true, false, upd, R::pruned, 0},
        Row{"gone_but_excluded_is_not_pruned", branch, 0, o, ahead, false, true, true, {}},
        Row{"new_but_excluded_is_filtered", branch, n, 0, ahead, false, false, true, out, R::excluded, 0},
        Row{"moved_but_excluded_is_filtered", branch, n, o, diverged, true, true, true, out, R::excluded, o},
        Row{"equal_but_excluded_is_filtered", branch, o, o, ahead, false, false, true, out, R::excluded, o}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Tags, PlanOfOneRef,
    testing::Values(
        Row{"new_is_created", tag, n, 0, ahead, false, false, false, upd, R::created, n},
        Row{"new_of_any_object_is_created", tag, n, 0, not_a_commit, false, false, false, upd, R::created, n},
        Row{"new_without_its_object_is_rejected", tag, n, 0, unknown_object, false, false, false, rej,
            R::missing_object, 0},
        Row{"equal_is_unchanged", tag, o, o, ahead, false, false, false, same, R::up_to_date, o},
        Row{"moved_forward_is_rejected_all_the_same", tag, n, o, ahead, false, false, false, rej,
            R::tag_exists, o},
        Row{"moved_is_overwritten_by_force", tag, n, o, diverged, true, false, false, upd, R::forced, n},
        Row{"gone_at_the_source_is_left_alone", tag, 0, o, ahead, false, false, false, {}},
        Row{"gone_at_the_source_is_pruned", tag, 0, o, ahead, false, true, false, upd, R::pruned, 0},
        Row{"moved_but_excluded_is_filtered", tag, n, o, ahead, true, false, true, out, R::excluded, o}),
    [](const auto& row) { return row.param.name; });

Ancestry always_ahead(const ObjectId& base, const ObjectId& tip) {
  return base == tip ? Ancestry::same : Ancestry::ahead;
}

RefResults plan(const RefRules& rules, std::vector<RefValue> source, std::vector<RefValue> target,
                const std::string& head = "") {
  std::sort(source.begin(), source.end());
  std::sort(target.begin(), target.end());
  return plan_refs(rules, source, target, head, always_ahead);
}

TEST(A_plan, speaks_only_of_source_refs_that_the_globs_match) {
  const auto results =
      plan({.globs = {.branches = {"release/*"}, .tags = {}}},
           {{"refs/heads/main", id(1)}, {"refs/heads/release/1/rc", id(2)}, {"refs/tags/v1", id(3)}},
           {{"refs/heads/other", id(4)}});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].name, "refs/heads/release/1/rc");
}

TEST(A_plan, rejects_a_name_that_is_a_folder_of_a_ref_the_target_keeps) {
  const auto below = plan({}, {{"refs/heads/a/b", id(1)}}, {{"refs/heads/a", id(2)}});
  EXPECT_EQ(below.at(0).reason, Reason::directory_file_conflict);
  const auto above = plan({}, {{"refs/heads/a", id(1)}}, {{"refs/heads/a/b/c", id(2)}});
  EXPECT_EQ(above.at(0).reason, Reason::directory_file_conflict);
  const auto neighbour = plan({}, {{"refs/heads/a-b", id(1)}}, {{"refs/heads/a", id(2)}});
  EXPECT_EQ(neighbour.at(0).outcome, Outcome::updated);
}

TEST(A_plan, lets_a_renamed_folder_through_when_the_old_name_is_pruned) {
  const auto results = plan({.prune = true}, {{"refs/heads/a/b", id(1)}, {"refs/heads/main", id(2)}},
                            {{"refs/heads/a", id(3)}, {"refs/heads/main", id(2)}}, "refs/heads/main");
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].reason, Reason::pruned);
  EXPECT_EQ(results[1].reason, Reason::created);
}

TEST(The_guard_against_mass_deletion, refuses_to_prune_when_the_source_lists_nothing) {
  for (const auto& ref : plan({.prune = true}, {}, {{"refs/heads/a", id(1)}, {"refs/heads/b", id(2)}})) {
    EXPECT_EQ(ref.reason, Reason::prune_guard);
    EXPECT_EQ(ref.outcome, Outcome::rejected);
    EXPECT_EQ(ref.before, ref.after);
  }
}

TEST(The_guard_against_mass_deletion, refuses_more_than_half_and_allows_half) {
  const std::vector<RefValue> held{
      {"refs/heads/a", id(1)}, {"refs/heads/b", id(2)}, {"refs/heads/c", id(3)}, {"refs/heads/d", id(4)}};
  EXPECT_EQ(plan({.prune = true}, {held[0], held[1]}, held).at(2).reason, Reason::pruned);
  EXPECT_EQ(plan({.prune = true}, {held[0]}, held).at(2).reason, Reason::prune_guard);
}

TEST(The_guard_against_mass_deletion, never_lets_the_targets_HEAD_branch_go) {
  const std::vector<RefValue> held{{"refs/heads/a", id(1)}, {"refs/heads/b", id(2)}, {"refs/heads/c", id(3)}};
  EXPECT_EQ(plan({.prune = true}, {held[0], held[1]}, held, "refs/heads/c").at(2).reason,
            Reason::prune_guard);
}

TEST(The_guard_against_mass_deletion, holds_nothing_else_back_with_the_HEAD_branch) {
  const std::vector<RefValue> held{
      {"refs/heads/a", id(1)}, {"refs/heads/b", id(2)}, {"refs/heads/c", id(3)}, {"refs/heads/d", id(4)}};
  const auto results = plan({.prune = true}, {held[0], held[3]}, held, "refs/heads/c");
  EXPECT_EQ(results.at(1).reason, Reason::pruned);
  EXPECT_EQ(results.at(2).reason, Reason::prune_guard);
}

TEST(Refs_to_transfer, are_those_whose_objects_the_decision_needs) {
  const std::vector<RefValue> source{{"refs/heads/equal", id(1)}, {"refs/heads/moved", id(2)},
                                     {"refs/heads/new", id(3)},   {"refs/heads/skip", id(4)},
                                     {"refs/tags/moved", id(5)},  {"refs/tags/new", id(6)}};
  const std::vector<RefValue> target{
      {"refs/heads/equal", id(1)}, {"refs/heads/moved", id(9)}, {"refs/tags/moved", id(9)}};
  RefRules rules{.exclude = {.branches = {"skip"}, .tags = {}}};
  using Names = std::vector<std::string>;
  EXPECT_EQ(refs_to_transfer(rules, source, target),
            (Names{"refs/heads/moved", "refs/heads/new", "refs/tags/new"}));
  rules.force = true;
  EXPECT_EQ(refs_to_transfer(rules, source, target),
            (Names{"refs/heads/moved", "refs/heads/new", "refs/tags/moved", "refs/tags/new"}));
}

TEST(Without_switches, no_plan_ever_moves_a_tag_rewinds_a_branch_or_deletes) {
  std::mt19937 dice(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<RefValue> sides[2];
    for (auto& side : sides) {
      for (const char* name :
           {"refs/heads/a", "refs/heads/b", "refs/heads/b/c", "refs/tags/a", "refs/tags/b"}) {
        if (dice() % 2) side.push_back({.name = name, .id = id(static_cast<uint8_t>(1 + dice() % 3))});
      }
    }
    const auto history = static_cast<Ancestry>(dice() % 5);
    const auto results =
        plan_refs({}, sides[0], sides[1], "", [&](const auto&, const auto&) { return history; });
    for (const auto& ref : results) {
      if (ref.outcome != Outcome::updated) {
        EXPECT_EQ(ref.after, ref.before.value_or(ObjectId{}));
        continue;
      }
      EXPECT_FALSE(ref.after.absent());
      if (ref.before) {
        EXPECT_EQ(history, ahead) << ref.name;
        EXPECT_TRUE(ref.name.starts_with("refs/heads/"));
      }
    }
  }
}

TEST(New_refs, of_which_one_would_be_the_others_directory_are_not_both_made) {
  const std::vector<RefValue> source{{"refs/heads/a", id(1)},
                                     {"refs/heads/a-b", id(1)},
                                     {"refs/heads/a/b", id(1)},
                                     {"refs/heads/a/b/c", id(1)},
                                     {"refs/heads/b/c", id(1)}};
  const auto results = plan_refs({}, source, {}, "", [](const auto&, const auto&) { return Ancestry::same; });
  std::map<std::string, Reason> reasons;
  for (const auto& result : results) reasons[result.name] = result.reason;
  EXPECT_EQ(reasons, (std::map<std::string, Reason>{{"refs/heads/a", Reason::created},
                                                    {"refs/heads/a-b", Reason::created},
                                                    {"refs/heads/a/b", Reason::directory_file_conflict},
                                                    {"refs/heads/a/b/c", Reason::directory_file_conflict},
                                                    {"refs/heads/b/c", Reason::created}}));
  EXPECT_EQ(results[2].after, ObjectId{});
}

}  // namespace
}  // namespace refsyncd
