#include "mesa/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using Reply = MesaDouble::Reply;

TEST(A_hosted_sync, is_asked_for_recorded_followed_and_told) {
  ServiceBench bench;
  const auto answered = bench.enqueue(ServiceBench::pull());
  ASSERT_TRUE(answered.sync);
  EXPECT_EQ(answered.sync->id, "sync_000001");
  EXPECT_EQ(answered.sync->request.policy, "app-pull");
  EXPECT_EQ(bench.recorder.syncs.at("sync_000001").status, SyncStatus::queued);
  bench.mesa.start("sync_000001");
  bench.pass(1s);
  bench.mesa.complete("sync_000001", json::array({{{"name", "refs/heads/main"},
                                                   {"before", nullptr},
                                                   {"after", std::string(40, 'a')},
                                                   {"outcome", "updated"}}}));
  bench.pass(2s);
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "started app", "completed app"));
  ASSERT_EQ(bench.listener.changes.size(), 2u);
  EXPECT_EQ(bench.listener.changes[1].status, SyncStatus::completed);
  EXPECT_EQ(count(*bench.listener.changes[1].refs).updated, 1u);
  EXPECT_EQ(bench.recorder.syncs.at("sync_000001").status, SyncStatus::completed);
  EXPECT_EQ(bench.service->next_wake(), SteadyTime::max());
}

TEST(A_hosted_sync, is_durable_before_the_answer_and_the_wish_before_the_request) {
  ServiceBench bench;
  bool answered = false;
  bench.service->enqueue(ServiceBench::pull(), [&](const Sync*, const Failure*) { answered = true; });
  EXPECT_TRUE(bench.sent.empty()) << "what was recorded before must be durable first";
  bench.recorder.settle();
  ASSERT_EQ(bench.sent.size(), 1u);
  bench.answer(bench.sent[0].first, bench.sent[0].second);
  EXPECT_EQ(bench.recorder.syncs.size(), 1u);
  EXPECT_FALSE(answered);
  bench.recorder.settle();
  EXPECT_TRUE(answered);
}

TEST(A_hosted_sync, sends_its_globs_only_when_they_are_not_all) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  auto request = ServiceBench::pull();
  request.direction = Direction::push;
  request.globs = {.branches = {}, .tags = {"v*"}};
  bench.enqueue(request);
  ASSERT_EQ(bench.mesa.requests.size(), 2u);
  EXPECT_EQ(json::parse(bench.mesa.requests[0].body), (json{{"direction", "pull"}}));
  EXPECT_EQ(json::parse(bench.mesa.requests[1].body),
            (json{{"direction", "push"}, {"ref_globs", {{"tags", "v*"}}}}));
}

TEST(A_hosted_sync, that_fails_there_fails_here_with_its_words) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  bench.mesa.fail("sync_000001", "upstream hung up");
  bench.pass(1s);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::failed);
  EXPECT_EQ(bench.listener.changes.back().failure->message, "upstream hung up");
}

TEST(A_hosted_sync, that_never_ends_fails_when_its_time_is_over) {
  ServiceBench bench;
  auto request = ServiceBench::pull();
  request.timeout = 30s;
  bench.enqueue(request);
  bench.mesa.start("sync_000001");
  bench.pass(29s);
  EXPECT_FALSE(bench.listener.changes.back().terminal());
  bench.pass(2s);
  ASSERT_TRUE(bench.listener.changes.back().terminal());
  EXPECT_EQ(bench.listener.changes.back().failure->kind, ErrorKind::transient);
  EXPECT_THAT(bench.listener.changes.back().failure->message,
              HasSubstr("has not finished the sync within 30s"));
  EXPECT_LE(bench.mesa.count("GET"), 20u) << "polls grow rarer";
}

TEST(A_hosted_sync, that_the_service_forgot_is_not_found) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  bench.mesa.faults.push_back({"GET", MesaDouble::error(404, "not_found", "gone")});
  bench.pass(1s);
  EXPECT_EQ(bench.listener.changes.back().failure->kind, ErrorKind::not_found);
}

