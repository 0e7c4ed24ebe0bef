#pragma once
#include <map>

#include "agent/engine.h"
#include "agent/loop_calls.h"
#include "api/control.h"
#include "forge/notice.h"
#include "forge/subscribers.h"
#include "model/observer.h"

namespace refsyncd {

/// Takes webhooks of Git forges: judges and reads them on the HTTP server's thread, then makes the policies
/// due on the loop. What comes of it is idempotent and only in memory: when it is lost with the agent, the
/// next due time makes up for it.
class ServedNotices {
 public:
  struct Surroundings {
    Engine& engine;
    Observer& observer;
    const Clock& clock;
    LoopCalls& calls;
  };

  /// What the surroundings refer to outlives this.
  ServedNotices(const Surroundings& surroundings, std::map<Forge, SecretSource> secrets);

  /// The configuration that the engine gets next. On the loop's thread.
  void configure(const Config& config);

  /// See Control::notice().
  NoticeReply take(Forge forge, const HttpRequest& request);

 private:
  NoticeReply tell(NoticeReceipt receipt, NoticeReply::Verdict verdict);
  NoticeReply trigger(Forge forge, const PushNotice& notice);

  Surroundings around_;
  const std::map<Forge, SecretSource> secrets_;
  Subscribers subscribers_;  // the loop's
};

}  // namespace refsyncd
