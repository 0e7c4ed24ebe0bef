#include "mesa/service.h"

#include <gtest/gtest.h>

#include "service_bench.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

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
