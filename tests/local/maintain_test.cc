#include "local/maintain.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <future>

#include "base/worker_pool.h"
#include "git/real_git.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// The thread that maintains, and reports that come straight to the test.
class AMaintainer : public RealGit {
 protected:
  std::future<std::optional<MaintenanceReport>> begin(const std::filesystem::path& path,
                                                      std::stop_token stop = {}) {
    Repo repo;
    repo.name = "app";
    repo.path = path.string();
    repo.managed = true;
    auto promise = std::make_shared<std::promise<std::optional<MaintenanceReport>>>();
    maintain_(repo, std::move(stop),
              [promise](std::optional<MaintenanceReport> report) { promise->set_value(std::move(report)); });
    return promise->get_future();
  }

  SystemClock clock_;
  WorkerPool thread_{1};
  Maintain maintain_ = make_maintain(
      clock_, git, 24h * 30, [this](std::function<void()> task) { thread_.submit(std::move(task)); },
      [](const std::function<void()>& task) { task(); });
};

TEST_F(AMaintainer, is_nice_and_makes_nobody_else_so) {
  const int before = ::getpriority(PRIO_PROCESS, 0);
  const auto path = make_bare("app.git");
  set_ref(path, "refs/heads/main", commit(path, "first"));
  const auto report = begin(path).get();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->repo, "app");
  EXPECT_EQ(report->result, MaintenanceResult::done) << report->problem;
  std::promise<int> of_its_thread;
  thread_.submit([&] { of_its_thread.set_value(::getpriority(PRIO_PROCESS, 0)); });
  EXPECT_EQ(of_its_thread.get_future().get(), 10);
  EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), before);
}

TEST_F(AMaintainer, has_nothing_to_do_before_the_first_pull) {
  EXPECT_FALSE(begin(folder / "none.git").get());
}

TEST_F(AMaintainer, says_why_it_does_not_touch_a_repository) {
  const auto path = make_bare("app.git");
  std::filesystem::permissions(path / "config", std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  const auto report = begin(path).get();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->result, MaintenanceResult::failed);
  EXPECT_NE(report->problem, "");
}

TEST_F(AMaintainer, stops_in_the_middle_and_leaves_a_good_repository) {
  const auto path = make_bare("app.git");
  std::vector<ObjectId> parents;
  for (int i = 0; i < 20; ++i) {
    parents = {commit(path, "commit " + std::to_string(i), parents)};
    plain_git(path, {"pack-objects", "-q", "objects/pack/pack"}, parents.back().hex() + "\n");
  }
  set_ref(path, "refs/heads/main", parents.back());
  for (const auto delay : {5ms, 20ms, 40ms}) {
    std::stop_source stop;
    auto running = begin(path, stop.get_token());
    running.wait_for(delay);
    stop.request_stop();
    ASSERT_EQ(running.wait_for(30s), std::future_status::ready) << "a sync waits for it";
    const auto report = running.get();
    EXPECT_FALSE(report && report->result == MaintenanceResult::failed) << report->problem;
    EXPECT_EQ(plain_git(path, {"fsck", "--full", "--strict", "--no-dangling"}), "");
    EXPECT_EQ(plain_git(path, {"rev-list", "--count", "main"}), "20");
  }
}

}  // namespace
}  // namespace refsyncd
