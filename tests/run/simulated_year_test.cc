#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "local/service.h"
#include "run/runner.h"
#include "schedule/next_due.h"
#include "support/fakes.h"
#include "support/manual_clock.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// In a troubled year syncs fail at random, and the agent is killed and restarted every few weeks.
enum class Year { troubled, calm };

/// A year of many policies on the real scheduler, runner, queue and service; only Git and the clock are made
/// up. Syncs take a random time.
class SimulatedYear {
 public:
  SimulatedYear(std::vector<Policy> policies, Year kind) : policies_(std::move(policies)), kind_(kind) {
    start();
  }

  void run(milliseconds length) {
    const auto end = clock_.now() + length;
    auto next_kill = clock_.now() + 20 * 24h;
    while (clock_.now() < end) {
      step(end);
      if (kind_ == Year::troubled && clock_.now() >= next_kill) {
        restart_after(std::chrono::minutes(dice_() % 180));
        next_kill = clock_.now() + 20 * 24h;
      }
    }
  }

  /// When each policy's syncs began, and what was seen to be wrong.
  std::map<std::string, std::vector<WallTime>> started;
  std::vector<std::string> faults;
  size_t syncs = 0;
  size_t failures = 0;
  size_t restarts = 0;

 private:
  void start() {
    service_ = std::make_unique<LocalService>(
        LocalService::Surroundings{
            .clock = clock_,
            .store = store_,
            .recorder = recorder_,
            .observer = observer_,
            .work = [this](const Assignment& assignment, const std::stop_token&,
                           const LocalService::Progress&) { return work(assignment.sync); },
            .in_background = [this](std::function<void()> task) { begin(std::move(task)); },
            .on_loop = [this](std::function<void()> task) { posted_.push_back(std::move(task)); }},
        "local", 64, 16);
    runner_ = std::make_unique<Runner>(clock_, *service_, recorder_, observer_,
                                       [this] { return std::uniform_real_distribution<>(0, 1)(dice_); });
    service_->set_listener(*runner_);
    std::vector<Repo> repos;
    for (const auto& policy : policies_) {
      Repo repo;
      repo.name = policy.repo;
      repo.path = "/repos/" + policy.repo + ".git";
      repo.upstream =
          Upstream{.url = "https://example.org/x.git", .host = "host" + std::to_string(repos.size() % 40)};
      repos.push_back(repo);
    }
    service_->configure(repos, 64, 16);
    service_->adopt(store_.repositories(), store_.unfinished_syncs());
    runner_->configure(policies_, store_.policy_states());
  }

  void restart_after(milliseconds downtime) {
    ++restarts;
    runner_.reset();
    service_.reset();
    recorder_.crash();
    posted_.clear();
    background_.clear();
    busy_.clear();
    for (auto it = recorder_.syncs.begin(); it != recorder_.syncs.end();) {
      it = it->second.terminal() ? recorder_.syncs.erase(it) : std::next(it);
    }
    clock_.advance(downtime);
    start();
  }