TEST(A_poll_that_fails, is_tried_again_later_whatever_the_reason) {
  for (const auto status : {401, 403, 409, 500, 502}) {
    ServiceBench bench;
    bench.enqueue(ServiceBench::pull());
    bench.mesa.faults.push_back({"GET", {.status = status, .body = "<html>no</html>"}, false, 3});
    bench.mesa.complete("sync_000001");
    bench.pass(30s);
    ASSERT_FALSE(bench.listener.changes.empty()) << status;
    EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed) << status;
    EXPECT_EQ(bench.mesa.count("GET"), 4u) << status;
  }
}

struct Refusal {
  const char* name;
  Reply reply;
  ErrorKind kind;
  const char* message;
};
class RefusedPost : public testing::TestWithParam<Refusal> {};
TEST_P(RefusedPost, is_refused_with_its_class_and_words_after_one_request) {
  ServiceBench bench;
  bench.mesa.faults.push_back({"POST", GetParam().reply});
  const auto answered = bench.enqueue(ServiceBench::pull());
  ASSERT_TRUE(answered.refused);
  EXPECT_EQ(answered.refused->kind, GetParam().kind);
  EXPECT_THAT(answered.refused->message, HasSubstr(GetParam().message));
  EXPECT_EQ(bench.mesa.requests.size(), 1u);
  EXPECT_TRUE(bench.recorder.syncs.empty());
  EXPECT_EQ(bench.service->running(), 0u);
}
const Refusal refusals[] = {
    {"unauthorized", MesaDouble::error(401, "unauthorized", "who"), ErrorKind::auth,
     "401 unauthorized: who (trace trace-7)"},
    {"forbidden", MesaDouble::error(403, "forbidden", "no write"), ErrorKind::auth, "no write"},
    {"no_repository", MesaDouble::error(404, "not_found", "no repo"), ErrorKind::not_found, "no repo"},
    {"no_upstream", MesaDouble::error(409, "conflict", "no upstream"), ErrorKind::bad_config, "no upstream"},
    {"redirect",
     {.status = 302, .headers = {{"Location", "https://evil.example/"}}},
     ErrorKind::bad_config,
     "redirect"},
    {"throttled", {.status = 429, .headers = {{"Retry-After", "7"}}}, ErrorKind::throttled, "429"},
    {"server_error", MesaDouble::error(500, "internal", "oops"), ErrorKind::transient, "trace-7"},
    {"proxy_page", {.status = 502, .body = "<html>"}, ErrorKind::transient, "502"},
    {"html_as_success", {.status = 200, .body = "<html>login</html>"}, ErrorKind::transient, "not JSON"},
    {"cut_json", {.status = 201, .body = R"({"id":"sync_1","repo)"}, ErrorKind::transient, "not JSON"},
    {"wrong_json", {.status = 201, .body = R"({"id":7})"}, ErrorKind::transient, "unexpected answer"},
    {"connection_cut", {.cut = true}, ErrorKind::transient, "reset"},
};
INSTANTIATE_TEST_SUITE_P(rows, RefusedPost, testing::ValuesIn(refusals),
                         [](const auto& at) { return std::string(at.param.name); });

TEST(An_id_from_the_service, that_could_be_taken_for_something_else_is_not_used) {
  for (const auto* id : {"", "a+b", "../x", "a b", "a\n"}) {
    ServiceBench bench;
    bench.mesa.make_sync("app");
    auto body = bench.mesa.sync("sync_000001");
    body["id"] = id;
    bench.mesa.faults.push_back({"POST", {.status = 201, .body = body.dump()}});
    EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).refused) << id;
  }
}

