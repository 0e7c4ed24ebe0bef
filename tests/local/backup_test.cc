#include "local/backup.h"

#include <gtest/gtest.h>

#include "base/uuid.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

ObjectId id(uint8_t n) {
  ObjectId value;
  value.bytes[0] = n;
  return value;
}

RefResult result(const std::string& name, Reason reason, Outcome outcome = Outcome::updated) {
  return {
      .name = name, .before = id(1), .after = id(2), .outcome = outcome, .reason = reason, .offered = id(2)};
}

const WallTime noon{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1} + 12h};

Sync sync_made_at(WallTime at) {
  Sync sync;
  sync.id = new_uuid(at);
  sync.attempt = 2;
  return sync;
}

TEST(Backups, are_made_of_forced_and_pruned_refs_alone) {
  const auto sync = sync_made_at(noon);
  const auto backups =
      backups_for(sync, {result("refs/heads/a", Reason::fast_forward), result("refs/heads/b", Reason::forced),
                         result("refs/tags/c", Reason::pruned),
                         result("refs/heads/d", Reason::prune_guard, Outcome::rejected)});
  ASSERT_EQ(backups.size(), 2u);
  EXPECT_EQ(backups[0].name, "refs/refsyncd/backup/" + sync.id + ".2/heads/b");
  EXPECT_EQ(backups[0].value, id(1));
  EXPECT_TRUE(backups[0].expected.absent());
  EXPECT_EQ(backups[1].name, "refs/refsyncd/backup/" + sync.id + ".2/tags/c");
}

TEST(Backups, expire_by_the_time_their_sync_was_made) {
  const std::vector<RefValue> held{
      {backup_ref(sync_made_at(noon), "refs/heads/old"), id(1)},
      {backup_ref(sync_made_at(noon + 48h), "refs/heads/young"), id(2)},
      {"refs/refsyncd/backup/by-hand/heads/main", id(3)},
      {"refs/heads/main", id(4)},
  };
  const auto expired = expired_backups(held, noon + 24h);
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].name, held[0].name);
  EXPECT_EQ(expired[0].expected, id(1));
  EXPECT_TRUE(expired[0].value.absent());
}

}  // namespace
}  // namespace refsyncd
