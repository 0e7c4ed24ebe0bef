#include "agent/ask_by_hand.h"

#include "agent/wait_for.h"

namespace refsyncd {

Sync ask_by_hand(Loop& loop, SyncService& service, const SyncRequest& asked,
                 const std::function<bool()>& draining, const std::function<bool()>& stopped) {
  auto promise = std::make_shared<std::promise<Sync>>();
  auto result = promise->get_future();
  const auto refuse = [promise](const Error& why) { promise->set_exception(std::make_exception_ptr(why)); };
  loop.post([&service, promise, refuse, asked, draining] {
    if (draining()) return refuse(Error(ErrorKind::transient, "the agent is stopping"));
    SyncRequest request;
    request.repo = asked.repo;
    request.direction = asked.direction;
    request.globs = asked.globs;
    request.priority = Priority::manual;
    service.enqueue(request, [promise, refuse](const Sync* sync, const Failure* refused) {
      sync != nullptr ? promise->set_value(*sync) : refuse(Error(refused->kind, refused->message));
    });
  });
  return wait_for(result, loop_patience, stopped);
}

}  // namespace refsyncd
