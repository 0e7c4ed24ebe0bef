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

}  // namespace
}  // namespace refsyncd
