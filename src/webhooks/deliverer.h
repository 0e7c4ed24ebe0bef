#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/worker_pool.h"
#include "http/async_client.h"
#include "model/observer.h"
#include "model/store.h"
#include "webhooks/lanes.h"
#include "webhooks/targets.h"

namespace refsyncd {

/// Sends what is in the outbox to its targets: each delivery at least once, in order for each target and
/// repository, until the target takes it (any 2xx) or it is given up (see webhooks/retry). A delivery leaves
/// the outbox, and the next of its lane goes, once that is durable. When too many wait for one target
/// (Lanes::Limits::waiting) the oldest are given up. Lives on the loop's thread.
class Deliverer {
 public:
  struct Surroundings {
    const Clock& clock;
    WebhookStore& store;
    Recorder& recorder;
    Observer& observer;
    const WebhookTargets& targets;
    HttpClient& client;
    Executor in_background;        ///< runs a function on another thread
    Executor on_loop;              ///< hands a function to the loop's thread
    std::function<double()> roll;  ///< a die in [0, 1)
  };

  /// What is around outlives the deliverer.
  explicit Deliverer(Surroundings surroundings, Lanes::Limits limits = {});
  Deliverer(const Deliverer&) = delete;
  Deliverer& operator=(const Deliverer&) = delete;
  ~Deliverer();

  /// What an earlier process left in the outbox.
  void adopt(const std::vector<PendingDelivery>& pending, size_t dead);
  /// A delivery that is durable.
  void add(const PendingDelivery& delivery);
  /// The target is durably another: what waits for its next try has it now.
  void target_changed(const std::string& target_id);
  /// The target is no more, and its deliveries with it.
  void target_removed(const std::string& target_id);
  /// How many deliveries that were given up the store still holds.
  void set_dead(size_t dead);

  /// From now on no try begins.
  void stop_starting() { stopped_ = true; }
  /// Tries under way.
  size_t under_way() const { return lanes_.busy(); }

  /// When tick() wants to be called; SteadyTime::max() for never.
  SteadyTime next_wake() const { return stopped_ ? SteadyTime::max() : lanes_.next_wake(); }
  void tick();

 private:
  void start_what_may();
  void start(const Lanes::Next& next);
  void loaded(const LaneKey& lane, std::optional<Delivery> delivery, std::string body);
  void send(const LaneKey& lane, Delivery delivery, std::string body);
  void answered(const LaneKey& lane, Delivery delivery, const HttpAnswer* answer, const HttpTrouble* trouble);
  void delivered(const LaneKey& lane, Delivery delivery);
  void failed(const LaneKey& lane, Delivery delivery, const Failure& failure, std::optional<int> status);
  void give_up(const LaneKey& lane, Delivery delivery, const Failure& failure);
  void over(const LaneKey& lane);
  void abandon_too_many(const std::string& target_id);
  void tell_outstanding();

  Surroundings around_;
  Lanes lanes_;
  size_t dead_ = 0;
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // false once we are gone; read on the loop only
};

}  // namespace refsyncd
