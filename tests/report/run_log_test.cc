#include "report/run_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/samples.h"

namespace refsyncd {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Keeps what is written, as "level message".
struct RecordedLog final : LogSink {
  Severity level = Severity::info;
  std::vector<LogRecord> records;

  bool enabled(Severity severity) const override { return severity >= level; }
  void write(const LogRecord& record) override { records.push_back(record); }

  std::vector<std::string> take() {
    std::vector<std::string> lines;
    for (const auto& each : records)
      lines.push_back(fmt::format("{} {}", to_string(each.severity), each.message));
    records.clear();
    return lines;
  }
};

class RunLogTest : public testing::Test {
 protected:
  Sync sync() const { return queued_sync(&policy); }

  /// The end of a failed run: `failures` in a row, the last of this kind.
  PolicyState failing(int failures, ErrorKind kind, std::string message = "it broke") const {
    PolicyState state;
    state.policy = policy.name;
    state.consecutive_failures = failures;
    state.last_failure = Failure{.kind = kind, .message = std::move(message), .retry_after = {}};
    return state;
  }

  RecordedLog log;
  RunLog run_log{log};
  Policy policy = make_policy("app-pull");
};

TEST_F(RunLogTest, a_sync_is_one_line_and_one_for_each_updated_ref) {
  RefResults refs{updated("refs/heads/main"), updated("refs/heads/dev")};
  for (int i = 0; i < 18; ++i) refs.push_back(unchanged(fmt::format("refs/tags/{}", i)));
  run_log.sync_finished(completed(sync(), refs));
  EXPECT_THAT(log.take(),
              ElementsAre("info app-pull: pull of app completed in 1.3s: 2 updated, 18 unchanged",
                          "info app-pull: refs/heads/main updated 1111111111..2222222222 (fast_forward)",
                          "info app-pull: refs/heads/dev updated 1111111111..2222222222 (fast_forward)"));
}

TEST_F(RunLogTest, a_sync_has_its_facts_as_fields) {
  run_log.sync_finished(completed(sync(), {updated("refs/heads/main"), unchanged("refs/heads/dev")}));
  const auto line = nlohmann::json::parse(json_line(log.records.at(0), noon));
  EXPECT_EQ(line, nlohmann::json::parse(
                      R"({"time":"2026-01-05T12:00:00.000Z","level":"info","event":"sync_completed",
    "message":"app-pull: pull of app completed in 1.3s: 1 updated, 1 unchanged","policy":"app-pull","repo":"app",
    "direction":"pull","sync_id":"s1","updated":1,"unchanged":1,"filtered":0,"rejected":0,"seconds":1.3})"));
  const auto ref = nlohmann::json::parse(json_line(log.records.at(1), noon));
  EXPECT_EQ(ref["ref"], "refs/heads/main");
  EXPECT_EQ(ref["outcome"], "updated");
  EXPECT_EQ(ref["reason"], "fast_forward");
  EXPECT_EQ(ref["after"], object(2).hex());
}

TEST_F(RunLogTest, finding_nothing_is_told_first_and_after_each_change_only) {
  const auto nothing = completed(sync(), {unchanged("refs/heads/main")});
  const auto change = completed(sync(), {updated("refs/heads/main")});
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(),
              ElementsAre(HasSubstr("info app-pull: pull of app completed in 1.3s: 1 unchanged")));
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), IsEmpty());
  run_log.sync_finished(change);
  EXPECT_THAT(log.take(), testing::SizeIs(2));
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), ElementsAre(HasSubstr("1 unchanged")));
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), IsEmpty());
}

TEST_F(RunLogTest, repeated_syncs_are_at_debug) {
  log.level = Severity::debug;
  const auto nothing = completed(sync(), {unchanged("refs/heads/main")});
  run_log.sync_finished(nothing);
  log.take();
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), ElementsAre("debug app-pull: pull of app completed in 1.3s: 1 unchanged"));
}