TEST(A_wish_for_patience, holds_for_the_whole_host) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  bench.mesa.faults.push_back({"GET", {.status = 429, .headers = {{"Retry-After", "60"}}}});
  bench.pass(1s);
  const auto before = bench.mesa.requests.size();
  const auto answered = bench.enqueue([] {
    auto push = ServiceBench::pull();
    push.direction = Direction::push;
    return push;
  }());
  ASSERT_TRUE(answered.refused);
  EXPECT_EQ(answered.refused->kind, ErrorKind::throttled);
  EXPECT_GT(answered.refused->retry_after, 58s);
  bench.pass(58s);
  EXPECT_EQ(bench.mesa.requests.size(), before) << "nothing is sent before the time is over";
  bench.mesa.complete("sync_000001");
  bench.pass(10s);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed);
}

TEST(A_rotated_credential, is_read_again_after_a_401) {
  ServiceBench bench;
  bench.mesa.credential = "key-2";
  bench.mesa.faults.push_back({"POST", MesaDouble::error(401, "unauthorized", "expired")});
  bench.service->enqueue(ServiceBench::pull(),
                         [](const Sync* sync, const Failure*) { EXPECT_NE(sync, nullptr); });
  bench.recorder.settle();
  const auto first = std::exchange(bench.sent, {});
  ASSERT_EQ(first.size(), 1u);
  bench.credential = "key-2";  // renewed while the request was under way
  bench.answer(first[0].first, first[0].second);
  bench.settle();
  EXPECT_EQ(bench.mesa.count("POST"), 2u);
  EXPECT_EQ(bench.mesa.sync_count(), 1u);
  EXPECT_EQ(bench.mesa.requests.back().authorization, "Bearer key-2");
}

TEST(A_credential_that_cannot_be_read, refuses_without_a_request) {
  ServiceBench bench;
  bench.credential.clear();
  const auto answered = bench.enqueue(ServiceBench::pull());
  ASSERT_TRUE(answered.refused);
  EXPECT_EQ(answered.refused->kind, ErrorKind::auth);
  EXPECT_TRUE(bench.mesa.requests.empty());
}

TEST(A_request, that_cannot_be_hosted_is_refused_without_asking) {
  ServiceBench bench;
  EXPECT_EQ(bench.enqueue(ServiceBench::pull("nobody")).refused->kind, ErrorKind::not_found);
  auto pruning = ServiceBench::pull();
  pruning.prune = true;
  EXPECT_EQ(bench.enqueue(pruning).refused->kind, ErrorKind::bad_config);
  EXPECT_TRUE(bench.mesa.requests.empty());
}

TEST(Identical_requests, share_a_sync_until_it_starts) {
  ServiceBench bench;
  auto by_hand = ServiceBench::pull();
  by_hand.policy.clear();
  by_hand.priority = Priority::manual;
  const auto first = bench.enqueue(by_hand);
  const auto second = bench.enqueue(ServiceBench::pull());
  EXPECT_EQ(first.sync->id, second.sync->id);
  EXPECT_EQ(second.sync->request.policy, "app-pull");
  EXPECT_EQ(second.sync->request.priority, Priority::manual);
  bench.mesa.start(first.sync->id);
  bench.pass(1s);
  EXPECT_NE(bench.enqueue(ServiceBench::pull()).sync->id, first.sync->id);
}

TEST(Identical_requests, asked_together_make_one_request) {
  ServiceBench bench;
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    bench.service->enqueue(ServiceBench::pull(),
                           [&](const Sync* sync, const Failure*) { ids.push_back(sync->id); });
  }
  bench.settle();
  EXPECT_THAT(ids, ElementsAre("sync_000001", "sync_000001", "sync_000001"));
  EXPECT_EQ(bench.mesa.count("POST"), 1u);
}

SyncRequest three_globs() {
  auto request = ServiceBench::pull();
  request.globs = {.branches = {"main", "dev", "release/*"}, .tags = {"v*"}};
  return request;
}

