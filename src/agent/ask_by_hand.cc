#include "agent/ask_by_hand.h"

namespace refsyncd {

Sync ask_by_hand(LoopCalls& calls, SyncService& service, const SyncRequest& asked) {
  return calls.decide_later<Sync>([&service, asked](const LoopCalls::Reply<Sync>& reply) {
    SyncRequest request;
    request.repo = asked.repo;
    request.direction = asked.direction;
    request.globs = asked.globs;
    request.priority = Priority::manual;
    service.enqueue(request, [reply](const Sync* sync, const Failure* refused) {
      if (sync != nullptr) return reply.give(*sync);
      reply.fail(std::make_exception_ptr(Error(refused->kind, refused->message)));
    });
  });
}

}  // namespace refsyncd
