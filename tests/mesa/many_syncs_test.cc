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

// Sanitizers slow the reading of so much JSON down tenfold; they see the same code with fewer syncs.
#ifdef REFSYNCD_SANITIZED
constexpr size_t many = 1'000;
#else
constexpr size_t many = 10'000;
#endif
constexpr size_t pages = many / 100;

TEST(Thousands_of_syncs_in_flight, cost_about_one_request_a_round_for_each_hundred) {
  ServiceBench bench;
  fill(bench, many);
  ASSERT_EQ(bench.mesa.sync_count(), many);
  bench.pass(60s, 60s);  // so old that a round comes about every 15 s
  const auto before = bench.mesa.count("GET");
  bench.pass(30s, 1s);  // two or three rounds
  EXPECT_LE(bench.mesa.count("GET") - before, 3 * pages * 6 / 5);
  EXPECT_GE(bench.mesa.count("GET") - before, pages);
  EXPECT_LE(bench.mesa.count("GET /acme/repo-"), many / 20) << "hardly any by itself";
  for (const auto& id : bench.mesa.ids()) bench.mesa.complete(id);
  bench.pass(20s, 1s);
  EXPECT_EQ(bench.listener.changes.size(), many);
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