TEST_F(RunLogTest, the_same_rejected_refs_warn_once) {
  const auto one = completed(sync(), {rejected("refs/heads/a"), rejected("refs/heads/b")});
  const auto reordered = completed(sync(), {rejected("refs/heads/b"), rejected("refs/heads/a")});
  const auto another = completed(sync(), {rejected("refs/heads/a"), rejected("refs/heads/c")});
  const auto reason = completed(sync(), {rejected("refs/heads/a"), rejected("refs/heads/c", Reason::raced)});
  const auto none = completed(sync(), {unchanged("refs/heads/a")});
  run_log.sync_finished(one);
  EXPECT_THAT(log.take(),
              ElementsAre("info app-pull: pull of app completed in 1.3s: 2 rejected",
                          HasSubstr("warning app-pull: refs/heads/a rejected (non_fast_forward): "),
                          HasSubstr("warning app-pull: refs/heads/b rejected")));
  run_log.sync_finished(reordered);
  EXPECT_THAT(log.take(), IsEmpty());
  run_log.sync_finished(another);
  EXPECT_THAT(log.take(), testing::SizeIs(3));
  run_log.sync_finished(reason);
  EXPECT_THAT(log.take(), testing::SizeIs(3));
  run_log.sync_finished(none);
  EXPECT_THAT(log.take(), ElementsAre(HasSubstr("1 unchanged")));
  run_log.sync_finished(reason);
  EXPECT_THAT(log.take(), testing::SizeIs(3));
}

TEST_F(RunLogTest, an_update_beside_known_rejected_refs_does_not_warn_again) {
  run_log.sync_finished(completed(sync(), {rejected("refs/heads/a")}));
  log.take();
  run_log.sync_finished(completed(sync(), {updated("refs/heads/main"), rejected("refs/heads/a")}));
  EXPECT_THAT(log.take(),
              ElementsAre(HasSubstr("1 updated, 1 rejected"), HasSubstr("refs/heads/main updated")));
}

TEST_F(RunLogTest, many_refs_are_fifty_lines_and_a_count) {
  RefResults refs;
  for (int i = 0; i < 60; ++i) refs.push_back(updated(fmt::format("refs/heads/{}", i)));
  for (int i = 0; i < 51; ++i) refs.push_back(rejected(fmt::format("refs/tags/{}", i), Reason::tag_exists));
  run_log.sync_finished(completed(sync(), refs));
  const auto lines = log.take();
  ASSERT_EQ(lines.size(), 1 + 51 + 51u);
  EXPECT_EQ(lines[51], "info app-pull: and 10 more refs updated");
  EXPECT_EQ(lines[102], "warning app-pull: and 1 more refs rejected");
}

TEST_F(RunLogTest, a_sync_by_hand_is_always_told) {
  for (int i = 0; i < 2; ++i) {
    run_log.sync_finished(completed(queued_sync(nullptr), {rejected("refs/heads/a")}));
    EXPECT_THAT(log.take(), ElementsAre("info by hand: pull of app completed in 1.3s: 1 rejected",
                                        HasSubstr("warning by hand: refs/heads/a rejected")));
  }
  run_log.sync_finished(failed(queued_sync(nullptr), ErrorKind::auth, "401"));
  EXPECT_THAT(log.take(), ElementsAre("error by hand: pull of app failed after 200ms: 401"));
}

TEST_F(RunLogTest, a_failed_attempt_warns_once_with_the_wait_before_the_next) {
  const auto sync = failed(this->sync());
  run_log.sync_finished(sync);
  run_log.attempt_failed(policy, *sync.failure, seconds(4));
  EXPECT_THAT(
      log.take(),
      ElementsAre("warning app-pull: attempt failed (transient): connection reset; next attempt in 4.0s"));
}

TEST_F(RunLogTest, the_last_attempt_is_told_as_the_failed_run_alone) {
  run_log.attempt_failed(policy, {.kind = ErrorKind::auth, .message = "401", .retry_after = {}}, {});
  auto now = failing(1, ErrorKind::auth, "401");
  now.not_before = noon;
  run_log.run_finished(policy, {}, now);
  EXPECT_THAT(log.take(),
              ElementsAre("error app-pull: run failed (auth), 1 in a row: 401; check the upstream's "
                          "credential (auth) and its rights; next run not before "
                          "2026-01-05T12:00:00.000Z"));
}

