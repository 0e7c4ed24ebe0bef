#include "local/maintenance.h"

#include <gtest/gtest.h>

#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

struct HearsOfMaintenance final : Observer {
  std::vector<MaintenanceReport> reports;
  void maintained(const MaintenanceReport& report) override { reports.push_back(report); }
};

/// Maintenance whose work begins and ends when the test says so.
class OngoingMaintenance : public testing::Test {
 protected:
  struct Begun {
    std::string repo;
    std::stop_token stop;
    std::function<void(std::optional<MaintenanceReport>)> done;
  };

  OngoingMaintenance() {
    std::vector<Repo> repos;
    for (const auto* name : {"app", "lib", "own"}) {
      Repo repo;
      repo.name = name;
      repo.path = folder_of(name);
      repo.managed = repo.name != "own";
      repos.push_back(repo);
    }
    catalog_.configure(repos);
    maintenance_.set_enabled(true);
  }

  /// A day passes, with its looks at whatever waits.
  void wait_a_day() {
    for (int minute = 0; minute < 24 * 60; ++minute) {
      clock_.advance(1min);
      maintenance_.tick();
    }
  }
  void end(MaintenanceResult result) {
    MaintenanceReport report;
    report.repo = begun_.back().repo;
    report.result = result;
    begun_.back().done(report);
  }
  static std::string folder_of(const std::string& repo) { return "/repos/" + repo + ".git"; }
  static Queue::Item sync(const std::string& repo) {
    return {.id = "sync", .repo = repo, .folder = folder_of(repo), .host = ""};
  }

  ManualClock clock_;
  HearsOfMaintenance observer_;
  MemoryRecorder recorder_;
  Queue queue_{8, 4};
  Catalog catalog_{recorder_, clock_, "local", "/nowhere"};
  std::vector<Begun> begun_;
  bool in_use_ = false;
  int released_ = 0;
  Maintenance maintenance_{{.clock = clock_,
                            .observer = observer_,
                            .queue = queue_,
                            .catalog = catalog_,
                            .in_use = [this](const std::string&) { return in_use_; },
                            .released = [this] { ++released_; }},
                           [this](const Repo& repo, const std::stop_token& stop, auto done) {
                             begun_.push_back({repo.name, stop, std::move(done)});
                           }};
};

TEST_F(OngoingMaintenance, works_on_one_repository_at_a_time) {
  maintenance_.know("app");
  maintenance_.know("lib");
  wait_a_day();
  ASSERT_EQ(begun_.size(), 1u);
  EXPECT_EQ(maintenance_.next_wake(), SteadyTime::max()) << "nothing is begun before this has ended";
  begun_[0].done(std::nullopt);
  maintenance_.tick();
  ASSERT_EQ(begun_.size(), 2u);
  EXPECT_NE(begun_[0].repo, begun_[1].repo);
}

TEST_F(OngoingMaintenance, leaves_repositories_that_are_not_ours_alone) {
  maintenance_.know("own");
  maintenance_.know("unknown");
  maintenance_.changed("own");
  wait_a_day();
  EXPECT_TRUE(begun_.empty());
}

TEST_F(OngoingMaintenance, keeps_syncs_waiting_and_lets_them_go_when_it_ends) {
  maintenance_.know("app");
  wait_a_day();
  queue_.add(sync("app"));
  EXPECT_EQ(queue_.take(), std::nullopt);
  EXPECT_EQ(queue_.waiting_for("sync"), "maintenance of app");
  end(MaintenanceResult::done);
  EXPECT_EQ(released_, 1);
  EXPECT_EQ(queue_.take(), "sync");
}

TEST_F(OngoingMaintenance, gives_way_to_a_sync_and_comes_back_later) {
  maintenance_.know("app");
  wait_a_day();
  ASSERT_EQ(begun_.size(), 1u);
  maintenance_.give_way("lib");
  EXPECT_FALSE(begun_[0].stop.stop_requested());
  maintenance_.give_way("app");
  EXPECT_TRUE(begun_[0].stop.stop_requested());
  end(MaintenanceResult::interrupted);
  EXPECT_LE(maintenance_.next_wake(), clock_.monotonic + 5min);
  clock_.advance(5min);
  maintenance_.tick();
  EXPECT_EQ(begun_.size(), 2u);
}

TEST_F(OngoingMaintenance, does_not_begin_while_syncs_use_the_repository) {
  maintenance_.know("app");
  in_use_ = true;
  wait_a_day();
  EXPECT_TRUE(begun_.empty());
  in_use_ = false;
  clock_.advance(1min);
  maintenance_.tick();
  EXPECT_EQ(begun_.size(), 1u);
}

TEST_F(OngoingMaintenance, does_not_begin_while_a_sync_runs) {
  maintenance_.know("app");
  queue_.add(sync("app"));
  ASSERT_EQ(queue_.take(), "sync");
  wait_a_day();
  EXPECT_TRUE(begun_.empty());
}

TEST_F(OngoingMaintenance, tells_what_was_done_and_nothing_of_a_mere_look) {
  maintenance_.know("app");
  wait_a_day();
  begun_[0].done(std::nullopt);
  EXPECT_TRUE(observer_.reports.empty());
  wait_a_day();
  end(MaintenanceResult::done);
  EXPECT_EQ(observer_.reports.size(), 1u);
}

TEST_F(OngoingMaintenance, lets_who_removes_a_repository_do_so_once_it_has_ended) {
  int removed = 0;
  maintenance_.know("app");
  wait_a_day();
  maintenance_.after("lib", [&] { ++removed; });
  EXPECT_EQ(removed, 1) << "nobody holds this one";
  maintenance_.after("app", [&] { ++removed; });
  EXPECT_EQ(removed, 1);
  EXPECT_TRUE(begun_[0].stop.stop_requested());
  end(MaintenanceResult::interrupted);
  EXPECT_EQ(removed, 2);
}

TEST_F(OngoingMaintenance, ends_with_the_agent_and_begins_no_more) {
  maintenance_.know("app");
  maintenance_.know("lib");
  wait_a_day();
  maintenance_.stop();
  EXPECT_TRUE(begun_[0].stop.stop_requested());
  end(MaintenanceResult::interrupted);
  wait_a_day();
  EXPECT_EQ(begun_.size(), 1u);
  EXPECT_EQ(maintenance_.next_wake(), SteadyTime::max());
}

TEST_F(OngoingMaintenance, can_be_switched_off_and_on) {
  maintenance_.know("app");
  maintenance_.set_enabled(false);
  wait_a_day();
  EXPECT_TRUE(begun_.empty());
  EXPECT_EQ(maintenance_.next_wake(), SteadyTime::max());
  maintenance_.set_enabled(true);
  maintenance_.tick();
  EXPECT_EQ(begun_.size(), 1u);
}

}  // namespace
}  // namespace refsyncd
