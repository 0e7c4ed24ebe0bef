#include "api/webhook_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/api_router.h"
#include "base/uuid.h"
#include "contract/time.h"

namespace refsyncd {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Keeps targets in memory.
struct FakeWebhookControl final : WebhookControl {
  std::vector<WebhookTarget> targets;
  bool full = false;
  bool allow_private = false;
  WallTime now = *parse_time("2026-01-05T09:30:00Z");

  std::vector<WebhookTarget> webhook_targets() override { return targets; }
  Created create_webhook_target(const WebhookTarget& wanted) override {
    if (full) throw Error(ErrorKind::bad_config, "there are 100 webhook targets");
    auto target = wanted;
    target.id = new_uuid(now);
    target.created_at = target.updated_at = now;
    targets.push_back(target);
    return {target, Secret("whsec_1")};
  }
  std::optional<WebhookTarget> change_webhook_target(const std::string& id, const Change& change) override {
    for (auto& target : targets) {
      if (target.id != id) continue;
      apply(change, target);
      return target;
    }
    return std::nullopt;
  }
  bool remove_webhook_target(const std::string& id) override {
    return std::erase_if(targets, [&](const auto& target) { return target.id == id; }) > 0;
  }
  bool allows_private_webhooks() override { return allow_private; }
  std::vector<std::string> repository_ids() override { return {"repo-1", "repo-2"}; }
};

struct WebhookRoutes : testing::Test {
  FakeWebhookControl control;
  ApiCaller caller{.key_name = "ops", .scopes = {.admin = true}};
  ApiRouter router{"local", webhook_routes(control), [](const auto&, const auto&, const auto&) {}};

