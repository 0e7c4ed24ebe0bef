#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/clock.h"
#include "mesa/api.h"
#include "mesa/page_guard.h"
#include "mesa/polling.h"

namespace refsyncd {

/// Asks the service, again and again, what became of the syncs in flight: each by itself while they are few,
/// by pages of repositories when that is cheaper. Lives on the loop's thread.
class Poller {
 public:
  struct Surroundings {
    const Clock& clock;
    MesaApi& api;
    std::function<double()> roll;  ///< dice in [0, 1)
    /// A sync in flight as the service shows it now; may call remove().
    std::function<void(const Sync&)> seen;
    /// The service does not know the sync (any more); may call remove().
    std::function<void(const std::string& id, const Failure& why)> gone;
  };

  explicit Poller(Surroundings surroundings) : around_(std::move(surroundings)) {}

  /// From now on the sync is asked for; it is so old already.
  void add(const std::string& id, const std::string& repo, milliseconds age);
  void remove(const std::string& id);

  /// When tick() wants to be called; SteadyTime::max() for never.
  SteadyTime next_wake() const;
  void tick();

 private:
  struct Item {
    std::string repo;
    SteadyTime since{};
    SteadyTime next{};
    bool asking = false;
    int failures = 0;  // in a row
  };
  /// One walk through the pages of all repositories.
  struct Round {
    std::unordered_set<std::string> unseen;  // in flight, and on no page so far
    PageGuard guard;
    size_t pages = 0;
    size_t most_pages = 0;
  };

  Polling choice() const;
  void schedule(const std::string& id, Item& item, milliseconds delay);
  void ask(const std::string& id);
  void answered(const std::string& id, const std::variant<Sync, ApiTrouble>& result);
  void begin_round();
  void ask_page(const std::optional<std::string>& cursor);
  void page_came(const RepoPage& page);
  void page_failed(const ApiTrouble& trouble);
  void end_round();
  milliseconds after(const Failure& failure, int failures);

  Surroundings around_;
  std::unordered_map<std::string, Item> items_;
  std::unordered_map<std::string, size_t> syncs_of_repo_;
  std::set<std::pair<SteadyTime, std::string>> due_;  // items that are not being asked for
  SteadyTime last_added_{};
  std::optional<Round> round_;
  SteadyTime next_round_{};
  size_t known_pages_ = 1;
  int failed_rounds_ = 0;  // in a row
};

}  // namespace refsyncd
