#include "agent/served_webhooks.h"

#include <fmt/format.h>

#include <future>
#include <limits>
#include <memory>
#include <type_traits>

#include "agent/wait_for.h"
#include "base/uuid.h"

namespace refsyncd {

template <class Answer>
auto ServedWebhooks::on_loop(Answer answer) {
  using Result = std::invoke_result_t<Answer>;
  auto task = std::make_shared<std::packaged_task<Result()>>(std::move(answer));
  auto result = task->get_future();
  around_.loop.post([task] { (*task)(); });
  return wait_for(result, loop_patience, around_.stopped);
}

template <class Decide>
bool ServedWebhooks::durably(Decide decide) {
  auto promise = std::make_shared<std::promise<bool>>();
  auto result = promise->get_future();
  around_.loop.post([promise, decide = std::move(decide)]() mutable {
    if (!decide([promise] { promise->set_value(true); })) promise->set_value(false);
  });
  return wait_for(result, loop_patience, around_.stopped);
}

std::vector<WebhookTarget> ServedWebhooks::webhook_targets() {
  return on_loop([this] { return around_.webhooks.targets(); });
}

WebhookControl::Created ServedWebhooks::create_webhook_target(const WebhookTarget& wanted) {
  auto target = wanted;
  target.created_at = target.updated_at = around_.clock.now();
  target.id = new_uuid(target.created_at);
  auto secret = around_.webhooks.secrets().make(target.id);
  const bool added = durably([this, target, secret](std::function<void()> done) {
    return around_.webhooks.add(target, secret, std::move(done));
  });
  if (!added) {
    around_.webhooks.secrets().forget(target.id);
    throw Error(ErrorKind::bad_config, fmt::format("there are {} webhook targets already; delete one first",
                                                   WebhookTargets::at_most));
  }
  return {.target = std::move(target), .secret = std::move(secret)};
}

std::optional<WebhookTarget> ServedWebhooks::change_webhook_target(const std::string& id,
                                                                   const Change& change) {
  auto target = std::make_shared<WebhookTarget>();
  const bool changed = durably([this, id, change, target](std::function<void()> done) {
    const auto* current = around_.webhooks.find(id);
    if (current == nullptr) return false;
    *target = *current;
    apply(change, *target);
    target->updated_at = around_.clock.now();
    return around_.webhooks.change(*target, std::move(done));
  });
  return changed ? std::optional(*target) : std::nullopt;
}

bool ServedWebhooks::remove_webhook_target(const std::string& id) {
  return durably(
      [this, id](std::function<void()> done) { return around_.webhooks.remove(id, std::move(done)); });
}

std::vector<std::string> ServedWebhooks::repository_ids() {
  return on_loop([this] {
    std::vector<std::string> ids;
    for (const auto& entry : around_.catalog.list("", std::numeric_limits<size_t>::max()))
      ids.push_back(entry.record.id);
    return ids;
  });
}

}  // namespace refsyncd
