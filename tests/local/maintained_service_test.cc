#include <gtest/gtest.h>

#include "local/service.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// The embedded service with made-up Git work and maintenance, which end when the test says so.
class AServiceThatMaintains : public testing::Test {
 protected:
  struct Listener final : SyncListener {
    void sync_changed(const Sync&) override {}
  };

  AServiceThatMaintains() {
    service_.set_listener(listener_);
    Repo repo;
    repo.name = "app";
    repo.path = "/repos/app.git";
    repo.managed = true;
    repo.upstream = Upstream{.url = "ssh://example.org/app", .host = "example.org"};
    service_.configure({repo}, 8, 4);
    service_.set_maintenance(true);
  }
  SyncEnd work() {
    SyncEnd end;
    RefResult moved;
    moved.name = "refs/heads/main";
    moved.outcome = Outcome::updated;
    end.refs = std::make_shared<const RefResults>(RefResults{moved});
    return end;
  }
  void pull() {
    SyncRequest request;
    request.repo = "app";
    service_.enqueue(request, [](const Sync*, const Failure*) {});
    recorder_.settle();
  }
  void let_workers_work() {
    for (auto& task : std::exchange(background_, {})) task();
    for (auto& report : std::exchange(posted_, {})) report();
    recorder_.settle();
  }
  /// Lets the time pass until maintenance begins, at most so long.
  bool wait_for_maintenance(std::chrono::minutes longest) {
    for (const auto until = clock_.monotonic + longest; !done_ && clock_.monotonic < until;) {
      clock_.advance(1min);
      service_.tick();
    }
    return done_ != nullptr;
  }
  void end_maintenance(MaintenanceResult result) {
    MaintenanceReport report;
    report.repo = "app";
    report.result = result;
    std::exchange(done_, nullptr)(report);
    recorder_.settle();
  }

  ManualClock clock_;
  MemoryRecorder recorder_;
  MemoryStore store_{recorder_};
  RecordingObserver observer_;
  Listener listener_;
  std::vector<std::function<void()>> background_;
  std::vector<std::function<void()>> posted_;
  std::stop_token stop_;
  std::function<void(std::optional<MaintenanceReport>)> done_;
  LocalService service_{
      {.clock = clock_,
       .store = store_,
       .recorder = recorder_,
       .observer = observer_,
       .work = [this](const Assignment&, const std::stop_token&,
                      const LocalService::Progress&) { return work(); },
       .in_background = [this](std::function<void()> task) { background_.push_back(std::move(task)); },
       .on_loop = [this](std::function<void()> task) { posted_.push_back(std::move(task)); },
       .data_dir = "/nowhere",
       .probe = {},
       .maintain =
           [this](const Repo&, std::stop_token stop, auto done) {
             stop_ = std::move(stop);
             done_ = std::move(done);
           }},
      "local",
      8,
      4};
};

TEST_F(AServiceThatMaintains, ends_maintenance_for_a_sync_which_runs_right_after_it) {
  ASSERT_TRUE(wait_for_maintenance(24h));
  EXPECT_FALSE(stop_.stop_requested());
  pull();
  EXPECT_TRUE(stop_.stop_requested());
  EXPECT_EQ(observer_.events, (std::vector<std::string>{"queued app"})) << "one works on it at a time";
  end_maintenance(MaintenanceResult::interrupted);
  let_workers_work();
  EXPECT_EQ(observer_.events, (std::vector<std::string>{"queued app", "started app", "completed app"}));
}

TEST_F(AServiceThatMaintains, shows_it_to_nobody_as_a_sync) {
  ASSERT_TRUE(wait_for_maintenance(24h));
  EXPECT_EQ(service_.running(), 0u);
  EXPECT_EQ(service_.waiting(), 0u);
  end_maintenance(MaintenanceResult::done);
  EXPECT_TRUE(recorder_.syncs.empty());
  EXPECT_TRUE(observer_.events.empty());
}

TEST_F(AServiceThatMaintains, comes_within_the_hour_to_what_a_pull_has_changed) {
  ASSERT_TRUE(wait_for_maintenance(24h));
  end_maintenance(MaintenanceResult::done);
  EXPECT_FALSE(wait_for_maintenance(61min)) << "quiet until tomorrow";
  pull();
  let_workers_work();
  EXPECT_TRUE(wait_for_maintenance(61min));
}

TEST_F(AServiceThatMaintains, does_not_begin_while_a_sync_is_at_work) {
  pull();
  EXPECT_FALSE(wait_for_maintenance(24h * 2));
  let_workers_work();
  EXPECT_TRUE(wait_for_maintenance(2min));
}

TEST_F(AServiceThatMaintains, ends_it_with_the_agent) {
  ASSERT_TRUE(wait_for_maintenance(24h));
  service_.stop_starting();
  EXPECT_TRUE(stop_.stop_requested());
}

}  // namespace
}  // namespace refsyncd
