#include "api/forge_webhook.h"

#include <gtest/gtest.h>

#include "api/fake_control.h"
#include "api/routes.h"

namespace refsyncd {
namespace {

using Verdict = NoticeReply::Verdict;

HttpRequest push_to(const std::string& path, const std::string& method = "POST") {
  return {.method = method, .path = path, .headers = {{"x-github-event", "push"}}, .body = "{}"};
}

TEST(A_webhook_of_a_forge, is_handed_on_with_its_headers_and_raw_body) {
  for (const auto forge : all_forges) {
    FakeControl control;
    EXPECT_EQ(serve_public(control, push_to("/webhooks/" + std::string(to_string(forge)))).status, 200);
    ASSERT_EQ(control.notices.size(), 1u);
    EXPECT_EQ(control.notices[0].first, forge);
    EXPECT_EQ(control.notices[0].second.headers.at("x-github-event"), "push");
    EXPECT_EQ(control.notices[0].second.body, "{}");
  }
}

TEST(A_webhook_of_a_forge, is_answered_by_what_became_of_it) {
  for (const auto& [reply, status] : {std::pair(NoticeReply{Verdict::taken, 2}, 202),
                                      {NoticeReply{Verdict::taken, 0}, 200},
                                      {NoticeReply{Verdict::not_genuine, 0}, 401},
                                      {NoticeReply{Verdict::malformed, 0}, 400},
                                      {NoticeReply{Verdict::not_wanted, 0}, 404}}) {
    FakeControl control;
    control.notice_reply = reply;
    EXPECT_EQ(serve_public(control, push_to("/webhooks/github")).status, status);
  }
}

TEST(A_webhook_of_a_forge, hears_how_many_policies_it_made_due) {
  FakeControl control;
  control.notice_reply = {Verdict::taken, 2};
  EXPECT_EQ(serve_public(control, push_to("/webhooks/gitea")).body, "{\"policies\":2}\n");
}

TEST(A_webhook_of_a_forge, comes_by_post_alone_and_to_a_known_path) {
  FakeControl control;
  EXPECT_EQ(serve_public(control, push_to("/webhooks/gitlab", "GET")).status, 405);
  EXPECT_EQ(serve_public(control, push_to("/webhooks/forgejo")).status, 404);
  EXPECT_TRUE(control.notices.empty());
}

TEST(A_webhook_of_a_forge, that_cannot_be_taken_now_is_to_be_sent_again) {
  FakeControl control;
  control.problem = Error(ErrorKind::transient, "the agent is stopping");
  EXPECT_EQ(serve_public(control, push_to("/webhooks/bitbucket")).status, 503);
}

}  // namespace
}  // namespace refsyncd
