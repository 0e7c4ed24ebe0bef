#include "api/mesa_webhook.h"

#include <gtest/gtest.h>

#include "api/fake_control.h"
#include "api/routes.h"

namespace refsyncd {
namespace {

HttpRequest event(const std::string& method = "POST") {
  return {.method = method,
          .path = "/webhooks/mesa",
          .headers = {{"x-mesa-signature", "t=1,sha256=ff"}},
          .body = std::string("{\"id\":\"evt\"}\0", 13)};
}

TEST(A_webhook_from_the_service, is_handed_on_with_its_signature_and_raw_body) {
  FakeControl control;
  EXPECT_EQ(serve_public(control, event()).status, 204);
  ASSERT_EQ(control.webhooks.size(), 1u);
  EXPECT_EQ(control.webhooks[0].first, "t=1,sha256=ff");
  EXPECT_EQ(control.webhooks[0].second, event().body);
}

TEST(A_webhook_from_the_service, is_answered_by_what_became_of_it) {
  for (const auto& [reply, status] : {std::pair(WebhookReply::taken, 204),
                                      {WebhookReply::not_genuine, 401},
                                      {WebhookReply::not_an_event, 400},
                                      {WebhookReply::not_wanted, 404}}) {
    FakeControl control;
    control.webhook_reply = reply;
    EXPECT_EQ(serve_public(control, event()).status, status);
  }
}

TEST(A_webhook_from_the_service, without_a_signature_is_judged_all_the_same) {
  FakeControl control;
  auto request = event();
  request.headers.clear();
  serve_public(control, request);
  EXPECT_EQ(control.webhooks.at(0).first, "");
}

TEST(A_webhook_from_the_service, comes_by_post_alone) {
  FakeControl control;
  EXPECT_EQ(serve_public(control, event("GET")).status, 405);
  EXPECT_TRUE(control.webhooks.empty());
}

TEST(A_webhook_from_the_service, that_cannot_be_taken_now_is_to_be_sent_again) {
  FakeControl control;
  control.problem = Error(ErrorKind::transient, "busy");
  EXPECT_EQ(serve_public(control, event()).status, 503);
}

}  // namespace
}  // namespace refsyncd