TEST(Several_globs, are_several_syncs_there_and_one_here) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  ASSERT_TRUE(answered.sync);
  EXPECT_EQ(answered.sync->id, "sync_000001+sync_000002+sync_000003");
  EXPECT_EQ(answered.sync->request.globs, three_globs().globs);
  bench.mesa.complete("sync_000001");
  bench.mesa.complete("sync_000002");
  bench.pass(2s);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::in_progress);
  bench.mesa.fail("sync_000003", "no space");
  bench.pass(3s);
  const auto& ended = bench.listener.changes.back();
  EXPECT_EQ(ended.id, answered.sync->id);
  EXPECT_EQ(ended.status, SyncStatus::failed);
  EXPECT_EQ(ended.failure->message, "branches release/*: no space");
  EXPECT_EQ(bench.recorder.syncs.size(), 3u) << "each part is recorded";
  EXPECT_EQ(std::count(bench.observer.events.begin(), bench.observer.events.end(), "queued app"), 3);
}

TEST(Several_globs, of_which_one_is_refused_are_refused_and_what_was_taken_is_used_again) {
  ServiceBench bench;
  bench.service->enqueue(three_globs(), [](const Sync*, const Failure* refused) {
    ASSERT_NE(refused, nullptr);
    EXPECT_EQ(refused->kind, ErrorKind::transient);
  });
  bench.recorder.settle();
  ASSERT_EQ(bench.sent.size(), 1u) << "one at a time over a connection that carries one";
  const auto first = std::exchange(bench.sent, {});
  bench.answer(first[0].first, first[0].second);
  bench.mesa.faults.push_back({"POST", MesaDouble::error(503, "overloaded", "later")});
  bench.settle();
  EXPECT_EQ(bench.mesa.sync_count(), 2u);
  const auto again = bench.enqueue(three_globs());
  EXPECT_EQ(again.sync->id, "sync_000001+sync_000003+sync_000002");
  EXPECT_EQ(bench.mesa.count("POST"), 4u);
}

TEST(A_request_whose_answer_was_lost, is_looked_for_before_it_is_sent_again) {
  for (const auto& fault :
       {Reply{.status = 500}, Reply{.cut = true}, Reply{.status = 200, .body = "<html>"}}) {
    ServiceBench bench;
    bench.mesa.make_sync("app");  // an older one, of somebody else
    bench.clock.advance(10min);
    bench.mesa.faults.push_back({"POST", fault, true});
    EXPECT_EQ(bench.enqueue(ServiceBench::pull()).refused->kind, ErrorKind::transient);
    bench.pass(5s);
    const auto again = bench.enqueue(ServiceBench::pull());
    ASSERT_TRUE(again.sync);
    EXPECT_EQ(again.sync->id, "sync_000002");
    EXPECT_EQ(bench.mesa.count("POST"), 1u);
  }
}

TEST(A_request_whose_answer_was_lost, is_sent_again_when_the_service_did_nothing) {
  ServiceBench bench;
  bench.mesa.faults.push_back({"POST", {.cut = true}});
  bench.enqueue(ServiceBench::pull());
  const auto again = bench.enqueue(ServiceBench::pull());
  EXPECT_TRUE(again.sync);
  EXPECT_EQ(bench.mesa.count("POST"), 2u);
  EXPECT_EQ(bench.mesa.sync_count(), 1u);
}

TEST(A_request_whose_answer_was_lost, never_takes_a_sync_that_is_somebody_elses) {
  ServiceBench bench;
  const auto ours = bench.enqueue(ServiceBench::pull());
  bench.mesa.complete(ours.sync->id);
  bench.pass(2s);
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now() - 5s;
  const auto again = bench.enqueue(request);
  EXPECT_EQ(again.sync->id, "sync_000002") << "the first is in the store already";
}

