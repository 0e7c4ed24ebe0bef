#include "webhooks/webhooks.h"

#include <gmock/gmock.h>

#include "contract/signature.h"
#include "webhooks/webhooks_bench.h"

namespace refsyncd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(WebhooksTest, tells_each_status_of_a_sync_in_order_also_when_one_commit_holds_them_all) {
  life->add_target(receiver.url(), all_events);
  const auto sync = queued("a");
  record(sync);
  record(started(sync));
  record(completed(started(sync)));
  const auto other = queued("b");
  record(other);
  record(failed(other));
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.in_progress a", "sync.completed a",
                                           "sync.queued b", "sync.failed b"));
  EXPECT_THAT(life->store.pending_deliveries(), IsEmpty());
  EXPECT_EQ(told.pending, 0u);
}

TEST_F(WebhooksTest, tells_all_of_a_sync_that_was_over_when_it_was_first_recorded) {
  life->add_target(receiver.url(), all_events);
  record(completed(started(queued("a"))));
  record(failed(started(queued("b"))));
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.in_progress a", "sync.completed a",
                                           "sync.queued b", "sync.in_progress b", "sync.failed b"));
}

TEST_F(WebhooksTest, signs_the_body_as_it_is_sent_with_the_secret_of_the_target) {
  const auto target = life->add_target(receiver.url(), all_events);
  record(queued("a"));
  settle();
  ASSERT_EQ(receiver.count(), 1u);
  const auto request = receiver.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/hook");
  EXPECT_EQ(request.query.at("key"), "kept");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_THAT(request.headers.at("user-agent"), HasSubstr("refsyncd/"));
  const auto secret = life->webhooks.secrets().read(target.id);
  ASSERT_TRUE(secret);
  EXPECT_EQ(check_signature(*secret, request.headers.at("x-mesa-signature"), clock.now(), request.body),
            SignatureCheck::good);
}

TEST_F(WebhooksTest, tells_a_status_once_however_often_it_is_recorded) {
  life->add_target(receiver.url(), all_events);
  auto sync = queued("a");
  record(sync);
  sync.request.priority = Priority::manual;
  record(sync);
  settle();
  restart();
  record(sync);
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a"));
}

TEST_F(WebhooksTest, tells_of_a_sync_that_a_crash_put_back_into_the_queue) {
  life->add_target(receiver.url(), all_events);
  auto sync = queued("a");
  record(sync);
  record(started(sync));
  settle();
  restart();
  sync.attempt = 2;
  record(sync);
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.in_progress a", "sync.queued a"));
}

TEST_F(WebhooksTest, tells_a_target_what_it_asked_for_and_nothing_else) {
  Receiver other;
  life->add_target(receiver.url(), {"sync.failed"});
  life->add_target(other.url(), all_events, std::vector<std::string>{"repo-2"});
  record(failed(queued("a", "repo-1")));
  record(queued("b", "repo-2"));
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.failed a"));
  EXPECT_THAT(other.told(), ElementsAre("sync.queued b"));
}

TEST_F(WebhooksTest, gives_one_event_the_same_id_for_all_who_hear_of_it) {
  Receiver other;
  life->add_target(receiver.url(), all_events);
  life->add_target(other.url(), all_events);
  record(queued("a"));
  settle();
  ASSERT_EQ(receiver.count(), 1u);
  ASSERT_EQ(other.count(), 1u);
  EXPECT_EQ(receiver.requests()[0].body, other.requests()[0].body);
}

TEST_F(WebhooksTest, tries_again_after_an_error_and_lets_nothing_of_the_repository_pass) {
  life->add_target(receiver.url(), all_events);
  receiver.answer_with({{.status = 500}});
  record(queued("a"));
  record(queued("b"));
  settle();
  record(queued("c", "repo-2"));
  settle();
  EXPECT_THAT(receiver.told(), ElementsAre("sync.queued a", "sync.queued c"));
  EXPECT_EQ(told.pending, 2u);
  clock.shift += 5s;
  settle();
  EXPECT_EQ(receiver.count(), 2u);
  clock.shift += 5s;
  settle();
  auto in_order = receiver.told();
  in_order.erase(in_order.begin(), in_order.begin() + 2);
  EXPECT_THAT(in_order, ElementsAre("sync.queued a", "sync.queued b"));
  const auto bodies = receiver.requests();
  EXPECT_EQ(std::count_if(bodies.begin(), bodies.end(),
                          [&](const auto& request) { return request.body == bodies[2].body; }),
            2)
      << "the same event has the same body in every try";
  EXPECT_EQ(told.pending, 0u);
}

TEST_F(WebhooksTest, honours_Retry_After) {
  life->add_target(receiver.url(), all_events);
  receiver.answer_with({{.status = 503, .headers = {{"Retry-After", "120"}}}});
  record(queued("a"));
  settle();
  clock.shift += 60s;
  settle();
  EXPECT_EQ(receiver.count(), 1u);
  clock.shift += 60s;
  settle();
  EXPECT_EQ(receiver.count(), 2u);
  EXPECT_THAT(told.events,
              ElementsAre("failed sync.queued: it answered with status 503", "delivered sync.queued"));
}