  HttpResponse call(const std::string& method, const std::string& path, const json& body = {},
                    HttpRequest::Fields query = {}) {
    return router.serve({.method = method,
                         .path = "/v1/local/webhook-targets" + path,
                         .query = std::move(query),
                         .body = body.is_null() ? "" : body.dump()},
                        [this](const HttpRequest&) { return caller; });
  }
  json create(const json& body) {
    const auto answer = call("POST", "", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json::parse(answer.body);
  }
  /// The message of a 400 that names the field; "" for another answer.
  std::string refusal(const json& body, const std::string& field, const std::string& method = "POST",
                      const std::string& path = "") {
    const auto answer = call(method, path, body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    const auto error = json::parse(answer.body).value("error", json::object());
    EXPECT_EQ(error["details"]["field"], field);
    return error["message"];
  }
};

const std::string url = "https://hooks.example.org/x";

TEST_F(WebhookRoutes, make_a_target_and_show_its_secret_once) {
  const auto made = create({{"name", "chat"},
                            {"url", url},
                            {"events", {"sync.failed", "push", "sync.failed"}},
                            {"repo_ids", {"repo-1"}}});
  auto shown = made;
  EXPECT_EQ(made["secret"], "whsec_1");
  shown.erase("secret");
  EXPECT_EQ(shown, json({{"id", control.targets[0].id},
                         {"name", "chat"},
                         {"url", url},
                         {"events", {"sync.failed", "push"}},
                         {"repo_ids", {"repo-1"}},
                         {"created_at", "2026-01-05T09:30:00.000Z"},
                         {"updated_at", "2026-01-05T09:30:00.000Z"}}));
  const auto got = call("GET", "/" + made["id"].get<std::string>());
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(json::parse(got.body), shown);
}

TEST_F(WebhookRoutes, fill_in_what_is_left_out) {
  const auto made = create({{"url", url}});
  EXPECT_EQ(made["name"], nullptr);
  EXPECT_EQ(made["repo_ids"], nullptr);
  EXPECT_EQ(made["events"], json({"sync.queued", "sync.in_progress", "sync.completed", "sync.failed"}));
}

TEST_F(WebhookRoutes, refuse_what_cannot_work_and_name_the_field) {
  EXPECT_EQ(refusal({{"name", "x"}}, "url"), "url: is missing");
  EXPECT_THAT(refusal({{"url", 1}}, "url"), HasSubstr("string"));
  EXPECT_THAT(refusal({{"url", "ftp://example.org/"}}, "url"), HasSubstr("http"));
  EXPECT_THAT(refusal({{"url", "https://me:pw@example.org/"}}, "url"), HasSubstr("password"));
  EXPECT_THAT(refusal({{"url", "https://example.org/" + std::string(2048, 'x')}}, "url"),
              HasSubstr("longer"));
  EXPECT_THAT(refusal({{"url", url}, {"name", 3}}, "name"), HasSubstr("string"));
  EXPECT_THAT(refusal({{"url", url}, {"events", json::array()}}, "events"), HasSubstr("not empty"));
  EXPECT_THAT(refusal({{"url", url}, {"events", "push"}}, "events"), HasSubstr("list"));
  EXPECT_THAT(refusal({{"url", url}, {"events", {"sync.done"}}}, "events"), HasSubstr("'sync.done'"));
  EXPECT_THAT(refusal({{"url", url}, {"repo_ids", {"repo-9"}}}, "repo_ids"), HasSubstr("'repo-9'"));
  EXPECT_THAT(refusal({{"url", url}, {"repo_ids", {1}}}, "repo_ids"), HasSubstr("strings"));
  EXPECT_TRUE(control.targets.empty());
}

TEST_F(WebhookRoutes, refuse_private_addresses_unless_they_are_allowed) {
  for (const auto* address :
       {"http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/", "http://10.0.0.7/"}) {
    EXPECT_THAT(refusal({{"url", address}}, "url"), HasSubstr("webhooks.allow_private"));
  }
  control.allow_private = true;
  create({{"url", "http://127.0.0.1:8080/"}});
}

TEST_F(WebhookRoutes, say_when_there_are_too_many) {
  control.full = true;
  EXPECT_EQ(call("POST", "", {{"url", url}}).status, 409);
}

TEST_F(WebhookRoutes, change_what_is_given_and_keep_the_rest) {
  const auto made = create({{"name", "chat"}, {"url", url}, {"repo_ids", {"repo-1"}}});
  const auto path = "/" + made["id"].get<std::string>();
  auto changed = json::parse(call("PATCH", path, {{"events", {"sync.failed"}}}).body);
  EXPECT_EQ(changed["events"], json({"sync.failed"}));
  EXPECT_EQ(changed["name"], "chat");
  EXPECT_EQ(changed["url"], url);
  EXPECT_EQ(changed["repo_ids"], json({"repo-1"}));
  EXPECT_FALSE(changed.contains("secret"));
  changed = json::parse(call("PATCH", path, {{"name", nullptr}, {"repo_ids", nullptr}}).body);
  EXPECT_EQ(changed["name"], nullptr);
  EXPECT_EQ(changed["repo_ids"], nullptr);
  EXPECT_THAT(refusal({{"url", "http://127.0.0.1/"}}, "url", "PATCH", path), HasSubstr("private"));
  EXPECT_THAT(refusal({{"url", ""}}, "url", "PATCH", path), HasSubstr("http"));
}

TEST_F(WebhookRoutes, remove_a_target) {
  const auto made = create({{"url", url}});
  const auto path = "/" + made["id"].get<std::string>();
  const auto removed = call("DELETE", path);
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(json::parse(removed.body), json({{"success", true}}));
  for (const auto* method : {"GET", "DELETE"}) EXPECT_EQ(call(method, path).status, 404) << method;
  EXPECT_EQ(call("PATCH", path, {{"name", "x"}}).status, 404);
}

TEST_F(WebhookRoutes, list_targets_page_by_page_each_once) {
  std::set<std::string> made;
  for (int i = 0; i < 5; ++i) made.insert(create({{"url", url}})["id"].get<std::string>());
  std::multiset<std::string> listed;
  HttpRequest::Fields query{{"limit", "2"}};
  for (int pages = 1;; ++pages) {
    const auto page = json::parse(call("GET", "", {}, query).body);
    for (const auto& target : page["webhook_targets"]) {
      EXPECT_FALSE(target.contains("secret"));
      listed.insert(target["id"].get<std::string>());
    }
    EXPECT_EQ(page["has_more"], pages < 3);
    EXPECT_EQ(page["next_cursor"].is_null(), pages == 3);
    if (pages == 3) break;
    query["cursor"] = page["next_cursor"];
  }
  EXPECT_EQ(listed, std::multiset<std::string>(made.begin(), made.end()));
}

TEST_F(WebhookRoutes, are_for_administrators) {
  caller.scopes = {.read = true, .write = true};
  EXPECT_EQ(call("GET", "").status, 403);
  EXPECT_EQ(call("POST", "", {{"url", url}}).status, 403);
  EXPECT_EQ(call("DELETE", "/x").status, 403);
}

}  // namespace
}  // namespace refsyncd