TEST(A_request_asked_before_a_crash, finds_the_sync_also_when_it_is_over_by_now) {
  ServiceBench bench;
  bench.mesa.now = bench.clock.now() - 90s;  // its clock is behind
  bench.mesa.make_sync("app");
  bench.mesa.complete("sync_000001");
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now();
  const auto answered = bench.enqueue(request);
  ASSERT_TRUE(answered.sync);
  EXPECT_EQ(answered.sync->id, "sync_000001");
  EXPECT_EQ(bench.mesa.count("POST"), 0u);
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "started app", "completed app"));
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed);
}

TEST(A_list_that_loops, ends_the_search) {
  ServiceBench bench;
  bench.mesa.make_sync("app", {{"direction", "push"}});
  bench.mesa.pages_loop = true;
  auto request = ServiceBench::pull();
  request.asked_before = bench.clock.now();
  EXPECT_TRUE(bench.enqueue(request).sync);
  EXPECT_LE(bench.mesa.count("GET"), 3u);
}

TEST(After_a_restart, a_sync_in_flight_is_followed_and_not_asked_for_again) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.mesa.complete("sync_000001");
  bench.pass(1s);
  bench.restart();
  EXPECT_TRUE(bench.service->follow(answered.sync->id));
  bench.mesa.complete_all();
  bench.listener.changes.clear();
  bench.pass(5s);
  EXPECT_EQ(bench.mesa.count("POST"), 3u);
  ASSERT_FALSE(bench.listener.changes.empty());
  EXPECT_EQ(bench.listener.changes.back().id, answered.sync->id);
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::completed);
}

TEST(After_a_restart, a_sync_that_is_over_is_told_at_once) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.mesa.complete_all();
  bench.pass(2s);
  bench.restart();
  bench.listener.changes.clear();
  EXPECT_TRUE(bench.service->follow(answered.sync->id));
  bench.settle();
  ASSERT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.listener.changes[0].status, SyncStatus::completed);
  EXPECT_FALSE(bench.service->follow("unknown"));
  EXPECT_FALSE(bench.service->follow("sync_000001+unknown"));
}

TEST(A_cancelled_hosted_sync, fails_here) {
  ServiceBench bench;
  const auto answered = bench.enqueue(three_globs());
  bench.service->cancel(answered.sync->id, {.kind = ErrorKind::transient, .message = "given up"});
  bench.settle();
  EXPECT_EQ(bench.listener.changes.back().status, SyncStatus::failed);
  EXPECT_THAT(bench.listener.changes.back().failure->message, HasSubstr("given up"));
  EXPECT_EQ(bench.service->next_wake(), SteadyTime::max());
}

TEST(A_stop, waits_for_requests_under_way_and_not_for_syncs) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  EXPECT_EQ(bench.service->running(), 0u);
  auto push = ServiceBench::pull();
  push.direction = Direction::push;
  bench.service->enqueue(push, [](const Sync*, const Failure*) {});
  bench.recorder.settle();
  bench.service->stop_starting();
  EXPECT_EQ(bench.service->running(), 1u);
  bench.settle();
  EXPECT_EQ(bench.service->running(), 0u);
  EXPECT_EQ(bench.recorder.syncs.size(), 2u);
}

TEST(An_interrupted_request, stays_unanswered_for_the_next_process) {
  ServiceBench bench;
  bench.service->enqueue(ServiceBench::pull(), [](const Sync*, const Failure*) { FAIL() << "answered"; });
  bench.recorder.settle();
  bench.service->interrupt();
  EXPECT_EQ(bench.service->running(), 0u);
  bench.settle();
  EXPECT_TRUE(bench.recorder.syncs.empty());
}

