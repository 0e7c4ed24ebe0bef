#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "config/config.h"
#include "model/observer.h"

namespace refsyncd {

/// What became of one policy that was run once.
struct OnceResult {
  std::string policy;
  bool completed = false;
  std::vector<Sync> syncs;  ///< one for each attempt, in order
};

/// Runs policies now, each to its end with its retries, outside any schedule.
class Once final : public Observer {
 public:
  /// `wanted` names policies of the configuration.
  explicit Once(std::vector<std::string> wanted);

  void sync_finished(const Sync& sync) override;
  void run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) override;

  /// Starts the runs and drives the engine until all have ended and everything is written down, or `stop`
  /// says so (then what is not over is interrupted). The engine was made with an observer that reaches this
  /// object.
  void run(Engine& engine, Config config, const std::function<bool()>& stop);

  /// One for each wanted policy, in that order. Policies that did not end count as not completed.
  std::vector<OnceResult> results() const;

 private:
  std::vector<std::string> wanted_;
  std::map<std::string, OnceResult> results_;
  std::map<std::string, bool> ended_;
};

}  // namespace refsyncd