  void begin(std::function<void()> task) {
    const auto takes = milliseconds(100 + dice_() % 60'000);
    background_.emplace(clock_.now() + takes, std::move(task));
  }

  /// Called when the made-up Git work ends.
  SyncEnd work(const Sync& sync) {
    ++syncs;
    busy_.erase(sync.request.repo);
    SyncEnd end;
    if (kind_ == Year::calm) return end;
    const auto roll = dice_() % 100;
    if (roll < 10) end.failure = Failure{.kind = ErrorKind::transient, .message = "reset", .retry_after = {}};
    if (roll == 10) end.failure = Failure{.kind = ErrorKind::auth, .message = "401", .retry_after = {}};
    if (roll == 11) end.failure = Failure{.kind = ErrorKind::throttled, .message = "429", .retry_after = 20s};
    if (end.failure) ++failures;
    return end;
  }

  void settle() {
    for (;;) {
      recorder_.settle();
      if (posted_.empty()) return;
      auto tasks = std::exchange(posted_, {});
      for (auto& task : tasks) task();
    }
  }

  void step(WallTime end) {
    runner_->tick();
    service_->tick();
    settle();
    auto next = end;
    if (runner_->next_wake() != SteadyTime::max()) {
      next = std::min(next,
                      clock_.now() + std::chrono::ceil<milliseconds>(runner_->next_wake() - clock_.steady()));
    }
    if (!background_.empty()) next = std::min(next, background_.begin()->first);
    clock_.advance(std::max(milliseconds{}, next - clock_.now()));
    while (!background_.empty() && background_.begin()->first <= clock_.now()) {
      auto task = std::move(background_.begin()->second);
      background_.erase(background_.begin());
      task();
    }
    settle();
  }

  class Watch final : public Observer {
   public:
    explicit Watch(SimulatedYear& year) : year_(year) {}
    void sync_started(const Sync& sync) override {
      year_.started[sync.request.policy].push_back(year_.clock_.now());
      if (!year_.busy_.insert(sync.request.repo).second)
        year_.faults.push_back(sync.request.repo + " ran twice at once");
    }
    void run_started(const Policy& policy, milliseconds late) override {
      if (late > 1s)
        year_.faults.push_back(policy.name + " was late by " + std::to_string(late.count()) + " ms");
    }

   private:
    SimulatedYear& year_;
  };

  std::vector<Policy> policies_;
  Year kind_;
  ManualClock clock_;
  std::mt19937 dice_{42};
  MemoryRecorder recorder_;
  MemoryStore store_{recorder_};
  Watch observer_{*this};
  std::multimap<WallTime, std::function<void()>> background_;
  std::vector<std::function<void()>> posted_;
  std::set<std::string> busy_;
  std::unique_ptr<LocalService> service_;
  std::unique_ptr<Runner> runner_;
};

CronSchedule cron(const std::string& expression, const std::string& zone) {
  CronSchedule schedule{.cron = {}, .expression = expression, .timezone = zone};
  CronProblem problem;
  EXPECT_TRUE(parse_cron(expression, schedule.cron, problem)) << problem.message;
  return schedule;
}

// Sanitizers slow a year down tenfold; they see the same code with fewer policies.
#ifdef REFSYNCD_SANITIZED
constexpr size_t policy_count = 100;
#else
constexpr size_t policy_count = 1000;
#endif

std::vector<Policy> many_policies() {
  std::vector<Policy> policies(policy_count);
  for (size_t i = 0; i < policies.size(); ++i) {
    auto& policy = policies[i];
    policy.name = policy.repo = "repo-" + std::to_string(i);
    policy.retry = {.attempts = 4, .first = 2s, .max = 5min};
    switch (i % 4) {
      case 0: policy.schedule = cron(std::to_string(i % 60) + " 2 * * *", "Europe/Zurich"); break;
      case 1: policy.schedule = cron("0 9-17 * * mon", "America/New_York"); break;
      default: policy.schedule = Every{std::chrono::hours(6 + i % 42)};
    }
    if (i % 4 < 2) policy.jitter = {.fraction = 0, .time = 0ms};
  }
  return policies;
}

/// The longest a policy may go between two attempts: its widest gap between due times, then an hour of
/// staying away after refused credentials, and the waits of a whole failed run.
milliseconds longest_silence(const Policy& policy, WallTime from, milliseconds length) {
  milliseconds widest{};
  for (auto at = next_due(policy, from); at < from + length;) {
    const auto next = next_due(policy, at);
    widest = std::max(widest, next - at);
    at = next;
  }
  return 2 * widest + 4h;  // refused credentials may skip one due time; a restart may take three hours
}

TEST(A_simulated_year, keeps_every_policy_on_time_alone_and_alive) {
  const auto policies = many_policies();
  const ManualClock clock;
  const auto begin = clock.now();
  constexpr auto year = 365 * 24h;
  SimulatedYear simulation(policies, Year::troubled);
  simulation.run(year);

  EXPECT_TRUE(simulation.faults.empty())
      << simulation.faults.size() << " faults, first: " << simulation.faults.front();
  EXPECT_GE(simulation.restarts, 15u);
  EXPECT_GT(simulation.failures, simulation.syncs / 20);
  for (const auto& policy : policies) {
    const auto& times = simulation.started[policy.name];
    ASSERT_GT(times.size(), 150u) << policy.name << " starved";
    const auto allowed = longest_silence(policy, begin, year);
    auto last = begin;
    for (const auto at : times) {
      ASSERT_LE((at - last).count(), allowed.count()) << policy.name;
      last = at;
    }
    ASSERT_LE((begin + year - last).count(), allowed.count()) << policy.name;
  }
  RecordProperty("syncs", static_cast<int>(simulation.syncs));
}

/// Few enough that none waits for another.
std::vector<Policy> calendar_policies() {
  auto policies = many_policies();
  policies.resize(60);
  std::erase_if(policies,
                [](const Policy& policy) { return !std::holds_alternative<CronSchedule>(policy.schedule); });
  return policies;
}

std::vector<WallTime> due_times(const Policy& policy, WallTime from, WallTime until) {
  std::vector<WallTime> times;
  for (auto at = next_due(policy, from); at < until; at = next_due(policy, at)) times.push_back(at);
  return times;
}

TEST(A_simulated_year, without_failures_runs_each_calendar_policy_exactly_when_the_calendar_says) {
  const auto policies = calendar_policies();
  const auto begin = ManualClock().now();
  constexpr auto year = 365 * 24h;
  SimulatedYear simulation(policies, Year::calm);
  simulation.run(year);

  EXPECT_THAT(simulation.faults, testing::IsEmpty());
  EXPECT_EQ(simulation.failures, 0u);
  for (const auto& policy : policies) {
    EXPECT_EQ(simulation.started[policy.name], due_times(policy, begin, begin + year)) << policy.name;
  }
  EXPECT_EQ(simulation.started[policies[0].name].size(), 365u);      // each night
  EXPECT_EQ(simulation.started[policies[1].name].size(), 53u * 9u);  // nine times each of 53 Mondays
}

}  // namespace
}  // namespace refsyncd
