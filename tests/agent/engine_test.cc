#include "agent/engine.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/once.h"
#include "git/real_git.h"

namespace refsyncd {
namespace {

using namespace std::chrono_literals;

/// The whole engine with its real threads, store and git, on the machine's clock.
class AnEngine : public RealGit {
 protected:
  AnEngine() : upstream_(make_bare("upstream.git")) {
    first_ = commit(upstream_, "one");
    set_ref(upstream_, "refs/heads/main", first_);
  }

  Config config(const std::vector<std::string>& names) const {
    Config config;
    config.service.data_dir = folder / "data";
    for (const auto& name : names) {
      Repo repo;
      repo.name = name;
      repo.path = mirror(name).string();
      repo.upstream = Upstream{.url = upstream_.string(), .transport = Transport::file};
      config.repos.push_back(repo);
      Policy policy;
      policy.name = name + "-pull";
      policy.repo = name;
      policy.schedule = Every{24h * 3650};  // due at once for the first time, and then never
      policy.timeout = 30s;
      config.policies.push_back(policy);
    }
    return config;
  }

  std::filesystem::path mirror(const std::string& name) const {
    return folder / "data" / "repos" / (name + ".git");
  }

  std::unique_ptr<Engine> start(const Config& with) {
    auto engine = std::make_unique<Engine>(with.service, clock_, observer_, [](const Failure& failure) {
      ADD_FAILURE() << "the store failed: " << failure.message;
    });
    engine->start(with);
    return engine;
  }

  /// Turns the loop until the condition holds; fails the test after a while.
  void turn_until(Engine& engine, const std::function<bool()>& condition) {
    const auto deadline = clock_.steady() + 60s;
    while (!condition()) {
      ASSERT_LT(clock_.steady(), deadline);
      engine.turn(clock_.steady() + 50ms);
    }
  }
  static bool succeeded(Engine& engine, const std::string& policy) {
    const auto view = engine.runner().find(policy);
    return view && view->state.last_success.has_value();
  }
  static void rest(Engine& engine, const Clock& clock) {
    engine.stop_starting();
    while (!engine.at_rest()) engine.turn(clock.steady() + 50ms);
  }

  SystemClock clock_;
  Observers observer_;
  std::filesystem::path upstream_;
  ObjectId first_;
};

TEST_F(AnEngine, pulls_on_its_schedule_and_remembers_it_over_a_restart) {
  auto engine = start(config({"app"}));
  turn_until(*engine, [&] { return succeeded(*engine, "app-pull"); });
  EXPECT_EQ(ObjectReader(mirror("app")).refs(), (std::vector<RefValue>{{"refs/heads/main", first_}}));
  const auto state = engine->runner().find("app-pull")->state;
  rest(*engine, clock_);
  engine.reset();

  engine = start(config({"app"}));
  engine->turn(clock_.steady());
  const auto view = *engine->runner().find("app-pull");
  EXPECT_EQ(view.state, state);
  EXPECT_EQ(view.state.phase, RunPhase::idle) << "nothing was missed, so nothing runs at start";
  EXPECT_EQ(engine->store().syncs({}).size(), 1u);
}

TEST_F(AnEngine, has_its_data_directory_for_itself) {
  const auto engine = start(config({"app"}));
  EXPECT_THROW(start(config({"app"})), LockHeld);
}

TEST_F(AnEngine, names_the_key_of_a_data_directory_that_it_cannot_write_and_a_remedy) {
  const auto unusable = config({"app"});
  const auto in_the_way = unusable.service.data_dir / "lock";
  std::filesystem::create_directories(in_the_way);
  try {
    start(unusable);
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_config);
    EXPECT_THAT(error.what(),
                testing::StartsWith(fmt::format("opening {}: Is a directory", in_the_way.string())));
    EXPECT_THAT(error.what(), testing::HasSubstr("must be able to write in service.data_dir: run it as"));
  }
}

TEST_F(AnEngine, takes_new_repositories_from_a_reload_and_keeps_the_old) {
  const auto engine = start(config({"app"}));
  turn_until(*engine, [&] { return succeeded(*engine, "app-pull"); });
  const auto last_success = engine->runner().find("app-pull")->state.last_success;
  engine->reload(config({"lib", "app"}));
  turn_until(*engine, [&] { return succeeded(*engine, "lib-pull"); });
  EXPECT_EQ(engine->runner().find("app-pull")->state.last_success, last_success);
  rest(*engine, clock_);
}

TEST_F(AnEngine, runs_many_repositories_at_once_and_loses_no_sync) {
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("r" + std::to_string(i));
  const auto engine = start(config(names));
  for (const auto& name : names) {
    turn_until(*engine, [&] { return succeeded(*engine, name + "-pull"); });
  }
  rest(*engine, clock_);
  const auto syncs = engine->store().syncs({.limit = 100});
  EXPECT_EQ(syncs.size(), names.size());
  for (const auto& sync : syncs) EXPECT_EQ(sync.status, SyncStatus::completed);
}

TEST_F(AnEngine, interrupted_in_the_middle_runs_the_sync_again_next_time) {
  auto engine = start(config({"app"}));
  turn_until(*engine, [&] { return engine->service().running() == 1; });
  engine->interrupt();
  turn_until(*engine, [&] { return engine->at_rest(); });
  engine.reset();

  engine = start(config({"app"}));
  turn_until(*engine, [&] { return succeeded(*engine, "app-pull"); });
  rest(*engine, clock_);
  const auto syncs = engine->store().syncs({});
  ASSERT_EQ(syncs.size(), 1u);
  EXPECT_EQ(syncs[0].status, SyncStatus::completed);
  EXPECT_LE(syncs[0].attempt, 2);
}

TEST_F(AnEngine, that_runs_policies_once_tells_each_attempt_and_the_end) {
  Once once({"app-pull", "gone-pull"});
  observer_.add(once);
  auto both = config({"app", "gone"});
  both.repos[1].upstream->url = (folder / "nowhere.git").string();
  Engine engine(both.service, clock_, observer_, [](const Failure&) {});
  once.run(engine, both, [] { return false; });
  const auto results = once.results();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].status, OnceResult::Status::completed);
  ASSERT_EQ(results[0].syncs.size(), 1u);
  EXPECT_EQ(count(*results[0].syncs[0].refs).updated, 1u);
  EXPECT_EQ(results[1].status, OnceResult::Status::failed);
  ASSERT_EQ(results[1].syncs.size(), 1u) << "what a person must mend is not tried again";
  EXPECT_EQ(results[1].syncs[0].failure->kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace refsyncd
