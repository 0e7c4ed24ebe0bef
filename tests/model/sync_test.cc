#include "model/sync.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "model/object_id.h"
#include "model/policy_state.h"

namespace refsyncd {
namespace {

/// Every value's name leads back to the value, and no two share one. `last` is the enum's last value.
template <class Enum, class From>
void names_lead_back(Enum last, From from) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<Enum>(i);
    EXPECT_EQ(from(to_string(value)), value) << to_string(value);
    names.insert(to_string(value));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
  for (const auto* unknown : {"", "unknown", "Pull", "queued "})
    EXPECT_EQ(from(unknown), std::nullopt) << unknown;
}

TEST(Names, lead_back_to_their_values) {
  names_lead_back(Direction::push, direction_from);
  names_lead_back(SyncStatus::failed, sync_status_from);
  names_lead_back(Outcome::rejected, outcome_from);
  names_lead_back(Reason::missing_object, reason_from);
  names_lead_back(Priority::scheduled, priority_from);
  names_lead_back(RunPhase::backing_off, run_phase_from);
}

TEST(Names, are_the_contracts) {
  EXPECT_EQ(to_string(Direction::pull), "pull");
  EXPECT_EQ(to_string(Direction::push), "push");
  EXPECT_EQ(to_string(SyncStatus::queued), "queued");
  EXPECT_EQ(to_string(SyncStatus::in_progress), "in_progress");
  EXPECT_EQ(to_string(SyncStatus::completed), "completed");
  EXPECT_EQ(to_string(SyncStatus::failed), "failed");
  EXPECT_EQ(to_string(Outcome::updated), "updated");
  EXPECT_EQ(to_string(Outcome::unchanged), "unchanged");
  EXPECT_EQ(to_string(Outcome::filtered), "filtered");
  EXPECT_EQ(to_string(Outcome::rejected), "rejected");
}

TEST(ObjectIds, are_read_from_forty_digits_and_written_in_lower_case) {
  const auto id = ObjectId::from_hex("00FFabcdef0123456789ABCDEF0123456789abcd");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->hex(), "00ffabcdef0123456789abcdef0123456789abcd");
  EXPECT_EQ(id->bytes[0], 0x00);
  EXPECT_EQ(id->bytes[1], 0xff);
  EXPECT_FALSE(id->absent());
}

TEST(ObjectIds, are_not_read_from_anything_else) {
  const std::string good(40, 'a');
  EXPECT_TRUE(ObjectId::from_hex(good));
  EXPECT_FALSE(ObjectId::from_hex(""));
  EXPECT_FALSE(ObjectId::from_hex(good.substr(1)));
  EXPECT_FALSE(ObjectId::from_hex(good + "a"));
  EXPECT_FALSE(ObjectId::from_hex(std::string(64, 'a'))) << "a SHA-256 id";
  for (const char bad : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) {
    auto text = good;
    text[39] = bad;
    EXPECT_FALSE(ObjectId::from_hex(text)) << static_cast<int>(bad);
  }
}

TEST(ObjectIds, of_all_zeroes_mean_absent) {
  EXPECT_TRUE(ObjectId{}.absent());
  EXPECT_TRUE(ObjectId::from_hex(std::string(40, '0'))->absent());
  EXPECT_FALSE(ObjectId::from_hex(std::string(39, '0') + "1")->absent());
}

TEST(ObjectIds, sort_as_their_digits_do) {
  EXPECT_LT(*ObjectId::from_hex(std::string(40, '7')), *ObjectId::from_hex(std::string(40, '8')));
}

TEST(Counts, tell_how_many_refs_had_each_outcome) {
  RefResults refs(6);
  refs[0].outcome = refs[1].outcome = refs[2].outcome = Outcome::updated;
  refs[3].outcome = refs[4].outcome = Outcome::rejected;
  refs[5].outcome = Outcome::filtered;
  const auto counts = count(refs);
  EXPECT_EQ(counts, (RefCounts{.updated = 3, .unchanged = 0, .filtered = 1, .rejected = 2}));
  EXPECT_EQ(counts[Outcome::updated], 3u);
  EXPECT_EQ(counts[Outcome::unchanged], 0u);
  EXPECT_EQ(counts[Outcome::filtered], 1u);
  EXPECT_EQ(counts[Outcome::rejected], 2u);
  EXPECT_EQ(counts.total(), 6u);
  EXPECT_EQ(count({}), RefCounts{});
}

TEST(Requests, are_the_same_work_whoever_asks_and_however_urgently) {
  const SyncRequest request{.repo = "app"};
  auto other = request;
  other.priority = Priority::manual;
  other.policy = "app-pull";
  other.timeout = milliseconds(1);
  EXPECT_TRUE(request.same_work(other));
}

TEST(Requests, are_other_work_when_any_of_its_terms_differ) {
  const SyncRequest request{.repo = "app"};
  const auto differs = [&](auto change) {
    auto other = request;
    change(other);
    return !request.same_work(other);
  };
  EXPECT_TRUE(differs([](SyncRequest& r) { r.repo = "lib"; }));
  EXPECT_TRUE(differs([](SyncRequest& r) { r.direction = Direction::push; }));
  EXPECT_TRUE(differs([](SyncRequest& r) { r.globs.tags.clear(); }));
  EXPECT_TRUE(differs([](SyncRequest& r) { r.exclude.branches = {"wip/*"}; }));
  EXPECT_TRUE(differs([](SyncRequest& r) { r.force = true; }));
  EXPECT_TRUE(differs([](SyncRequest& r) { r.prune = true; }));
}

TEST(Syncs, are_terminal_once_completed_or_failed) {
  Sync sync;
  for (const auto& [status, terminal] : {std::pair{SyncStatus::queued, false},
                                         {SyncStatus::in_progress, false},
                                         {SyncStatus::completed, true},
                                         {SyncStatus::failed, true}}) {
    sync.status = status;
    EXPECT_EQ(sync.terminal(), terminal) << to_string(status);
  }
}

}  // namespace
}  // namespace refsyncd