TEST(A_webhook, ends_the_sync_without_a_poll_and_counts_once) {
  ServiceBench bench;
  bench.enqueue(ServiceBench::pull());
  auto ended = bench.recorder.syncs.at("sync_000001");
  ended.status = SyncStatus::completed;
  ended.refs = std::make_shared<const RefResults>();
  const WebhookEvent event{.id = "evt_1", .type = "sync.completed", .sync = ended};
  bench.service->told(event);
  bench.service->told(event);
  bench.recorder.settle();
  EXPECT_THAT(bench.observer.events, ElementsAre("queued app", "completed app"));
  EXPECT_EQ(bench.listener.changes.size(), 1u);
  EXPECT_EQ(bench.mesa.count("GET"), 0u);
  bench.service->told({.id = "evt_2", .type = "sync.completed", .sync = ended});
  bench.recorder.settle();
  EXPECT_EQ(bench.listener.changes.size(), 1u);
}

TEST(The_organisation, is_asked_for_once_when_it_is_not_named) {
  ServiceBench bench({.url = "http://mesa.test/v1", .org = ""});
  EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).sync);
  auto push = ServiceBench::pull();
  push.direction = Direction::push;
  EXPECT_TRUE(bench.enqueue(push).sync);
  EXPECT_EQ(bench.mesa.count("whoami"), 1u);
}

TEST(The_organisation, that_is_not_told_refuses_and_is_asked_for_again_later) {
  ServiceBench bench({.url = "http://mesa.test/v1", .org = ""});
  bench.mesa.faults.push_back({"whoami", MesaDouble::error(403, "forbidden", "no")});
  EXPECT_EQ(bench.enqueue(ServiceBench::pull()).refused->kind, ErrorKind::auth);
  EXPECT_EQ(bench.enqueue(ServiceBench::pull()).refused->kind, ErrorKind::auth);
  EXPECT_EQ(bench.mesa.count("whoami"), 1u);
  bench.pass(6s);
  EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).sync);
}

TEST(The_organisation, is_asked_for_to_follow_what_an_earlier_process_left) {
  ServiceBench bench({.url = "http://mesa.test/v1", .org = ""});
  bench.enqueue(ServiceBench::pull());
  bench.mesa.complete_all();
  bench.restart();
  bench.pass(2s);
  EXPECT_EQ(bench.recorder.syncs.at("sync_000001").status, SyncStatus::completed);
}

MesaService::Settings managing() {
  return {.url = "http://mesa.test/v1", .org = "acme", .manage_upstream = true};
}

TEST(A_managed_upstream, that_differs_is_set_with_its_credential_before_the_first_sync) {
  ServiceBench bench(managing());
  bench.repos[0].upstream->auth = TokenAuth{.token = {.name = "TOKEN"}, .username = "bot"};
  bench.service->configure(bench.repos, 8, 4);
  EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).sync);
  const json auth{{"kind", "token"}, {"token", "secret of TOKEN"}, {"token_username", "bot"}};
  EXPECT_EQ(bench.mesa.upstreams.at("app"), (json{{"url", "https://example.org/app"}, {"auth", auth}}));
  auto push = ServiceBench::pull();
  push.direction = Direction::push;
  bench.enqueue(push);
  EXPECT_EQ(bench.mesa.count("PATCH"), 1u);
  EXPECT_EQ(bench.mesa.requests.size(), 4u) << "it is looked at once";
}

TEST(A_managed_upstream, that_is_as_declared_is_left_alone) {
  ServiceBench bench(managing());
  bench.mesa.upstreams["app"] = {{"url", "https://example.org/app"}, {"auth", nullptr}};
  EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).sync);
  EXPECT_EQ(bench.mesa.count("PATCH"), 0u);
}

TEST(A_managed_upstream, that_changes_on_reload_is_set_again) {
  ServiceBench bench(managing());
  bench.enqueue(ServiceBench::pull());
  bench.repos[0].upstream->url = "https://example.org/moved";
  bench.service->configure(bench.repos, 8, 4);
  auto push = ServiceBench::pull();
  push.direction = Direction::push;
  bench.enqueue(push);
  EXPECT_EQ(bench.mesa.upstreams.at("app").at("url"), "https://example.org/moved");
}