TEST_F(RunLogTest, runs_that_keep_failing_alike_are_warnings_after_the_first_error) {
  run_log.run_finished(policy, {}, failing(1, ErrorKind::transient));
  run_log.run_finished(policy, failing(1, ErrorKind::transient), failing(2, ErrorKind::transient));
  run_log.run_finished(policy, failing(2, ErrorKind::transient), failing(3, ErrorKind::auth));
  run_log.run_finished(policy, failing(3, ErrorKind::auth), failing(4, ErrorKind::auth));
  EXPECT_THAT(log.take(),
              ElementsAre("error app-pull: run failed (transient), 1 in a row: it broke",
                          "warning app-pull: run failed (transient), 2 in a row: it broke",
                          HasSubstr("error app-pull: run failed (auth), 3 in a row: it broke"),
                          HasSubstr("warning app-pull: run failed (auth), 4 in a row: it broke")));
}

TEST_F(RunLogTest, a_recovery_is_told_once_and_the_next_failure_is_news_again) {
  run_log.run_finished(policy, {}, failing(1, ErrorKind::transient));
  log.take();
  run_log.run_finished(policy, failing(3, ErrorKind::transient), {});
  run_log.run_finished(policy, {}, {});
  EXPECT_THAT(log.take(), ElementsAre("info app-pull: recovered after 3 failed runs"));
  run_log.run_finished(policy, {}, failing(1, ErrorKind::transient));
  EXPECT_THAT(log.take(), ElementsAre(HasSubstr("error app-pull: run failed")));
}

TEST_F(RunLogTest, a_refused_configuration_is_an_error_line_a_mistake) {
  run_log.config_loaded(true, "a.yaml:1:2: unknown key 'x'\na.yaml:3:4: 'soon' is not a duration\n");
  EXPECT_THAT(log.take(),
              ElementsAre("error the new configuration was refused; the old one stays",
                          "error a.yaml:1:2: unknown key 'x'", "error a.yaml:3:4: 'soon' is not a duration"));
  run_log.config_loaded(true, "");
  EXPECT_THAT(log.take(), ElementsAre("info configuration reloaded"));
}

TEST_F(RunLogTest, a_policy_that_was_removed_and_comes_back_starts_anew) {
  const std::vector<Policy> with{policy};
  const auto nothing = completed(sync(), {unchanged("refs/heads/main")});
  run_log.sync_finished(nothing);
  run_log.policies_changed(with);
  log.take();
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), IsEmpty());
  run_log.policies_changed({});
  run_log.policies_changed(with);
  EXPECT_THAT(log.take(), ElementsAre("info 0 policies scheduled", "info 1 policy scheduled"));
  run_log.sync_finished(nothing);
  EXPECT_THAT(log.take(), ElementsAre(HasSubstr("1 unchanged")));
}

TEST_F(RunLogTest, everything_is_told_at_trace_and_routine_is_silent_at_info) {
  const auto tell = [&] {
    run_log.run_scheduled(policy, noon);
    run_log.run_started(policy, milliseconds(5));
    run_log.sync_queued(sync());
    run_log.sync_started(started(sync()));
    run_log.sync_progress(started(sync()), "Receiving objects: 45%");
  };
  tell();
  EXPECT_THAT(log.take(), IsEmpty());
  log.level = Severity::trace;
  tell();
  EXPECT_THAT(log.take(), ElementsAre("trace app-pull: next due 2026-01-05T12:00:00.000Z",
                                      "debug app-pull: due, 5ms late", "debug app-pull: pull of app queued",
                                      "debug app-pull: pull of app started",
                                      "trace app-pull: pull of app: Receiving objects: 45%"));
}

TEST_F(RunLogTest, a_webhook_target_that_fails_is_told_of_once_and_again_when_it_recovers) {
  Delivery delivery;
  delivery.target_id = "target-1";
  delivery.event = "sync.completed";
  delivery.attempts = 1;
  const Failure failure{.kind = ErrorKind::transient, .message = "status 500", .retry_after = {}};
  run_log.webhook_delivered(delivery);
  run_log.webhook_failed(delivery, failure, seconds(10));
  run_log.webhook_failed(delivery, failure, seconds(30));
  EXPECT_THAT(log.take(),
              ElementsAre("warning webhook target target-1 did not take sync.completed: status 500; "
                          "next try in 10s"));
  run_log.webhook_delivered(delivery);
  run_log.webhook_delivered(delivery);
  EXPECT_THAT(log.take(), ElementsAre("info webhook target target-1 took sync.completed, after failures"));
}

