#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "contract/event_json.h"
#include "model/store.h"
#include "webhooks/targets.h"

namespace refsyncd {

/// A Recorder that also writes an event into the outbox whenever a recorded sync has another status than
/// before, in the transaction of the sync itself: one delivery for each target that asked for it, without the
/// refs, which are in the store with the sync. Everything goes on to the recorder behind. Used on the loop's
/// thread.
class OutboxRecorder final : public Recorder {
 public:
  using OnDelivery = std::function<void(const PendingDelivery&)>;

  /// `on_delivery` hears of each delivery once it is durable. All references outlive the recorder.
  OutboxRecorder(Recorder& behind, const WebhookTargets& targets, const Clock& clock,
                 Organization organization, OnDelivery on_delivery);

  /// The syncs an earlier process left in the store: their events are there, too.
  void adopt(const std::vector<Sync>& unfinished);
  /// Where the API turned out to be: "host:port".
  void set_api_address(std::string_view address);

  void record(const RepositoryRecord& repository) override { behind_.record(repository); }
  void record(const Sync& sync) override;
  void record(const PolicyState& state) override { behind_.record(state); }
  void record(const WebhookChange& change) override { behind_.record(change); }
  uint64_t records() const override { return behind_.records(); }
  void when_durable(std::function<void()> effect) override { behind_.when_durable(std::move(effect)); }
  void when_durable_at_leisure(std::function<void()> effect) override {
    behind_.when_durable_at_leisure(std::move(effect));
  }

 private:
  std::vector<SyncStatus> news(const Sync& sync);
  void tell(const Sync& sync);
  std::string body_of(Sync sync, WallTime now) const;

  Recorder& behind_;
  const WebhookTargets& targets_;
  const Clock& clock_;
  const Organization organization_;
  std::string repositories_url_;  // a repository's URL is this and its name, percent-encoded
  OnDelivery on_delivery_;
  std::unordered_map<std::string, SyncStatus> told_;  // by id, of syncs that are not terminal
};

}  // namespace refsyncd
