#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "local/catalog.h"
#include "local/maintenance_rounds.h"
#include "local/queue.h"
#include "model/maintenance.h"
#include "model/observer.h"

namespace refsyncd {

/// Maintains a repository when it needs that, see upkeep.h. Returns at once; `done` is called later, once, on
/// the loop's thread, with nothing when there was nothing to do. A stop request ends it soon.
using Maintain = std::function<void(const Repo&, std::stop_token,
                                    std::function<void(std::optional<MaintenanceReport>)> done)>;

/// Keeps the repositories of ours in shape, one at a time, each when it is its turn and no sync of it waits
/// or runs. It holds the repository meanwhile; a sync that comes ends it, and what is left is begun again
/// later. Lives on the loop's thread.
class Maintenance {
 public:
  /// What it needs; all of it outlives it.
  struct Surroundings {
    const Clock& clock;
    Observer& observer;
    Queue& queue;
    const Catalog& catalog;
    std::function<bool(const std::string& repo)> in_use;  ///< a sync of the repository waits or runs
    std::function<void()> released;                       ///< a repository is no longer held
  };

  /// Without `maintain` nothing is ever maintained.
  Maintenance(Surroundings surroundings, Maintain maintain);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  /// Whether to maintain at all. Off at first.
  void set_enabled(bool enabled);
  /// The repository takes part, when it is one of ours.
  void know(const std::string& repo);
  /// A sync has brought something into the repository.
  void changed(const std::string& repo);

  void tick();
  SteadyTime next_wake() const;

  /// A sync waits for the repository.
  void give_way(const std::string& repo);
  /// Calls `then` when the repository is not held: now, or soon, for it gives way.
  void after(const std::string& repo, std::function<void()> then);
  /// Ends what runs, and begins nothing any more.
  void stop();

 private:
  struct Running {
    std::string repo;
    std::string folder;
    std::stop_source stop;
    std::vector<std::function<void()>> then;
  };

  Moment now() const { return {.wall = around_.clock.now(), .steady = around_.clock.steady()}; }
  bool is_ours(const std::string& repo) const;
  void begin(const std::string& repo);
  void ended(std::optional<MaintenanceReport> report);

  Surroundings around_;
  Maintain maintain_;
  MaintenanceRounds rounds_;
  std::optional<Running> running_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool enabled_ = false;
  bool stopped_ = false;
};

}  // namespace refsyncd
