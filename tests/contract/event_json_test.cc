#include "contract/event_json.h"

#include <gtest/gtest.h>

#include "contract/sync_json.h"
#include "contract/time.h"

namespace refsyncd {
namespace {

using nlohmann::json;

Sync queued() {
  Sync sync;
  sync.id = "sync-1";
  sync.repo_id = "repo-1";
  sync.request.repo = "app";
  sync.created_at = *parse_time("2026-01-05T09:30:00Z");
  return sync;
}

SyncEvent event(Sync sync) {
  return {.id = "event-1",
          .occurred_at = *parse_time("2026-01-05T09:30:01.500Z"),
          .organization = {.id = "org-1", .slug = "acme", .name = "ACME"},
          .repository_url = "http://agent.example/v1/acme/app",
          .sync = std::move(sync)};
}

TEST(An_event, has_the_shape_of_the_contract) {
  EXPECT_EQ(
      to_json_value(event(queued())),
      json({{"id", "event-1"},
            {"type", "sync.queued"},
            {"occurred_at", "2026-01-05T09:30:01.500Z"},
            {"organization", {{"id", "org-1"}, {"slug", "acme"}, {"name", "ACME"}}},
            {"repository", {{"id", "repo-1"}, {"name", "app"}, {"url", "http://agent.example/v1/acme/app"}}},
            {"data", {{"sync", to_json_value(queued())}}}}));
}

TEST(An_event, is_named_after_the_status) {
  auto sync = queued();
  sync.status = SyncStatus::in_progress;
  EXPECT_EQ(to_json_value(event(sync))["type"], "sync.in_progress");
  sync.status = SyncStatus::failed;
  sync.failure = Failure{ErrorKind::auth, "no", std::nullopt};
  EXPECT_EQ(to_json_value(event(sync))["type"], "sync.failed");
  sync.status = SyncStatus::completed;
  EXPECT_EQ(to_json_value(event(sync))["type"], "sync.completed");
}

TEST(An_event, may_get_its_refs_later) {
  auto sync = queued();
  sync.status = SyncStatus::completed;
  sync.refs = std::make_shared<const RefResults>(RefResults{{.name = "refs/heads/main"}});
  const auto whole = to_json_value(event(sync)).dump();
  sync.refs = std::make_shared<const RefResults>();
  const auto without = to_json_value(event(sync)).dump();
  EXPECT_NE(without, whole);
  EXPECT_EQ(with_refs(without, {{.name = "refs/heads/main"}}), whole);
}

}  // namespace
}  // namespace refsyncd
