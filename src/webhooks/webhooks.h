#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/worker_pool.h"
#include "contract/organization.h"
#include "http/async_client.h"
#include "webhooks/deliverer.h"
#include "webhooks/outbox_recorder.h"
#include "webhooks/secrets.h"
#include "webhooks/targets.h"

namespace refsyncd {

/// Outgoing webhooks: who hears of what, the outbox, and its delivery. On the loop's thread, except where it
/// says otherwise.
class Webhooks {
 public:
  struct Surroundings {
    const Clock& clock;
    WebhookStore& store;
    Recorder& recorder;
    Observer& observer;
    Loop& loop;
    Executor in_background;        ///< runs a function on another thread
    std::function<double()> roll;  ///< a die in [0, 1)
  };
  struct Settings {
    std::filesystem::path credentials;  ///< the folder of the secrets
    Organization organization;
  };

  /// What is around outlives the webhooks.
  Webhooks(Surroundings surroundings, Settings settings);

  /// Takes up what an earlier process left; until then nobody is told of anything. The observer hears of
  /// secrets whose target the store does not know. Blocks on the disk.
  void start(bool allow_private, const std::vector<Sync>& unfinished);

  /// What syncs are recorded with, so that they are told of.
  Recorder& recorder() { return outbox_; }
  void set_api_address(std::string_view address) { outbox_.set_api_address(address); }
  /// May targets have loopback and private addresses? From any thread once started.
  bool allows_private() const { return allow_private_; }
  /// From any thread.
  const WebhookSecrets& secrets() const { return secrets_; }

  /// Oldest first.
  const std::vector<WebhookTarget>& targets() const { return targets_.all(); }
  /// Nullptr when there is none. Holds until the next change.
  const WebhookTarget* find(const std::string& id) const { return targets_.find(id); }
  /// False, and nothing is changed, when there are WebhookTargets::at_most already;
  /// change() and remove() are false when there is no such target.
  bool add(const WebhookTarget& target, const Secret& secret);
  bool change(const WebhookTarget& target);
  bool remove(const std::string& id);

  /// Deliveries that were given up were purged; so many are left.
  void set_dead(size_t dead);

  /// From now on no try begins; those under way may end within a few seconds.
  void stop_starting();
  /// Tries under way.
  size_t under_way() const { return deliverer_ ? deliverer_->under_way() : 0; }
  /// True when a stop need not wait: no try is under way, or they have had their time.
  bool at_rest() const;
  SteadyTime next_wake() const;
  void tick();

 private:
  Surroundings around_;
  WebhookSecrets secrets_;
  WebhookTargets targets_;
  OutboxRecorder outbox_;
  bool allow_private_ = false;
  std::optional<SteadyTime> stopped_at_;
  std::optional<HttpClient> client_;    // once started
  std::optional<Deliverer> deliverer_;  // once started; uses all above
};

}  // namespace refsyncd
