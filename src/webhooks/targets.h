#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/secret.h"
#include "model/store.h"
#include "model/webhook.h"

namespace refsyncd {

/// Who hears of events. On the loop's thread; changes hold at once and are durable when the recorder says so.
class WebhookTargets {
 public:
  /// How many there may be.
  static constexpr size_t at_most = 100;

  explicit WebhookTargets(Recorder& recorder) : recorder_(recorder) {}

  /// What an earlier process left. A target without a secret cannot be signed for: it stays, and `secrets`
  /// has no entry for it.
  void adopt(std::vector<WebhookTarget> targets, std::unordered_map<std::string, Secret> secrets);

  /// Oldest first.
  const std::vector<WebhookTarget>& all() const { return targets_; }
  /// Nullptr when there is none. Holds until the next change.
  const WebhookTarget* find(std::string_view id) const;
  /// Nullptr when the target or its secret is not there.
  const Secret* secret(std::string_view id) const;

  /// False, and nothing is changed, when there are too many already.
  bool add(const WebhookTarget& target, const Secret& secret);
  /// Replaces the target of the same id, which exists.
  void change(const WebhookTarget& target);
  /// False when there is none. Its deliveries leave the store with it.
  bool remove(const std::string& id);

 private:
  std::vector<WebhookTarget>::iterator place_of(std::string_view id);

  Recorder& recorder_;
  std::vector<WebhookTarget> targets_;
  std::unordered_map<std::string, Secret> secrets_;
};

}  // namespace refsyncd
