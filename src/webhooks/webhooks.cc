#include "webhooks/webhooks.h"

#include <algorithm>
#include <set>
#include <utility>

namespace refsyncd {
namespace {

/// How long a stop waits for tries under way. Those it cuts off are made again by the next start.
constexpr milliseconds stop_patience = std::chrono::seconds(3);

}  // namespace

Webhooks::Webhooks(Surroundings surroundings, Settings settings)
    : around_(std::move(surroundings)),
      secrets_(std::move(settings.credentials)),
      targets_(around_.recorder),
      outbox_(around_.recorder, targets_, around_.clock, std::move(settings.organization),
              [this](const PendingDelivery& delivery) { deliverer_->add(delivery); }) {}

void Webhooks::start(bool allow_private, const std::vector<Sync>& unfinished) {
  allow_private_ = allow_private;
  auto targets = around_.store.webhook_targets();
  std::unordered_map<std::string, Secret> secrets;
  std::set<std::string> ids;
  for (const auto& target : targets) {
    ids.insert(target.id);
    if (auto secret = secrets_.read(target.id)) secrets.emplace(target.id, std::move(*secret));
  }
  if (const auto unknown = secrets_.all_but(ids); !unknown.empty()) around_.observer.unknown_files(unknown);
  targets_.adopt(std::move(targets), std::move(secrets));
  outbox_.adopt(unfinished);
  client_.emplace(around_.loop, around_.clock,
                  HttpClient::Settings{.connections = 4, .public_only = !allow_private});
  deliverer_.emplace(
      Deliverer::Surroundings{.clock = around_.clock,
                              .store = around_.store,
                              .recorder = around_.recorder,
                              .observer = around_.observer,
                              .targets = targets_,
                              .client = *client_,
                              .in_background = around_.in_background,
                              .on_loop = [this](auto task) { around_.loop.post(std::move(task)); },
                              .roll = around_.roll});
  deliverer_->adopt(around_.store.pending_deliveries(), around_.store.dead_deliveries());
}

bool Webhooks::add(const WebhookTarget& target, const Secret& secret) { return targets_.add(target, secret); }

bool Webhooks::change(const WebhookTarget& target) {
  if (targets_.find(target.id) == nullptr) return false;
  targets_.change(target);
  around_.recorder.when_durable([this, id = target.id] { deliverer_->target_changed(id); });
  return true;
}

bool Webhooks::remove(const std::string& id) {
  if (!targets_.remove(id)) return false;
  deliverer_->target_removed(id);
  around_.recorder.when_durable([this, id] { secrets_.forget(id); });
  return true;
}

void Webhooks::set_dead(size_t dead) {
  if (deliverer_) deliverer_->set_dead(dead);
}

void Webhooks::stop_starting() {
  stopped_at_ = around_.clock.steady();
  if (deliverer_) deliverer_->stop_starting();
}

bool Webhooks::at_rest() const {
  return under_way() == 0 || (stopped_at_ && around_.clock.steady() >= *stopped_at_ + stop_patience);
}

SteadyTime Webhooks::next_wake() const {
  return deliverer_ ? std::min(client_->next_wake(), deliverer_->next_wake()) : SteadyTime::max();
}

void Webhooks::tick() {
  if (!deliverer_) return;
  client_->tick();
  deliverer_->tick();
}

}  // namespace refsyncd