TEST_F(RunLogTest, a_push_is_told_at_info_when_a_policy_waits_for_it) {
  const std::string about = "a push to refs/heads/main of https://github.com/acme/app";
  run_log.notice_received(
      {.forge = Forge::github, .result = NoticeResult::triggered, .about = about, .policies = 2});
  run_log.notice_received({.forge = Forge::github, .result = NoticeResult::ignored, .about = about});
  EXPECT_THAT(log.take(), ElementsAre("info github: " + about + " makes 2 policies due"));
}

TEST_F(RunLogTest, refused_webhooks_are_told_once_a_minute_for_each_forge) {
  const auto refuse = [&](Forge forge, seconds at) {
    run_log.notice_received({.forge = forge,
                             .result = NoticeResult::unauthorized,
                             .at = WallTime(at),
                             .about = "its signature does not fit"});
  };
  refuse(Forge::github, seconds(0));
  refuse(Forge::github, seconds(1));
  refuse(Forge::github, seconds(59));
  refuse(Forge::gitea, seconds(59));
  EXPECT_THAT(log.take(), ElementsAre("warning github: refused a webhook: its signature does not fit",
                                      "warning gitea: refused a webhook: its signature does not fit"));
  refuse(Forge::github, seconds(60));
  EXPECT_THAT(log.take(), ElementsAre("warning github: refused a webhook: its signature does not fit; 2 more "
                                      "were refused before"));
  refuse(Forge::github, seconds(10));
  EXPECT_THAT(log.take().size(), 1u) << "the clock was set back";
}

TEST_F(RunLogTest, maintenance_is_told_when_it_changed_something_or_failed) {
  MaintenanceReport report;
  report.repo = "app";
  report.took = milliseconds(1500);
  run_log.maintained(report);
  EXPECT_THAT(log.take(), IsEmpty()) << "nothing had to be done";
  report.packs_before = 60;
  report.packs_after = 2;
  run_log.maintained(report);
  EXPECT_THAT(log.take(), ElementsAre("info maintenance of app done in 1s500ms: 60 packs became 2, 0 loose "
                                      "refs became 0, 0 leftovers removed"));
  report.result = MaintenanceResult::interrupted;
  run_log.maintained(report);
  EXPECT_THAT(log.take(), IsEmpty()) << "it is begun again";
  report.result = MaintenanceResult::failed;
  report.problem = "no room";
  run_log.maintained(report);
  EXPECT_THAT(log.take(),
              ElementsAre("warning maintenance of app failed in 1s500ms: 60 packs became 2, 0 loose refs "
                          "became 0, 0 leftovers removed: no room"));
}

TEST_F(RunLogTest, files_that_no_record_names_are_told_with_a_remedy) {
  std::vector<std::filesystem::path> files{"/data/a", "/data/b"};
  run_log.unknown_files(files);
  EXPECT_THAT(log.take(), ElementsAre("warning state.db does not know these, which are left alone: /data/a, "
                                      "/data/b; put back the state.db "
                                      "that does, or remove what nobody needs"));
  files.resize(RunLog::file_names + 3, "/data/c");
  run_log.unknown_files(files);
  EXPECT_THAT(log.take(), ElementsAre(HasSubstr("/data/c and 3 more; put back")));
}

TEST_F(RunLogTest, each_webhook_delivery_that_is_given_up_is_an_error) {
  Delivery delivery;
  delivery.target_id = "target-1";
  delivery.event = "sync.completed";
  delivery.attempts = 10;
  const Failure failure{.kind = ErrorKind::transient, .message = "status 500", .retry_after = {}};
  run_log.webhook_failed(delivery, failure, std::nullopt);
  EXPECT_THAT(log.take(),
              ElementsAre("error gave up telling webhook target target-1 of sync.completed after 10 "
                          "tries: status 500"));
}

TEST_F(RunLogTest, a_target_that_too_many_deliveries_wait_for_is_told_of_once_until_it_takes_one) {
  for (int i = 0; i < 3; ++i) run_log.webhook_abandoned("target-1");
  const auto line =
      "error too many deliveries wait for webhook target target-1: gave up the oldest, and will until it "
      "takes "
      "some; delete it if it is not needed";
  EXPECT_THAT(log.take(), ElementsAre(line));
  Delivery delivery;
  delivery.target_id = "target-1";
  run_log.webhook_delivered(delivery);
  run_log.webhook_abandoned("target-1");
  EXPECT_THAT(log.take(), ElementsAre(line));
}

}  // namespace
}  // namespace refsyncd