TEST(A_managed_upstream, that_cannot_be_set_refuses_requests_until_it_is_mended) {
  ServiceBench bench(managing());
  bench.mesa.faults.push_back({"PATCH", MesaDouble::error(409, "conflict", "URL not allowed")});
  const auto refused = bench.enqueue(ServiceBench::pull()).refused;
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind, ErrorKind::bad_config);
  EXPECT_THAT(refused->message, HasSubstr("the upstream of 'app'"));
  EXPECT_TRUE(bench.enqueue(ServiceBench::pull()).sync);
}

TEST(A_managed_upstream, whose_secret_cannot_be_read_refuses_requests) {
  ServiceBench bench(managing());
  bench.repos[0].upstream->auth = PasswordAuth{.username = "bot", .password = {.name = "gone"}};
  bench.service->configure(bench.repos, 8, 4);
  bench.read_secret = [](const SecretSource&) -> Secret { throw Error(ErrorKind::auth, "no such file"); };
  EXPECT_EQ(bench.enqueue(ServiceBench::pull()).refused->kind, ErrorKind::auth);
  EXPECT_EQ(bench.mesa.count("PATCH"), 0u);
}

/// So many repositories, each with a sync in flight.
void fill(ServiceBench& bench, size_t count) {
  bench.mesa.repos.clear();
  bench.repos.clear();
  for (size_t i = 0; i < count; ++i) {
    bench.mesa.repos.push_back(fmt::format("repo-{}", i));
    bench.repos.push_back(ServiceBench::repo(bench.mesa.repos.back()));
  }
  bench.service->configure(bench.repos, 8, 4);
  for (const auto& repo : bench.mesa.repos) {
    auto request = ServiceBench::pull(repo);
    request.timeout = 1h;
    bench.service->enqueue(request, [](const Sync* sync, const Failure*) { ASSERT_NE(sync, nullptr); });
  }
  bench.settle();
}

TEST(Ten_thousand_syncs_in_flight, cost_about_a_hundred_requests_a_round) {
  ServiceBench bench;
  fill(bench, 10'000);
  ASSERT_EQ(bench.mesa.sync_count(), 10'000u);
  bench.pass(40s, 1s);
  const auto before = bench.mesa.count("GET");
  bench.pass(30s, 1s);  // two or three rounds
  EXPECT_LE(bench.mesa.count("GET") - before, 3 * 120u);
  EXPECT_GE(bench.mesa.count("GET") - before, 100u);
  EXPECT_LE(bench.mesa.count("GET /acme/repo-"), 500u) << "hardly any by itself";
  for (const auto& id : bench.mesa.ids()) bench.mesa.complete(id);
  bench.pass(20s, 1s);
  EXPECT_EQ(bench.listener.changes.size(), 10'000u);
}

TEST(A_sync_that_pages_do_not_show, is_asked_for_by_itself) {
  ServiceBench bench;
  fill(bench, 50);
  bench.mesa.make_sync("repo-7", {{"direction", "push"}});  // newer than ours
  for (const auto& id : bench.mesa.ids()) bench.mesa.complete(id);
  bench.pass(20s);
  EXPECT_EQ(bench.listener.changes.size(), 50u);
}

TEST(Pages_that_loop_or_cannot_be_read, leave_the_rest_to_single_requests) {
  for (const bool loop : {true, false}) {
    ServiceBench bench;
    fill(bench, 250);
    bench.mesa.pages_loop = loop;
    if (!loop)
      bench.mesa.faults.push_back({"/repos", {.status = 200, .body = R"({"repos":[{}]})"}, false, 1000});
    for (const auto& id : bench.mesa.ids()) bench.mesa.complete(id);
    bench.pass(30s);
    EXPECT_EQ(bench.listener.changes.size(), 250u) << loop;
    EXPECT_LE(bench.mesa.count("GET"), 600u) << loop;
  }
}

}  // namespace
}  // namespace refsyncd
