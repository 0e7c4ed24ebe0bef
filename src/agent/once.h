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
  enum class Status { interrupted, completed, failed };

  std::string policy;
  Status status = Status::interrupted;  ///< interrupted: it goes on when the next process starts
  /// One for each attempt, in order; the last of an interrupted policy may not be over.
  std::vector<Sync> syncs;
};

/// Runs policies now, each to its end with its retries, outside any schedule.
class Once final : public Observer {
 public:
  /// `wanted` names policies of the configuration.
  explicit Once(std::vector<std::string> wanted);

  void sync_queued(const Sync& sync) override { keep(sync); }
  void sync_started(const Sync& sync) override { keep(sync); }
  void sync_finished(const Sync& sync) override { keep(sync); }
  void run_finished(const Policy& policy, const PolicyState& was, const PolicyState& now) override;

  /// Starts the runs and drives the engine until all have ended and everything is written down, or `stop`
  /// says so (then what is not over is interrupted). The engine was made with an observer that reaches this
  /// object.
  void run(Engine& engine, Config config, const std::function<bool()>& stop);

  /// One for each wanted policy, in that order.
  std::vector<OnceResult> results() const;

 private:
  void keep(const Sync& sync);

  std::vector<std::string> wanted_;
  std::map<std::string, OnceResult> results_;
};

}  // namespace refsyncd
