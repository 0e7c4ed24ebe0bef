#pragma once
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "model/webhook.h"

namespace refsyncd {

/// What keeps its order: the events of one repository for one target.
struct LaneKey {
  std::string target_id;
  std::string repo_id;
  auto operator<=>(const LaneKey&) const = default;
};

/// Which delivery goes next. Within a lane one after another: nothing passes a delivery that waits for its
/// next try. Lanes go side by side, a bounded number in all and for each target, targets taking turns. So
/// many and no more may wait for a target. Decides only; touches nothing.
class Lanes {
 public:
  struct Limits {
    size_t in_all = 16;
    size_t a_target = 4;
    size_t waiting = 10'000;  ///< deliveries of a target, those under way included
  };
  struct Next {
    LaneKey lane;
    std::string delivery_id;
  };

  explicit Lanes(Limits limits) : limits_(limits) {}

  /// Puts a delivery behind those of its lane.
  void add(const PendingDelivery& delivery);
  /// The head of a lane that may go now; the lane is busy until hold() or finish().
  std::optional<Next> take();
  /// The head of a busy lane stays and may go again at `until`.
  void hold(const LaneKey& lane, SteadyTime until);
  /// The head of a busy lane is over.
  void finish(const LaneKey& lane);
  /// When too many wait for the target, the oldest that is not under way: it is in no lane any more. A lane
  /// that was held for it stays held for the next.
  std::optional<std::string> shed(const std::string& target_id);
  /// Forgets everything of a target. Calls of hold() and finish() for its busy lanes still come, and only
  /// free their places.
  void remove_target(const std::string& target_id);

  /// The held lanes of a target may go at once.
  void hurry(const std::string& target_id);
  /// Lanes whose time has come may go.
  void wake(SteadyTime now);
  /// When the next held lane may go; SteadyTime::max() for never.
  SteadyTime next_wake() const { return held_.empty() ? SteadyTime::max() : held_.begin()->first; }
  /// Deliveries, those under way included.
  size_t size() const { return size_; }
  size_t busy() const { return busy_; }

 private:
  struct Waiting {
    uint64_t arrival = 0;
    std::string id;
  };
  struct Lane {
    std::deque<Waiting> line;
    bool busy = false;
    std::optional<SteadyTime> held_until;
  };
  struct Target {
    std::map<std::string, Lane> lanes;         // by repository
    std::map<uint64_t, std::string> arrivals;  // the repository of each delivery, oldest first
    std::deque<std::string> ready;             // repositories whose lane may go
    size_t busy = 0;
    bool removed = false;  // only its places are still counted
  };

  Target* release(const LaneKey& lane);
  void let_go(const LaneKey& lane);
  void remove_idle(Target& target, const LaneKey& lane);

  Limits limits_;
  std::map<std::string, Target> targets_;
  std::multimap<SteadyTime, LaneKey> held_;
  std::string last_target_;  // whose turn it was
  uint64_t arrivals_ = 0;
  size_t size_ = 0;
  size_t busy_ = 0;
};

}  // namespace refsyncd