TEST_F(WebhooksTest, gives_up_after_the_last_try_and_goes_on_with_the_next) {
  life->add_target(receiver.url(), all_events);
  receiver.always(500);
  record(queued("a"));
  record(queued("b"));
  settle();
  milliseconds wait = 10s;
  for (int tries = 2; tries <= 10; ++tries, wait *= 3) {
    EXPECT_EQ(receiver.count(), static_cast<size_t>(tries - 1));
    clock.shift += wait;
    if (tries == 10) receiver.answer_with({{.status = 500}});
    if (tries == 10) receiver.always(0);
    settle();
  }
  EXPECT_EQ(receiver.count(), 11u);
  EXPECT_EQ(receiver.told().back(), "sync.queued b");
  EXPECT_EQ(told.events.at(9), "gave up sync.queued: it answered with status 500");
  EXPECT_EQ(told.events.at(10), "delivered sync.queued");
  EXPECT_EQ(told.dead, 1u);
  EXPECT_EQ(told.pending, 0u);
  EXPECT_EQ(life->store.dead_deliveries(), 1u);
  restart();
  settle();
  EXPECT_EQ(told.dead, 1u) << "what was given up stays to be seen";
  EXPECT_EQ(receiver.count(), 11u);
}

TEST_F(WebhooksTest, gives_up_at_once_when_the_receiver_is_gone) {
  life->add_target(receiver.url(), all_events);
  receiver.answer_with({{.status = 410}});
  record(queued("a"));
  settle();
  EXPECT_THAT(told.events, ElementsAre("gave up sync.queued: it answered with status 410"));
  EXPECT_EQ(told.dead, 1u);
}

TEST_F(WebhooksTest, follows_no_redirect) {
  Receiver elsewhere;
  life->add_target(receiver.url(), all_events);
  receiver.answer_with({{.status = 302, .headers = {{"Location", elsewhere.url()}}}});
  record(queued("a"));
  settle();
  EXPECT_EQ(elsewhere.count(), 0u);
  EXPECT_THAT(told.events, ElementsAre("failed sync.queued: it answered with status 302"));
}

TEST_F(WebhooksTest, keeps_waiting_for_a_receiver_that_is_away) {
  std::string url;
  {
    const Receiver closed;
    url = closed.url();
  }
  life->add_target(url, all_events);
  record(queued("a"));
  settle();
  ASSERT_EQ(told.events.size(), 1u);
  EXPECT_THAT(told.events[0], testing::StartsWith("failed sync.queued: "));
  EXPECT_THAT(told.events[0], testing::Not(HasSubstr("kept"))) << "a URL may hold a secret";
  EXPECT_EQ(told.pending, 1u);
}

TEST_F(WebhooksTest, connects_to_no_private_address_unless_it_may) {
  life->add_target(receiver.url(), all_events);
  restart(false);
  record(queued("a"));
  settle();
  EXPECT_EQ(receiver.count(), 0u);
  ASSERT_EQ(told.events.size(), 1u);
  EXPECT_THAT(told.events[0], testing::StartsWith("failed sync.queued: "));
}

TEST_F(WebhooksTest, tries_at_once_when_the_target_has_changed) {
  Receiver better;
  auto target = life->add_target(receiver.url(), all_events);
  receiver.always(500);
  record(queued("a"));
  settle();
  target.url = better.url();
  EXPECT_TRUE(life->webhooks.change(target));
  settle();
  EXPECT_THAT(better.told(), ElementsAre("sync.queued a"));
  EXPECT_EQ(receiver.count(), 1u);
}

TEST_F(WebhooksTest, a_removed_target_hears_nothing_more_and_leaves_nothing_behind) {
  const auto target = life->add_target(receiver.url(), all_events);
  receiver.always(500);
  record(queued("a"));
  settle();
  EXPECT_TRUE(life->webhooks.remove(target.id));
  record(queued("b"));
  clock.shift += 1h;
  settle();
  EXPECT_EQ(receiver.count(), 1u);
  EXPECT_EQ(told.pending, 0u);
  EXPECT_THAT(life->store.webhook_targets(), IsEmpty());
  EXPECT_THAT(life->store.pending_deliveries(), IsEmpty());
  EXPECT_FALSE(life->webhooks.secrets().read(target.id));
  EXPECT_FALSE(life->webhooks.remove(target.id));
}

TEST_F(WebhooksTest, keeps_secrets_in_files_for_our_user_alone) {
  using std::filesystem::perms;
  const auto target = life->add_target(receiver.url(), all_events);
  const auto file = folder / "credentials" / ("webhook-" + target.id);
  EXPECT_EQ(std::filesystem::status(file).permissions(), perms::owner_read | perms::owner_write);
  EXPECT_EQ(std::filesystem::status(folder / "credentials").permissions(), perms::owner_all);
}

TEST_F(WebhooksTest, leaves_secrets_alone_whose_target_the_store_does_not_know_and_tells_of_them) {
  const auto target = life->add_target(receiver.url(), all_events);
  life->webhooks.secrets().make("never-recorded");
  restart();
  EXPECT_TRUE(life->webhooks.secrets().read("never-recorded"));
  EXPECT_TRUE(life->webhooks.secrets().read(target.id));
  EXPECT_THAT(told.unknown, ElementsAre(folder / "credentials" / "webhook-never-recorded"));
}

TEST_F(WebhooksTest, takes_a_hundred_targets_and_no_more) {
  for (int i = 0; i < 100; ++i) life->add_target(receiver.url(), all_events);
  WebhookTarget one_more;
  one_more.id = "one-more";
  EXPECT_FALSE(life->webhooks.add(one_more, Secret("s")));
  EXPECT_EQ(life->webhooks.targets().size(), 100u);
}

TEST_F(WebhooksTest, begins_no_try_once_it_stops) {
  life->add_target(receiver.url(), all_events);
  life->webhooks.stop_starting();
  record(queued("a"));
  settle();
  EXPECT_EQ(receiver.count(), 0u);
  restart();
  settle();
  EXPECT_EQ(receiver.count(), 1u);
}

}  // namespace
}  // namespace refsyncd
