#include "webhooks/deliverer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/version.h"
#include "contract/event_json.h"
#include "contract/signature.h"
#include "webhooks/retry.h"

namespace refsyncd {
namespace {

constexpr size_t answer_limit = 1 << 20;
/// How soon the outbox is read again after that failed.
constexpr milliseconds store_pause = std::chrono::seconds(5);

/// What is signed and sent. A payload that is damaged goes as it is.
std::string body_of(const Delivery& delivery) try {
  return delivery.refs ? with_refs(*delivery.payload, *delivery.refs) : *delivery.payload;
} catch (const nlohmann::json::exception&) {
  return *delivery.payload;
}

}  // namespace

Deliverer::Deliverer(Surroundings surroundings, Lanes::Limits limits)
    : around_(std::move(surroundings)), lanes_(limits) {}

Deliverer::~Deliverer() { *alive_ = false; }

void Deliverer::adopt(const std::vector<PendingDelivery>& pending, size_t dead) {
  for (const auto& delivery : pending) lanes_.add(delivery);
  set_dead(dead);
  for (const auto& target : around_.targets.all()) abandon_too_many(target.id);
  start_what_may();
}

void Deliverer::add(const PendingDelivery& delivery) {
  if (around_.targets.find(delivery.target_id) == nullptr) return;
  lanes_.add(delivery);
  abandon_too_many(delivery.target_id);
  tell_outstanding();
  start_what_may();
}

void Deliverer::target_changed(const std::string& target_id) {
  lanes_.hurry(target_id);
  start_what_may();
}

void Deliverer::target_removed(const std::string& target_id) {
  lanes_.remove_target(target_id);
  tell_outstanding();
}

void Deliverer::set_dead(size_t dead) {
  dead_ = dead;
  tell_outstanding();
}

void Deliverer::tell_outstanding() { around_.observer.webhooks_outstanding(lanes_.size(), dead_); }

void Deliverer::tick() {
  lanes_.wake(around_.clock.steady());
  start_what_may();
}

void Deliverer::start_what_may() {
  while (!stopped_) {
    const auto next = lanes_.take();
    if (!next) return;
    start(*next);
  }
}

void Deliverer::start(const Lanes::Next& next) {
  around_.in_background([this, next, alive = alive_, &store = around_.store, on_loop = around_.on_loop] {
    std::optional<Delivery> delivery;
    std::string body;
    bool readable = true;
    try {
      delivery = store.delivery(next.delivery_id);
      if (delivery) body = body_of(*delivery);
      if (delivery) delivery->refs.reset();
    } catch (const Error&) {
      readable = false;  // a store in trouble shows in every write
    }
    on_loop([this, alive, readable, lane = next.lane, delivery = std::move(delivery),
             body = std::move(body)]() mutable {
      if (!*alive) return;
      if (readable) return loaded(lane, std::move(delivery), std::move(body));
      lanes_.hold(lane, around_.clock.steady() + store_pause);
    });
  });
}

void Deliverer::loaded(const LaneKey& lane, std::optional<Delivery> delivery, std::string body) {
  const auto now = around_.clock.now();
  if (!delivery || around_.targets.find(lane.target_id) == nullptr) return over(lane);
  if (stopped_ || delivery->next_try > now) {
    // At most a day, whatever the wall clock has done meanwhile.
    const auto wait = std::clamp<milliseconds>(delivery->next_try - now, milliseconds(0), oldest_event);
    return lanes_.hold(lane, around_.clock.steady() + wait);
  }
  send(lane, std::move(*delivery), std::move(body));
}

void Deliverer::send(const LaneKey& lane, Delivery delivery, std::string body) {
  const auto* secret = around_.targets.secret(lane.target_id);
  if (secret == nullptr) {
    const Failure no_secret{.kind = ErrorKind::bad_config,
                            .message = "its secret is gone; delete the target and make a new one"};
    delivery.attempts += 1;
    return failed(lane, std::move(delivery), no_secret, std::nullopt);
  }
  HttpSend request;
  request.method = "POST";
  request.url = around_.targets.find(lane.target_id)->url;
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", fmt::format("refsyncd/{}", version)},
                     {std::string(signature_header), sign_webhook(*secret, around_.clock.now(), body)}};
  request.body = std::move(body);
  request.answer_limit = answer_limit;
  around_.client.send(std::move(request), [this, lane, delivery = std::move(delivery)](
                                              const HttpAnswer* answer, const HttpTrouble* trouble) mutable {
    answered(lane, std::move(delivery), answer, trouble);
  });
}

void Deliverer::answered(const LaneKey& lane, Delivery delivery, const HttpAnswer* answer,
                         const HttpTrouble* trouble) {
  if (around_.targets.find(lane.target_id) == nullptr) return over(lane);
  if (answer != nullptr && answer->status / 100 == 2) return delivered(lane, std::move(delivery));
  delivery.attempts += 1;
  if (trouble != nullptr) return failed(lane, std::move(delivery), trouble->failure, std::nullopt);
  const Failure refused{.kind = ErrorKind::transient,
                        .message = fmt::format("it answered with status {}", answer->status),
                        .retry_after = answer->retry_after};
  failed(lane, std::move(delivery), refused, answer->status);
}

void Deliverer::delivered(const LaneKey& lane, Delivery delivery) {
  around_.recorder.record(WebhookChange(Delivered{delivery.id}));
  around_.recorder.when_durable([this, lane, delivery = std::move(delivery)] {
    around_.observer.webhook_delivered(delivery);
    over(lane);
  });
}

void Deliverer::failed(const LaneKey& lane, Delivery delivery, const Failure& failure,
                       std::optional<int> status) {
  const auto now = around_.clock.now();
  const auto wait = wait_after({.attempts = delivery.attempts,
                                .age = now - delivery.occurred_at,
                                .status = status,
                                .asked = failure.retry_after},
                               around_.roll());
  if (!wait) return give_up(lane, std::move(delivery), failure);
  const auto until = around_.clock.steady() + *wait;
  delivery.next_try = now + *wait;
  around_.recorder.record(WebhookChange(delivery));
  around_.recorder.when_durable([this, lane, delivery = std::move(delivery), failure, wait, until] {
    around_.observer.webhook_failed(delivery, failure, wait);
    lanes_.hold(lane, until);
    start_what_may();
  });
}

void Deliverer::give_up(const LaneKey& lane, Delivery delivery, const Failure& failure) {
  delivery.dead_since = around_.clock.now();
  around_.recorder.record(WebhookChange(delivery));
  around_.recorder.when_durable([this, lane, delivery = std::move(delivery), failure] {
    around_.observer.webhook_failed(delivery, failure, std::nullopt);
    ++dead_;
    over(lane);
  });
}

void Deliverer::abandon_too_many(const std::string& target_id) {
  while (const auto oldest = lanes_.shed(target_id)) {
    around_.recorder.record(WebhookChange(Abandoned{.id = *oldest, .at = around_.clock.now()}));
    around_.recorder.when_durable([this, target_id] {
      around_.observer.webhook_abandoned(target_id);
      ++dead_;
      tell_outstanding();
    });
  }
}

void Deliverer::over(const LaneKey& lane) {
  lanes_.finish(lane);
  tell_outstanding();
  start_what_may();
}

}  // namespace refsyncd
