#include "webhooks/outbox_recorder.h"

#include <fmt/format.h>

#include <utility>

#include "base/uuid.h"
#include "http/url.h"

namespace refsyncd {

OutboxRecorder::OutboxRecorder(Recorder& behind, const WebhookTargets& targets, const Clock& clock,
                               Organization organization, OnDelivery on_delivery)
    : behind_(behind),
      targets_(targets),
      clock_(clock),
      organization_(std::move(organization)),
      on_delivery_(std::move(on_delivery)) {}

void OutboxRecorder::adopt(const std::vector<Sync>& unfinished) {
  for (const auto& sync : unfinished) told_.insert_or_assign(sync.id, sync.status);
}

void OutboxRecorder::set_api_address(std::string_view address) {
  repositories_url_ = fmt::format("http://{}/v1/{}/", address, organization_.slug);
}

void OutboxRecorder::record(const Sync& sync) {
  behind_.record(sync);
  for (const auto status : news(sync)) {
    if (status == sync.status) {
      tell(sync);
      continue;
    }
    auto earlier = sync;
    earlier.status = status;
    earlier.refs.reset();
    earlier.failure.reset();
    earlier.finished_at.reset();
    if (status == SyncStatus::queued) earlier.started_at.reset();
    tell(earlier);
  }
}

/// The statuses a target has not heard of yet. A sync that is recorded once, at its end, went through all of
/// them.
std::vector<SyncStatus> OutboxRecorder::news(const Sync& sync) {
  const auto told = told_.find(sync.id);
  const bool first = told == told_.end();
  if (sync.terminal()) {
    if (!first) told_.erase(told);
    if (first && sync.started_at) return {SyncStatus::queued, SyncStatus::in_progress, sync.status};
    return {sync.status};
  }
  if (!first && told->second == sync.status) return {};
  told_.insert_or_assign(sync.id, sync.status);
  return {sync.status};
}

/// The body of an event but for the refs, of which there may be very many: the store has them already.
std::string OutboxRecorder::body_of(Sync sync, WallTime now) const {
  if (sync.refs) sync.refs = std::make_shared<const RefResults>();
  const auto url = repositories_url_ + percent_encode(sync.request.repo);
  const auto body = to_json_value(SyncEvent{.id = new_uuid(now),
                                            .occurred_at = now,
                                            .organization = organization_,
                                            .repository_url = url,
                                            .sync = std::move(sync)});
  return body.dump();
}

void OutboxRecorder::tell(const Sync& sync) {
  const auto event = webhook_event(sync.status);
  const auto now = clock_.now();
  std::shared_ptr<const std::string> payload;  // the same for all who hear of it
  for (const auto& target : targets_.all()) {
    if (!target.wants(event, sync.repo_id)) continue;
    if (!payload) payload = std::make_shared<const std::string>(body_of(sync, now));
    Delivery delivery;
    delivery.id = new_uuid(now);
    delivery.target_id = target.id;
    delivery.repo_id = sync.repo_id;
    delivery.event = event;
    delivery.payload = payload;
    if (sync.refs && !sync.refs->empty()) delivery.refs_of = sync.id;
    delivery.occurred_at = now;
    PendingDelivery pending{.id = delivery.id, .target_id = target.id, .repo_id = sync.repo_id};
    behind_.record(WebhookChange(std::move(delivery)));
    behind_.when_durable([this, pending = std::move(pending)] { on_delivery_(pending); });
  }
}

}  // namespace refsyncd
