#include "mesa/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

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

}  // namespace
}  // namespace refsyncd
