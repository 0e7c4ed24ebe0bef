#include "contract/webhook_json.h"

#include <gtest/gtest.h>

namespace refsyncd {
namespace {

const std::string completed = R"({"id":"evt_1","type":"sync.completed","occurred_at":"2026-01-05T09:30:00Z",
  "organization":{"id":"o","slug":"acme","name":"ACME"},"repository":null,
  "data":{"sync":{"id":"s1","repo_id":"r1","direction":"pull","status":"completed","attempt":1,
    "ref_globs":{"branches":"*","tags":"*"},"stats":{"refs":[]},"error":null,
    "created_at":"2026-01-05T09:30:00Z","started_at":"2026-01-05T09:30:00Z","finished_at":"2026-01-05T09:30:01Z"}}})";

TEST(A_webhook, carries_the_sync_it_is_about) {
  const auto event = webhook_from_json(completed);
  EXPECT_EQ(event.id, "evt_1");
  EXPECT_EQ(event.type, "sync.completed");
  ASSERT_TRUE(event.sync);
  EXPECT_EQ(event.sync->id, "s1");
  EXPECT_EQ(event.sync->status, SyncStatus::completed);
}

TEST(A_webhook, of_another_kind_is_read_without_its_data) {
  const auto event = webhook_from_json(R"({"id":"evt_2","type":"repo.created","data":{"anything":1}})");
  EXPECT_EQ(event.id, "evt_2");
  EXPECT_FALSE(event.sync);
}

TEST(A_webhook, that_is_not_of_the_contract_is_refused) {
  for (const auto* body :
       {"", "<html>", "[]", R"({"type":"sync.completed"})", R"({"id":"","type":"ping"})",
        R"({"id":"e","type":"sync.queued"})", R"({"id":"e","type":"sync.queued","data":{}})",
        R"({"id":"e","type":"sync.queued","data":{"sync":{"id":"s"}}})"}) {
    EXPECT_THROW(webhook_from_json(body), Error) << body;
  }
}

}  // namespace
}  // namespace refsyncd
