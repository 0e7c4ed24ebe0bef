#include "report/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

#include "report/families.h"
#include "report/samples.h"
#include "support/manual_clock.h"
#include "support/temporary_directory.h"

namespace refsyncd {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The lines of the text that are samples of refsyncd itself.
std::string own_samples(const std::string& text) {
  std::istringstream lines(text);
  std::string own;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("refsyncd_")) own += line + "\n";
  }
  return own;
}

/// The lines that start with the name, without it.
std::vector<std::string> samples(const Metrics& metrics, const std::string& name) {
  std::istringstream lines(metrics.text());
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) found.push_back(line.substr(name.size()));
  }
  return found;
}

/// The content of a file of expected text; REFSYNCD_UPDATE_GOLDEN=1 writes the actual text to it first.
std::string golden(const std::string& name, const std::string& actual) {
  const auto path = std::string(REFSYNCD_TEST_DATA) + "/" + name;
  if (std::getenv("REFSYNCD_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << actual;
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { clock.wall = noon; }

  void schedule(std::vector<Policy> policies) { metrics.policies_changed(policies); }

  ManualClock clock;
  Metrics metrics{"1.2.3", clock, 3};
  Policy pull = make_policy("app-pull");
  Policy push = make_policy("app-push", Direction::push);
};

TEST_F(MetricsTest, every_series_of_a_policy_is_there_with_zero_from_the_start) {
  schedule({pull});
  const auto text = metrics.text();
  for (const auto outcome : all_outcomes) {
    EXPECT_THAT(text, HasSubstr(fmt::format(
                          "refsyncd_refs_total{{policy=\"app-pull\",direction=\"pull\",outcome=\"{}\"}} 0\n",
                          to_string(outcome))));
  }
  for (const auto kind : all_error_kinds) {
    EXPECT_THAT(
        text, HasSubstr(fmt::format("refsyncd_attempt_failures_total{{policy=\"app-pull\",kind=\"{}\"}} 0\n",
                                    to_string(kind))));
  }
  for (const auto* status : {"completed", "failed"}) {
    EXPECT_THAT(text, HasSubstr(fmt::format(
                          "refsyncd_syncs_total{{policy=\"app-pull\",direction=\"pull\",status=\"{}\"}} 0\n",
                          status)));
  }
  for (const auto* gauge : {"rejected_refs", "consecutive_failures", "last_success_timestamp_seconds",
                            "last_attempt_timestamp_seconds", "next_run_timestamp_seconds"}) {
    EXPECT_THAT(text, HasSubstr(fmt::format("refsyncd_{}{{policy=\"app-pull\"}} 0\n", gauge)));
  }
  EXPECT_THAT(text, Not(HasSubstr("policy=\"app-pull\",direction=\"push\"")));
  EXPECT_THAT(text,
              HasSubstr("refsyncd_syncs_total{policy=\"_manual\",direction=\"push\",status=\"failed\"} 0\n"));
}

TEST_F(MetricsTest, a_day_in_the_life_reads_exactly_like_this) {
  metrics.config_loaded(false, "");
  schedule({pull});
  metrics.run_scheduled(pull, noon + std::chrono::minutes(5));
  metrics.run_started(pull, milliseconds(250));
  const auto first = queued_sync(&pull, "s1");
  metrics.sync_queued(first);
  metrics.sync_started(started(first));
  metrics.sync_finished(failed(first));
  metrics.attempt_failed(pull, {.kind = ErrorKind::transient, .message = "reset", .retry_after = {}},
                         milliseconds(2));
  const auto second = queued_sync(&pull, "s2");
  metrics.sync_queued(second);
  metrics.sync_started(started(second));
  metrics.sync_finished(
      completed(second, {updated("refs/heads/a"), unchanged("refs/heads/b"), rejected("refs/heads/c")}));
  PolicyState done;
  done.policy = pull.name;
  done.last_attempt = noon;
  done.last_success = noon + milliseconds(1500);
  done.last_counts = {.updated = 1, .unchanged = 1, .filtered = 0, .rejected = 1};
  metrics.run_finished(pull, {}, done);
  metrics.sync_queued(queued_sync(nullptr, "s3"));
  metrics.store_failed();

  EXPECT_EQ(own_samples(metrics.text()), golden("day.metrics", own_samples(metrics.text())));
}

TEST_F(MetricsTest, queue_and_progress_follow_each_sync) {
  const auto sync = queued_sync(nullptr);
  metrics.sync_queued(sync);
  metrics.sync_queued(queued_sync(nullptr, "other"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_queue_depth 2\n"));
  metrics.sync_started(started(sync));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_queue_depth 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_syncs_in_progress 1\n"));
  metrics.sync_finished(completed(sync, {}));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_queue_depth 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_syncs_in_progress 0\n"));
}

TEST_F(MetricsTest, events_told_twice_or_out_of_order_leave_the_queue_right) {
  const auto sync = queued_sync(nullptr);
  metrics.sync_finished(failed(sync));
  metrics.sync_started(started(sync));
  metrics.sync_started(started(sync));
  metrics.sync_queued(sync);  // put back after a crash of its worker
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_queue_depth 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_syncs_in_progress 0\n"));
  metrics.sync_finished(failed(sync));
  metrics.sync_finished(failed(sync));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_queue_depth 0\n"));
}

TEST_F(MetricsTest, a_reload_keeps_the_counters_of_policies_that_stay_and_drops_removed_ones) {
  schedule({pull, push});
  metrics.sync_finished(completed(queued_sync(&pull), {updated("refs/heads/a")}));
  metrics.sync_finished(completed(queued_sync(&push), {updated("refs/heads/a")}));
  schedule({make_policy("new-pull"), pull});
  const auto text = metrics.text();
  EXPECT_THAT(
      text,
      HasSubstr("refsyncd_syncs_total{policy=\"app-pull\",direction=\"pull\",status=\"completed\"} 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr("refsyncd_syncs_total{policy=\"new-pull\",direction=\"pull\",status=\"completed\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("app-push")));
  EXPECT_THAT(text, HasSubstr("refsyncd_sync_duration_seconds_count{direction=\"push\"} 1\n"));
}

TEST_F(MetricsTest, the_end_of_a_removed_policys_sync_creates_no_series) {
  schedule({pull, push});
  schedule({pull});
  metrics.sync_finished(completed(queued_sync(&push), {updated("refs/heads/a")}));
  metrics.run_finished(push, {}, {});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("app-push")));
}

TEST_F(MetricsTest, syncs_by_hand_count_under_manual_with_their_failures) {
  schedule({pull});
  metrics.sync_finished(completed(queued_sync(nullptr, "s1"), {updated("refs/heads/a")}));
  metrics.sync_finished(failed(queued_sync(nullptr, "s2"), ErrorKind::auth));
  const auto text = metrics.text();
  EXPECT_THAT(
      text, HasSubstr("refsyncd_refs_total{policy=\"_manual\",direction=\"pull\",outcome=\"updated\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("refsyncd_syncs_total{policy=\"_manual\",direction=\"pull\",status=\"failed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_attempt_failures_total{policy=\"_manual\",kind=\"auth\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("refsyncd_refs_total{policy=\"app-pull\",direction=\"pull\",outcome=\"updated\"} 0\n"));
}

TEST_F(MetricsTest, policies_beyond_the_limit_share_other_and_show_the_worst_of_them) {
  std::vector<Policy> policies;
  for (const auto* name : {"a-pull", "b-pull", "c-pull", "d-pull", "e-pull"})
    policies.push_back(make_policy(name));
  schedule(policies);
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_metrics_truncated 1\n"));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("d-pull")));
  for (const auto& policy : policies)
    metrics.sync_finished(completed(queued_sync(&policy), {updated("refs/heads/a")}));
  EXPECT_THAT(
      metrics.text(),
      HasSubstr("refsyncd_syncs_total{policy=\"_other\",direction=\"pull\",status=\"completed\"} 2\n"));

  const auto finish = [&](const Policy& policy, int failures, milliseconds success, size_t rejects) {
    PolicyState now;
    now.policy = policy.name;
    now.consecutive_failures = failures;
    now.last_success = WallTime{success};
    now.last_counts.rejected = rejects;
    metrics.run_finished(policy, {}, now);
    metrics.run_scheduled(policy, WallTime{success});
  };
  finish(policies[3], 0, std::chrono::seconds(2000), 2);
  finish(policies[4], 7, std::chrono::seconds(1000), 3);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("refsyncd_consecutive_failures{policy=\"_other\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_last_success_timestamp_seconds{policy=\"_other\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_next_run_timestamp_seconds{policy=\"_other\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_rejected_refs{policy=\"_other\"} 5\n"));
}

TEST_F(MetricsTest, a_policy_that_gets_a_place_below_the_limit_takes_its_gauges_along) {
  std::vector<Policy> policies;
  for (const auto* name : {"a-pull", "b-pull", "c-pull", "d-pull"}) policies.push_back(make_policy(name));
  schedule(policies);
  metrics.run_scheduled(policies[3], WallTime{std::chrono::seconds(7)});
  policies.erase(policies.begin());
  schedule(policies);
  EXPECT_THAT(metrics.text(), HasSubstr("refsyncd_next_run_timestamp_seconds{policy=\"d-pull\"} 7\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_metrics_truncated 0\n"));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("_other\"")));
}

TEST_F(MetricsTest, policies_added_above_never_take_the_series_of_older_ones) {
  schedule({make_policy("x-pull"), make_policy("y-pull"), make_policy("z-pull")});
  schedule({make_policy("a-pull"), make_policy("x-pull"), make_policy("y-pull"), make_policy("z-pull")});
  EXPECT_THAT(metrics.text(), HasSubstr("policy=\"z-pull\""));
  EXPECT_THAT(metrics.text(), Not(HasSubstr("policy=\"a-pull\"")));
}

TEST_F(MetricsTest, a_restart_restores_the_gauges) {
  schedule({pull});
  PolicyState state;
  state.policy = pull.name;
  state.last_success = WallTime{std::chrono::seconds(100)};
  state.last_attempt = WallTime{milliseconds(200'500)};
  state.consecutive_failures = 4;
  state.last_counts.rejected = 2;
  metrics.policy_restored(pull, state);
  const auto text = metrics.text();
  EXPECT_THAT(text, HasSubstr("refsyncd_last_success_timestamp_seconds{policy=\"app-pull\"} 100\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_last_attempt_timestamp_seconds{policy=\"app-pull\"} 200.5\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_consecutive_failures{policy=\"app-pull\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("refsyncd_rejected_refs{policy=\"app-pull\"} 2\n"));
}

TEST_F(MetricsTest, a_bad_reload_shows_until_a_good_one) {
  metrics.config_loaded(false, "");
  clock.advance(std::chrono::hours(1));
  metrics.config_loaded(true, "config.yaml:1:1: bad");
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_config_last_reload_successful 0\n"));
  EXPECT_EQ(samples(metrics, "refsyncd_config_last_reload_success_timestamp_seconds").back(), " 1767614400");
  metrics.config_loaded(true, "");
  EXPECT_THAT(metrics.text(), HasSubstr("\nrefsyncd_config_last_reload_successful 1\n"));
  EXPECT_EQ(samples(metrics, "refsyncd_config_last_reload_success_timestamp_seconds").back(), " 1767618000");
}

TEST_F(MetricsTest, histograms_count_on_the_bound_and_beyond_the_last) {
  metrics.run_started(pull, milliseconds(500));
  metrics.run_started(pull, milliseconds(501));
  metrics.run_started(pull, std::chrono::hours(5));
  metrics.run_started(pull, milliseconds(-3));  // a clock that stepped back
  const auto lines = samples(metrics, "refsyncd_schedule_lateness_seconds");
  EXPECT_THAT(lines, testing::IsSupersetOf({"_bucket{le=\"0.1\"} 1", "_bucket{le=\"0.5\"} 2",
                                            "_bucket{le=\"1\"} 3", "_bucket{le=\"3600\"} 3",
                                            "_bucket{le=\"+Inf\"} 4", "_count 4", "_sum 18001.001"}));
}

TEST_F(MetricsTest, hostile_label_values_are_escaped) {
  schedule({make_policy("a\"b\\c\nd")});
  EXPECT_THAT(metrics.text(), HasSubstr("refsyncd_rejected_refs{policy=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

TEST_F(MetricsTest, the_process_is_described) {
  const auto stats = read_process_stats();
  EXPECT_GT(stats.start_time, 1.6e9);
  EXPECT_LT(stats.start_time,
            std::chrono::duration<double>(SystemClock().now().time_since_epoch()).count() + 2);
  EXPECT_GT(stats.resident_bytes, 1u << 20);
  EXPECT_GE(stats.open_fds, 3u);
  EXPECT_GE(stats.max_fds, stats.open_fds);
  EXPECT_THAT(metrics.text(), HasSubstr("\nprocess_resident_memory_bytes "));
}

TEST(ProcessStatsTest, the_start_of_the_process_is_the_same_in_every_reading) {
  const double start = read_process_stats().start_time;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(read_process_stats().start_time, start);
}

TEST_F(MetricsTest, a_scrape_may_come_at_any_time) {
  const std::vector<Policy> one{pull};
  const std::vector<Policy> both{pull, push};
  std::atomic<bool> scraped = false;
  std::jthread scraper([&](const std::stop_token&) {
    for (int i = 0; i < 20; ++i) EXPECT_THAT(metrics.text(), HasSubstr("refsyncd_queue_depth"));
    scraped = true;
  });
  for (uint64_t i = 0; !scraped; ++i) {
    const auto sync = queued_sync(&pull, std::to_string(i));
    metrics.policies_changed(i % 2 == 0 ? both : one);
    metrics.sync_queued(sync);
    metrics.sync_finished(completed(sync, {updated("refs/heads/a")}));
    metrics.store_failed();
  }
}

/// Runs promtool on the text; its exit status and words.
std::pair<int, std::string> promtool_check(const std::string& text) {
  const TemporaryDirectory folder;
  std::ofstream(folder / "metrics") << text;
  const auto command = fmt::format("promtool check metrics < {} 2>&1", (folder / "metrics").string());
  std::FILE* output = ::popen(command.c_str(), "r");
  std::string words;
  std::array<char, 4096> part{};
  while (const auto size = std::fread(part.data(), 1, part.size(), output)) words.append(part.data(), size);
  return {::pclose(output), words};
}

TEST_F(MetricsTest, promtool_finds_nothing_to_complain_about) {
  schedule({pull, push, make_policy("b-pull"), make_policy("c-pull")});
  metrics.sync_finished(completed(queued_sync(&pull), {updated("refs/heads/a")}));
  const auto [status, words] = promtool_check(metrics.text());
  EXPECT_EQ(status, 0) << words;
  EXPECT_EQ(words, "");
}

TEST_F(MetricsTest, promtool_would_complain) {
  EXPECT_NE(promtool_check("# TYPE bad_total gauge\nbad_total 1\n").first, 0);
}

TEST(metrics_size, a_thousand_policies_stay_within_their_budget) {
  ManualClock clock;
  Metrics metrics("1.2.3", clock, 1000);
  std::vector<Policy> policies;
  for (int i = 0; i < 100'000; ++i) policies.push_back(make_policy(fmt::format("repository-{:06}-pull", i)));
  metrics.policies_changed(policies);
  for (const auto& policy : policies) metrics.run_scheduled(policy, noon);
  const auto begin = std::clock();
  const auto text = metrics.text();
  const auto cpu_seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  RecordProperty("scrape_cpu_ms", static_cast<int>(1000 * cpu_seconds));
  RecordProperty("scrape_bytes", static_cast<int>(text.size()));
  EXPECT_LT(text.size(), 2u << 20);
  EXPECT_LT(cpu_seconds, 5);  // an instrumented build; an ordinary one takes some 20 ms
  EXPECT_LE(sizeof(PolicySeries), 200u);
}

TEST_F(MetricsTest, webhooks_of_forges_are_counted_by_what_became_of_them) {
  metrics.expect_notices_of(Forge::gitlab);
  metrics.expect_notices_of(Forge::github);
  for (const auto result : {NoticeResult::triggered, NoticeResult::triggered, NoticeResult::unauthorized})
    metrics.notice_received({.forge = Forge::github, .result = result, .about = ""});
  const auto text = metrics.text();
  for (const auto* line : {"refsyncd_webhook_received_total{provider=\"github\",result=\"triggered\"} 2\n",
                           "refsyncd_webhook_received_total{provider=\"github\",result=\"ignored\"} 0\n",
                           "refsyncd_webhook_received_total{provider=\"github\",result=\"unauthorized\"} 1\n",
                           "refsyncd_webhook_received_total{provider=\"gitlab\",result=\"malformed\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("provider=\"gitea\""), std::string::npos) << "no secret, no series";
}

TEST_F(MetricsTest, maintenance_is_counted_by_result_and_measured) {
  MaintenanceReport report;
  report.took = milliseconds(250);
  metrics.maintained(report);
  report.result = MaintenanceResult::failed;
  metrics.maintained(report);
  const auto text = metrics.text();
  for (const auto* line : {"refsyncd_maintenance_total{result=\"done\"} 1\n",
                           "refsyncd_maintenance_total{result=\"interrupted\"} 0\n",
                           "refsyncd_maintenance_total{result=\"failed\"} 1\n",
                           "refsyncd_maintenance_duration_seconds_count 2\n",
                           "refsyncd_maintenance_duration_seconds_sum 0.5\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
}

TEST_F(MetricsTest, webhook_deliveries_are_counted_by_what_became_of_each_try) {
  const Delivery delivery;
  const Failure failure{.kind = ErrorKind::transient, .message = "no", .retry_after = {}};
  metrics.webhook_delivered(delivery);
  metrics.webhook_failed(delivery, failure, milliseconds(10));
  metrics.webhook_failed(delivery, failure, milliseconds(10));
  metrics.webhook_failed(delivery, failure, std::nullopt);
  metrics.webhook_abandoned("target-1");
  metrics.webhooks_outstanding(7, 3);
  const auto text = metrics.text();
  for (const auto* line :
       {"refsyncd_webhook_deliveries_total{result=\"delivered\"} 1\n",
        "refsyncd_webhook_deliveries_total{result=\"failed\"} 2\n",
        "refsyncd_webhook_deliveries_total{result=\"dead\"} 2\n", "refsyncd_webhook_deliveries_pending 7\n",
        "refsyncd_webhook_deliveries_dead 3\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace refsyncd
