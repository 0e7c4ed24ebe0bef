// What Runner::trigger() promises: somebody asks for a run now.
#include <gtest/gtest.h>

#include "run/runner_bench.h"

namespace refsyncd {
namespace {

TEST(A_run_by_hand, starts_now_and_is_urgent) {
  Bench bench;
  auto policy = every("app", 1h);
  policy.catch_up = false;
  bench.runner.configure({policy}, {});
  EXPECT_FALSE(bench.runner.trigger("nobody"));
  EXPECT_TRUE(bench.runner.trigger("app"));
  ASSERT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.service.requests[0].priority, Priority::manual);
}

TEST(A_run_by_hand, makes_a_queued_sync_urgent_and_starts_no_second_one) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  bench.service.still_queued = true;
  bench.runner.trigger("app");
  EXPECT_EQ(bench.service.requests.size(), 1u);
  EXPECT_EQ(bench.service.raised,
            (std::vector<std::pair<std::string, Priority>>{{"sync-1", Priority::manual}}));
  EXPECT_EQ(bench.state("app").phase, RunPhase::waiting);
  bench.service.end("sync-1");
  EXPECT_EQ(bench.service.requests.size(), 1u) << "it looked after that";
}

TEST(A_run_by_hand, follows_the_run_that_may_have_looked_before_it_was_asked_for) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  for (int i = 0; i < 3; ++i) bench.runner.trigger("app");
  EXPECT_EQ(bench.service.requests.size(), 1u);
  bench.service.end("sync-1");
  ASSERT_EQ(bench.service.requests.size(), 2u);
  EXPECT_EQ(bench.service.requests[1].priority, Priority::manual);
  EXPECT_EQ(bench.recorder.policies.at("app").trigger, Priority::manual);
  bench.service.accept();
  bench.service.end("sync-2");
  bench.tick();
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(A_run_by_hand, follows_a_request_that_has_no_answer_yet) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.runner.trigger("app");
  bench.service.accept();
  bench.service.end("sync-1");
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(A_run_by_hand, asked_for_during_an_attempt_that_fails_is_the_next_attempt) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  bench.runner.trigger("app");
  bench.service.end("sync-1", network);
  bench.advance_to(bench.state("app").retry_at);
  ASSERT_EQ(bench.service.requests.size(), 2u);
  bench.service.accept();
  bench.service.end("sync-2");
  EXPECT_EQ(bench.service.requests.size(), 2u);
}

TEST(A_run_by_hand, asked_for_during_the_last_run_of_a_stopped_runner_is_not_begun) {
  Bench bench;
  bench.runner.configure({every("app", 1h)}, {});
  bench.tick();
  bench.service.accept();
  bench.runner.trigger("app");
  bench.runner.stop_starting();
  bench.service.end("sync-1");
  EXPECT_EQ(bench.service.requests.size(), 1u);
}

}  // namespace
}  // namespace refsyncd
