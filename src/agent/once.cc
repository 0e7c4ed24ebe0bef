#include "agent/once.h"

#include <algorithm>

namespace refsyncd {
namespace {

/// How long a stop waits for git to end and the store to be written, as long as the disk may be full.
constexpr auto last_patience = std::chrono::seconds(10);

}  // namespace

Once::Once(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {
  for (const auto& policy : wanted_) results_[policy].policy = policy;
}

void Once::keep(const Sync& sync) {
  const auto result = results_.find(sync.request.policy);
  if (result == results_.end()) return;
  auto& syncs = result->second.syncs;
  const auto known = std::find_if(syncs.begin(), syncs.end(), [&](const Sync& s) { return s.id == sync.id; });
  known == syncs.end() ? syncs.push_back(sync) : void(*known = sync);
}

void Once::run_finished(const Policy& policy, const PolicyState&, const PolicyState& now) {
  const auto result = results_.find(policy.name);
  if (result == results_.end()) return;
  result->second.status = now.last_failure ? OnceResult::Status::failed : OnceResult::Status::completed;
}

void Once::run(Engine& engine, Config config, const std::function<bool()>& stop) {
  std::erase_if(config.policies, [&](const Policy& policy) { return !results_.contains(policy.name); });
  engine.runner().stop_schedule();
  engine.start(std::move(config));
  for (const auto& policy : wanted_) engine.runner().trigger(policy);

  const auto tick = [&] { engine.turn(std::chrono::steady_clock::now() + std::chrono::seconds(1)); };
  const auto ended = [&](const std::string& policy) {
    return engine.runner().find(policy)->state.phase == RunPhase::idle;
  };
  while (!std::all_of(wanted_.begin(), wanted_.end(), ended) && !stop()) tick();
  engine.stop_starting();
  // What an earlier process left may still run; it is not worth more of the user's patience than the own
  // policies.
  auto give_up = SteadyTime::max();
  while (!engine.at_rest() && std::chrono::steady_clock::now() < give_up) {
    if (stop() && give_up == SteadyTime::max()) {
      engine.interrupt();
      give_up = std::chrono::steady_clock::now() + last_patience;
    }
    tick();
  }
}

std::vector<OnceResult> Once::results() const {
  std::vector<OnceResult> results;
  for (const auto& policy : wanted_) results.push_back(results_.at(policy));
  return results;
}

}  // namespace refsyncd
